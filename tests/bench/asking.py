"""What answers cost in a portal with two years of history, beside a tenth of that history and, with
`--long`, ten times of it.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count, islice
from typing import Any

from tests.bench import machine
from tests.bench.figures import Figure, middle, number, spread
from tests.bench.getting import FROM_MEMORY
from tests.bench.portal import BATCHES_PER_SECOND, READS, Portal, opened
from tests.bench.questions import OF_AN_ARTICLE, usual
from tests.bench.rig import Rig
from tests.bench.traffic import article

NAME = "asking"
DAYS, QUICK_DAYS = 730, 60
RATE, CONNECTIONS = 200.0, 64
ROUND_SECONDS = 10.0
WARM_SECONDS = 10.0
"""The first flushes create their documents, and the first answers bring titles into memory."""
MOST_MS, MOST_RATIO = 20.0, 1.3
FLOW = f"{number(BATCHES_PER_SECOND * READS)} reads/s flow"


@dataclass(frozen=True)
class Found:
    """Of one history: p99 of the answers from memory, in ms, and MongoDB's CPU for keeping windows
    fresh, in seconds a minute, less what it uses without stats: without any read or request, and
    while reads flow.
    """

    name: str
    p99: float
    idle: float
    flowing: float


async def measure(rig: Rig) -> list[Figure]:
    """Latencies at a constant rate, and the CPU for keeping windows fresh; then their ratios."""
    days = QUICK_DAYS if rig.quick else DAYS
    found = list[Found]()
    for length in (days, days // 10, *([days * 10] if rig.long else [])):
        portal = await opened(rig, NAME, length)
        found.append(await _measured(portal))
        rig.tell(portal.figures)
        if len(found) > 1:
            rig.tell(_ratios(found[0], found[-1]))
    return []


async def _measured(portal: Portal) -> Found:
    rig, seconds = portal.rig, 20.0 if portal.rig.quick else 60.0
    await asyncio.sleep(WARM_SECONDS)
    idle = await _cpu(portal, asyncio.sleep(seconds), seconds)
    await rig.stop(portal.stats)
    nobody = await _cpu(portal, asyncio.sleep(seconds), seconds)
    kept = idle["mongod"] - nobody["mongod"]
    (counter,) = await rig.start("counter", cores=rig.cores.backing)
    await portal.reads(WARM_SECONDS)
    alone = await _cpu(portal, portal.reads(seconds), seconds)
    await portal.start()
    await portal.reads(WARM_SECONDS)
    flowing = await _cpu(portal, portal.reads(seconds), seconds)
    added = flowing["mongod"] - alone["mongod"]
    for told, mongod, stats in (
        (f"nothing else happens; alone: {number(nobody['mongod'])} s", kept, idle["stats"]),
        (f"{FLOW}; their flushes alone: {number(alone['mongod'])} s", added, flowing["stats"]),
    ):
        figures = [("mongod", mongod), ("stats", stats)]
        portal.note("CPU a minute for keeping windows fresh", figures, "s", told)
    asked = await _asked(portal, seconds)
    await rig.stop(counter, portal.stats)
    p99 = middle([each["p99_ms"] for each in asked[FROM_MEMORY]])
    return Found(portal.name, p99, kept, added)


async def _cpu(
    portal: Portal, work: Coroutine[Any, Any, object], seconds: float
) -> dict[str, float]:
    """CPU seconds a minute while `work` is done, by process."""
    _, spent = await portal.rig.used(portal.pids(), work)
    return {name: each / seconds * 60 for name, each in spent.items()}


async def _asked(portal: Portal, seconds: float) -> dict[str, list[dict[str, Any]]]:
    """The answers of each round, by kind."""
    rig, today = portal.rig, datetime.now(UTC).date()
    number_of = int(RATE * (WARM_SECONDS + seconds))
    questions = iter(usual(number_of, portal.years.articles, today))

    def ask(some: float) -> Coroutine[Any, Any, dict[str, Any]]:
        chosen = list(islice(questions, int(RATE * some)))
        return rig.ask(portal.stats, chosen, some, CONNECTIONS, RATE)

    reads = asyncio.create_task(portal.reads(WARM_SECONDS + seconds))
    edits = asyncio.create_task(_edits(portal))
    await ask(WARM_SECONDS)
    pids, rounds = portal.pids(), list[dict[str, Any]]()
    began, busy, own = time.monotonic(), machine.busy(), machine.own(pids)
    before = machine.cpu(pids)
    while len(rounds) * ROUND_SECONDS < seconds:
        rounds.append(await ask(ROUND_SECONDS))
    took, spent = time.monotonic() - began, machine.spent(before, machine.cpu(pids))
    spent["other programs"] = machine.busy() - busy - (machine.own(pids) - own)
    await reads
    edits.cancel()
    with suppress(asyncio.CancelledError):
        await edits
    cpu = " · ".join(f"{name} {number(each / took)}" for name, each in spent.items())
    found = {kind: [each[kind] for each in rounds if kind in each] for kind in rounds[0]}
    portal.figures += [_answered(portal.name, *each, cpu) for each in found.items()]
    for kind, limit in ((FROM_MEMORY, 0.0), (OF_AN_ARTICLE, None)):
        statuses = Counter[str]()
        for each in found[kind]:
            statuses.update(each["statuses"])
        share = 100 - 100 * statuses["200"] / statuses.total()
        name = f"{portal.name}: refused or not answered: {kind}"
        portal.figures.append(Figure(NAME, name, share, "%", limit))
    return found


async def _edits(portal: Portal) -> None:
    """Editors change a title each second, for ever."""
    catalogue = portal.rig.system.db.catalogue
    for each in count():
        await asyncio.sleep(1)
        title = {"$set": {"title": f"Sửa lần {each}"}}
        await catalogue.update_one({"_id": article(each % portal.years.articles)}, title)


def _answered(name: str, kind: str, rounds: list[dict[str, Any]], cpu: str) -> Figure:
    statuses: Counter[str] = Counter()
    for each in rounds:
        statuses.update(each["statuses"])
    each_p99 = [each["p99_ms"] for each in rounds]
    note = (
        f"rounds {spread(each_p99)}; median {number(middle([r['p50_ms'] for r in rounds]))}, "
        f"longest {number(max(r['max_ms'] for r in rounds))} ms; answers by status {dict(statuses)}"
    )
    limit = MOST_MS if kind == FROM_MEMORY else None
    told = f"; {FLOW}; cores busy: {cpu}" if kind == FROM_MEMORY else ""
    name = f"{name}: {number(RATE)} questions/s: p99 of {kind}"
    return Figure(NAME, name, middle(each_p99), "ms", limit, note=note + told)


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
