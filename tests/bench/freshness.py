"""How long a read that was answered 204 takes to show in `/stats/site`, with everything running at
half load.
"""

import asyncio
import time
from bisect import bisect_left

from tests.bench.beacon import CONNECTIONS
from tests.bench.figures import Figure, at, number
from tests.bench.rig import Rig
from tests.support.system import Process, until

NAME = "freshness"
LOOK_SECONDS = 0.02
SETTLE_SECONDS = 20.0


async def measure(rig: Rig) -> list[Figure]:
    """Seconds from the answer to the first `/stats/site` that shows it, and what a read costs on
    its whole way.
    """
    await rig.reset()
    seconds = 10.0 if rig.quick else 40.0
    ingest, counter, stats = await rig.start("ingest", "counter", "stats")
    await rig.wrk(ingest, 64, 2)
    reached = (await rig.wrk(ingest, CONNECTIONS, seconds / 4))["rate"]
    before = await settled(rig, ingest)
    pids, written = rig.pids(ingest, counter, stats), await rig.written()
    looks: list[tuple[float, int]] = []
    looking = asyncio.create_task(_look(rig, stats, looks))
    answer, cpu = await rig.used(pids, rig.open_loop(ingest, reached / 2, seconds))
    after = await settled(rig, ingest)

    async def seen() -> bool:
        await asyncio.sleep(LOOK_SECONDS)
        return bool(looks) and looks[-1][1] >= after

    await until(seen, SETTLE_SECONDS, "stats has shown every read")
    looking.cancel()
    batches = await rig.system.db.ledger.estimated_document_count()
    written = await rig.written() - written
    good = answer["acks"][-1][1]
    if answer["statuses"] or not good <= after - before <= answer["requests"]:
        raise RuntimeError(
            f"{after - before} reads are counted, {good} of {answer['requests']} were answered 204"
        )
    lags = _lags([(when, before + until_then) for when, until_then in answer["acks"]], looks)
    await rig.stop(ingest, counter, stats)
    reads, note = (
        after - before,
        f"{number(reached / 2)}/s, open loop; median {number(at(lags, 0.5))} s",
    )
    note += f"; {answer['unanswered']} without an answer" if answer["unanswered"] else ""
    return [
        Figure(
            NAME, "from 204 to visible in /stats/site: p99", at(lags, 0.99), "s", 1.5, note=note
        ),
        Figure(NAME, "from 204 to visible in /stats/site: median", at(lags, 0.5), "s"),
        Figure(NAME, "reads sent", reached / 2, "/s"),
        Figure(NAME, "MongoDB documents written", written / reads * 1000, "per 1,000 reads"),
        Figure(NAME, "reads per ledger entry", after / max(1, batches), "reads"),
        *(
            Figure(NAME, f"CPU of {name}", each / reads * 1e6, "µs/read")
            for name, each in cpu.items()
        ),
    ]


async def settled(rig: Rig, ingest: Process) -> int:
    """The counted reads of the site, once all are that ingest has answered for."""

    async def all_counted() -> bool:
        await asyncio.sleep(0.1)
        return (
            await rig.system.counted()
            == (await rig.metrics(ingest))["luotdoc_reads_total{reader,counted}"]
        )

    await until(all_counted, SETTLE_SECONDS, "every read is counted")
    return await rig.system.counted()


async def _look(rig: Rig, stats: Process, looks: list[tuple[float, int]]) -> None:
    """Ask again and again: (time of the answer, counted reads)."""
    while True:
        answer = await rig.system.http.get(f"{stats.url}/stats/site")
        looks.append((time.monotonic(), answer.json()["counted"]))
        await asyncio.sleep(LOOK_SECONDS)


def _lags(acks: list[tuple[float, int]], looks: list[tuple[float, int]]) -> list[float]:
    """Seconds for each read, sorted: read number n is visible with the first look that counts n.

    One ingest and one counter keep the batches in order, so the nth answered is among the first n
    counted.
    """
    counted, lags, before = [reads for _, reads in looks], list[float](), acks[0][1]
    for when, answered in acks:
        seen = looks[bisect_left(counted, answered)][0]
        lags += [max(0.0, seen - when)] * (answered - before)
        before = answered
    return sorted(lags)
