"""Whether a long history makes counting or asking slower: the same work with a history, and with
ten times of it.
"""

import asyncio
import time

from services.stats.reports import CACHE_SECONDS
from tests.bench import machine, past
from tests.bench.backlog import READS, fill
from tests.bench.counting import SECONDS, counted
from tests.bench.figures import Figure, middle, number
from tests.bench.rig import Rig
from tests.bench.traffic import ARTICLES
from tests.support.system import Process, until

NAME = "history"
LEDGER, BUCKETS = 10_000_000, 1_000_000
QUICK_LEDGER, QUICK_BUCKETS = 500_000, 100_000
BATCHES_PER_SECOND = 200.0
"""What one ingest sends at most."""
QUESTIONS = 21


async def measure(rig: Rig) -> list[Figure]:
    """Ratios of the mean flush time, of the median of `/stats/site`, and of the CPU time of a flush
    in MongoDB.
    """
    await rig.reset()
    ledger, buckets = (QUICK_LEDGER, QUICK_BUCKETS) if rig.quick else (LEDGER, BUCKETS)
    await _insert(rig, ledger // 10, buckets // 10, 0)
    short = await _times(rig)
    await _insert(rig, ledger - ledger // 10, buckets - buckets // 10, buckets // 10 // ARTICLES)
    long = await _times(rig)
    sizes = f"{number(ledger)} ledger entries, {number(buckets)} buckets; a tenth:"
    figures = []
    names = (("flush time", 1.5), ("/stats/site, median", 1.5), ("MongoDB's CPU per flush", None))
    for (name, limit), a, b in zip(names, short, long, strict=True):
        note = f"{number(b * 1000)} ms with {sizes} {number(a * 1000)} ms"
        figures.append(Figure(NAME, f"{name}: ratio", b / a, "×", limit, note=note))
    return figures


async def _insert(rig: Rig, ledger: int, buckets: int, before: int) -> None:
    """Off the load's core, and MongoDB with both: this is not measured."""
    machine.move(rig.system.database.pid, rig.cores.every)

    def insert() -> None:
        with machine.pinned(rig.cores.server):
            past.insert(rig.system.database.url, ledger, buckets, before)

    try:
        await asyncio.to_thread(insert)
    finally:
        machine.move(rig.system.database.pid, rig.cores.backing)


async def _times(rig: Rig) -> tuple[float, float, float]:
    """Seconds of a flush (mean, batches at a constant pace), of an answer (median, none from stats'
    memory), and of MongoDB's CPU per flush.
    """
    # Nothing is moved to the archive while flushes are measured.
    counter, stats = await rig.start("counter", "stats", keep_buckets_days=36_500)
    before = await rig.system.counted()
    batches = int(BATCHES_PER_SECOND * (3 if rig.quick else 15))
    await fill(
        rig.system.broker.url, batches // 5, BATCHES_PER_SECOND
    )  # the first flushes create their documents
    warm, cpu = await rig.metrics(counter), machine.cpu(rig.pids())
    await fill(rig.system.broker.url, batches, BATCHES_PER_SECOND)
    await until(
        counted(rig, before + (batches + batches // 5) * READS), SECONDS, "every read is counted"
    )
    hot, cpu = await rig.metrics(counter), machine.spent(cpu, machine.cpu(rig.pids()))
    seconds, flushes = (
        hot[name] - warm[name]
        for name in ("luotdoc_flush_seconds_sum", "luotdoc_flush_seconds_count")
    )
    answers = [await _ask(rig, stats) for _ in range(7 if rig.quick else QUESTIONS)]
    await rig.stop(counter, stats)
    return seconds / flushes, middle(answers), cpu["mongod"] / flushes


async def _ask(rig: Rig, stats: Process) -> float:
    await asyncio.sleep(CACHE_SECONDS * 1.1)
    started = time.perf_counter()
    (await rig.system.http.get(f"{stats.url}/stats/site")).raise_for_status()
    return time.perf_counter() - started
