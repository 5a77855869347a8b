"""How long a read that was answered 204 takes to show in `/stats/site`, with everything running at
the load of a busy portal, and at half of what ingest can take.
"""

import asyncio
import time
from bisect import bisect_left
from dataclasses import dataclass

from tests.bench import machine
from tests.bench.beacon import CONNECTIONS
from tests.bench.figures import Figure, at, number
from tests.bench.rig import Rig
from tests.support.system import Process, until

NAME = "freshness"
PORTAL_RATE = 2_000.0
"""Reads a second."""
LOOK_SECONDS = 0.02
SETTLE_SECONDS = 20.0


async def measure(rig: Rig) -> list[Figure]:
    """Seconds from the answer to the first `/stats/site` that shows it, at half load and at that of
    a busy portal, and what a read costs on its whole way.
    """
    await rig.reset()
    seconds = 10.0 if rig.quick else 40.0
    ingest, counter, stats = await rig.start("ingest", "counter", "stats")
    await rig.wrk(ingest, 64, 2)
    reached = (await rig.wrk(ingest, CONNECTIONS, seconds / 4))["rate"]
    portal = await _seen(rig, (ingest, counter, stats), PORTAL_RATE, seconds)
    half = await _seen(rig, (ingest, counter, stats), reached / 2, seconds)
    await rig.stop(ingest, counter, stats)
    return [
        _p99(portal, f"at {number(PORTAL_RATE)} reads/s, from 204 to visible in /stats/site: p99"),
        _p99(half, "from 204 to visible in /stats/site: p99"),
        Figure(NAME, "from 204 to visible in /stats/site: median", at(half.lags, 0.5), "s"),
        Figure(NAME, "reads sent", reached / 2, "/s"),
        Figure(
            NAME, "MongoDB documents written", half.written / half.reads * 1000, "per 1,000 reads"
        ),
        Figure(NAME, "reads per ledger entry", half.reads / max(1, half.batches), "reads"),
        *(
            Figure(NAME, f"CPU of {name}", each / half.reads * 1e6, "µs/read")
            for name, each in half.cpu.items()
        ),
    ]


@dataclass(frozen=True)
class Seen:
    """What was seen at one rate: the seconds of each read, sorted, and what all of them cost."""

    rate: float
    lags: list[float]
    reads: int
    unanswered: int
    flushes: tuple[float, float]
    """Their seconds, and their number."""
    batches: int
    written: int
    cpu: machine.Seconds


def _p99(seen: Seen, name: str) -> Figure:
    took, flushes = seen.flushes
    note = (
        f"{number(seen.rate)}/s, open loop; median {number(at(seen.lags, 0.5))} s; a flush of "
        f"{number(took / flushes * 1000)} ms"
    )
    note += f"; {seen.unanswered} without an answer" if seen.unanswered else ""
    return Figure(NAME, name, at(seen.lags, 0.99), "s", 0.6, note=note)


async def _seen(
    rig: Rig, processes: tuple[Process, Process, Process], rate: float, seconds: float
) -> Seen:
    ingest, counter, stats = processes
    before = await settled(rig, ingest)
    pids, written = rig.pids(*processes), await rig.written()
    flushed, batches = await flush_times(rig, counter), await _batches(rig)
    looks: list[tuple[float, int]] = []
    looking = asyncio.create_task(_look(rig, stats, looks))
    answer, cpu = await rig.used(pids, rig.open_loop(ingest, rate, seconds))
    after = await settled(rig, ingest)

    async def seen() -> bool:
        await asyncio.sleep(LOOK_SECONDS)
        return bool(looks) and looks[-1][1] >= after

    await until(seen, SETTLE_SECONDS, "stats has shown every read")
    looking.cancel()
    good = answer["acks"][-1][1]
    if answer["statuses"] or not good <= after - before <= answer["requests"]:
        raise RuntimeError(
            f"{after - before} reads are counted, {good} of {answer['requests']} were answered 204"
        )
    took, flushes = await flush_times(rig, counter)
    return Seen(
        rate,
        _lags([(when, before + until_then) for when, until_then in answer["acks"]], looks),
        after - before,
        answer["unanswered"],
        (took - flushed[0], flushes - flushed[1]),
        await _batches(rig) - batches,
        await rig.written() - written,
        cpu,
    )


async def _batches(rig: Rig) -> int:
    return int(await rig.system.db.ledger.estimated_document_count())


async def flush_times(rig: Rig, counter: Process) -> tuple[float, float]:
    """The seconds of all flushes of a counter, and their number."""
    found = await rig.metrics(counter)
    return found["luotdoc_flush_seconds_sum"], found["luotdoc_flush_seconds_count"]


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
