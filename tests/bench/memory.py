"""Whether memory stays flat over many reads: ingest and counter under a closed loop that never
pauses.
"""

import time

from tests.bench import machine
from tests.bench.beacon import CONNECTIONS
from tests.bench.counting import SECONDS, counted
from tests.bench.figures import Figure, number
from tests.bench.rig import Rig
from tests.support.system import until

NAME = "memory"
READS, QUICK_READS = 10_000_000, 300_000
WARM_UP = 0.1
"""Share of the reads after which caches are as large as they get."""
WINDOW_ENTRIES = 0.02
"""The reload window's size as a share of the reads: of ten million its default, 200,000; full
within the warm-up.
"""
SLICE_SECONDS = 5.0
LIMIT_SECONDS = 1_200.0


async def measure(rig: Rig) -> list[Figure]:
    """Growth of resident memory from the end of the warm-up to the end."""
    await rig.reset()
    wanted = QUICK_READS if rig.quick else READS
    entries = int(WINDOW_ENTRIES * wanted)
    ingest, counter = await rig.start(
        "ingest", "counter", cores=rig.cores.every, read_window_entries=entries
    )
    sent, started = 0, time.monotonic()
    base: dict[str, float] = {}
    most: dict[str, float] = {}
    while sent < wanted and time.monotonic() - started < LIMIT_SECONDS:
        sent += (await rig.wrk(ingest, CONNECTIONS, SLICE_SECONDS))["requests"]
        now = {"ingest": machine.resident(ingest.pid), "counter": machine.resident(counter.pid)}
        if not base and sent >= WARM_UP * wanted:
            base = most = now
        elif base:
            most = {name: max(most[name], value) for name, value in now.items()}
    if not base:
        raise TimeoutError(f"{sent} reads in {LIMIT_SECONDS:g} s are fewer than the warm-up needs")
    answered = int((await rig.metrics(ingest))["luotdoc_reads_total{reader,counted}"])
    await until(counted(rig, answered), SECONDS, "every read is counted")
    await rig.stop(ingest, counter)
    note = f"{number(sent)} reads sent, {number(answered)} counted; after {WARM_UP:.0%} of them"
    return [
        Figure(
            NAME,
            f"{name}: growth",
            most[name] - base[name],
            "MiB",
            20,
            note=f"{note}: {number(base[name])} MiB",
        )
        for name in base
    ]
