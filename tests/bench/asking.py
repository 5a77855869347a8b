"""What answers cost in a portal with two years of history, beside a tenth of that history and, with
`--long`, ten times of it.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.bench.figures import Figure, number
from tests.bench.portal import BATCHES_PER_SECOND, READS, Portal, opened
from tests.bench.questions import usual
from tests.bench.rig import Rig

NAME = "asking"
DAYS, QUICK_DAYS = 730, 60
RATE, CONNECTIONS = 200.0, 64
WARM_SECONDS = 10.0
"""The first flushes create their documents, and the first answers bring titles into memory."""
MOST_MS, MOST_RATIO = 20.0, 1.3
FLOW = f"{number(BATCHES_PER_SECOND * READS)} reads/s flow"


@dataclass(frozen=True)
class Found:
    """Of one history: p99 of all answers, in ms, and MongoDB's CPU for keeping windows fresh, in
    seconds a minute: without any read or request, and what is added while reads flow.
    """

    name: str
    p99: float
    idle: float
    flowing: float


async def measure(rig: Rig) -> list[Figure]:
    """Latencies at a constant rate, and the CPU for keeping windows fresh; then their ratios."""
    days = QUICK_DAYS if rig.quick else DAYS
    figures, found = list[Figure](), list[Found]()
    for length in (days, days // 10, *([days * 10] if rig.long else [])):
        portal = await opened(rig, NAME, length)
        found.append(await _measured(portal))
        figures += portal.figures
    for other in found[1:]:
        figures += _ratios(found[0], other)
    return figures


async def _measured(portal: Portal) -> Found:
    rig, seconds = portal.rig, 15.0 if portal.rig.quick else 60.0
    await asyncio.sleep(WARM_SECONDS)
    idle = await _cpu(portal, asyncio.sleep(seconds), seconds)
    await rig.stop(portal.stats)
    (counter,) = await rig.start("counter", cores=rig.cores.backing)
    await portal.reads(WARM_SECONDS)
    alone = await _cpu(portal, portal.reads(seconds), seconds)
    await portal.start()
    await portal.reads(WARM_SECONDS)
    flowing = await _cpu(portal, portal.reads(seconds), seconds)
    added = flowing["mongod"] - alone["mongod"]
    for told, mongod, stats in (
        ("nothing else happens", idle["mongod"], idle["stats"]),
        (f"{FLOW}; their flushes alone: {number(alone['mongod'])} s", added, flowing["stats"]),
    ):
        figures = [("mongod", mongod), ("stats", stats)]
        portal.note("CPU a minute for keeping windows fresh", figures, "s", told)
    asked = await _asked(portal, seconds)
    await rig.stop(counter, portal.stats)
    return Found(portal.name, asked["all"]["p99_ms"], idle["mongod"], added)


async def _cpu(
    portal: Portal, work: Coroutine[Any, Any, object], seconds: float
) -> dict[str, float]:
    """CPU seconds a minute while `work` is done, by process."""
    _, spent = await portal.rig.used(portal.pids(), work)
    return {name: each / seconds * 60 for name, each in spent.items()}


async def _asked(portal: Portal, seconds: float) -> dict[str, Any]:
    rig, today = portal.rig, datetime.now(UTC).date()
    questions = usual(int(RATE * (WARM_SECONDS + seconds)), portal.years.articles, today)
    warm = questions[: int(RATE * WARM_SECONDS)]
    await rig.ask(portal.stats, warm, WARM_SECONDS, CONNECTIONS, RATE)
    asking = rig.ask(portal.stats, questions[len(warm) :], seconds, CONNECTIONS, RATE)
    reads = asyncio.create_task(portal.reads(seconds))
    answers, spent = await rig.used(portal.pids(), asking)
    await reads
    cpu = " · ".join(f"{name} {number(each / seconds)}" for name, each in spent.items())
    for kind, each in answers.items():
        note = f"median {number(each['p50_ms'])}, longest {number(each['max_ms'])} ms; "
        note += f"{number(each['number'])} answers by status: {each['statuses']}"
        limit = MOST_MS if kind == "all" else None
        told = f"; {FLOW}; cores busy: {cpu}" if kind == "all" else ""
        name = f"{portal.name}: {number(RATE)} questions/s: p99 of {kind}"
        portal.figures.append(Figure(NAME, name, each["p99_ms"], "ms", limit, note=note + told))
    return answers


def _ratios(middle: Found, other: Found) -> list[Figure]:
    names = {
        "p99": (middle.p99, other.p99),
        "mongod's CPU for keeping windows fresh, nothing else": (middle.idle, other.idle),
        "mongod's CPU for keeping windows fresh, reads flow": (middle.flowing, other.flowing),
    }
    of = f"{other.name} beside {middle.name}: "
    return [
        Figure(NAME, of + name, b / a, "×", MOST_RATIO, note=f"{number(b)} beside {number(a)}")
        for name, (a, b) in names.items()
    ]
