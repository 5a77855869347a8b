"""Whether strangers with costly questions slow the count down: 20 clients of stats, each of which
asks the next question as soon as the last is answered, while reads flow into a counter. Every
process may use every core, as on a small machine that has all of them.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.bench import machine
from tests.bench.asking import DAYS, FLOW, QUICK_DAYS
from tests.bench.figures import Figure, middle, number, spread
from tests.bench.freshness import flush_times
from tests.bench.getting import FROM_MEMORY
from tests.bench.machine import Seconds
from tests.bench.portal import Portal, opened
from tests.bench.questions import SITE, hostile
from tests.bench.rig import Rig
from tests.support.system import Process

NAME = "crowd"
ASKERS = 20
ROUNDS, QUICK_ROUNDS = 5, 2
SECONDS, QUICK_SECONDS = 20.0, 10.0
WARM_SECONDS = 10.0
SITE_RATE, SITE_CONNECTIONS = 50.0, 8
"""Questions a second for `/stats/site`, as of pages, in every phase."""
MOST_RATIO, MOST_SITE_MS = 1.2, 50.0


@dataclass
class Phases:
    """What was seen in the quiet phases, or in the asked ones."""

    flushes: list[float] = field(default_factory=list)
    """Mean seconds of a flush in each phase."""
    site: list[float] = field(default_factory=list)
    """p99 of `/stats/site` in each phase, in ms."""
    longest: float = 0.0
    busy: list[Seconds] = field(default_factory=list)

    def cores(self) -> str:
        """The cores that each process kept busy."""
        shares = {name: middle([each[name] for each in self.busy]) for name in self.busy[0]}
        return " · ".join(f"{name} {number(share)}" for name, share in shares.items())


async def measure(rig: Rig) -> list[Figure]:
    """The ratio of the mean flush time with askers and without, in turns; and `/stats/site`: the
    medians of all rounds.
    """
    portal = await opened(rig, NAME, QUICK_DAYS if rig.quick else DAYS)
    for pid in portal.pids().values():
        machine.move(pid, rig.cores.every)
    (counter,) = await rig.start("counter", cores=rig.cores.every)
    rounds, seconds = (QUICK_ROUNDS, QUICK_SECONDS) if rig.quick else (ROUNDS, SECONDS)
    # Each phase may end some seconds late, with the last answers.
    flowing = asyncio.create_task(portal.reads(WARM_SECONDS + 2 * rounds * (seconds + 30)))
    await asyncio.sleep(WARM_SECONDS)
    quiet, asked, answers = Phases(), Phases(), dict[str, Any]()
    for turn in range(rounds):
        await _phase(portal, counter, quiet, seconds)
        asking = asyncio.create_task(_hostile(portal, seconds, turn))
        await asyncio.sleep(0.5)
        await _phase(portal, counter, asked, seconds - 1)
        for kind, each in (await asking).items():
            if kind != FROM_MEMORY:  # of these questions all
                answers.setdefault(kind, []).append(each)
    flowing.cancel()
    await rig.stop(counter, portal.stats)
    return [*portal.figures, *_figures(portal, quiet, asked), *_answered(answers, seconds * rounds)]


async def _phase(portal: Portal, counter: Process, seen: Phases, seconds: float) -> None:
    """Look at the flushes and at `/stats/site` for `seconds`."""
    rig, pids = portal.rig, portal.rig.pids(counter, portal.stats)
    before, busy, own = await flush_times(rig, counter), machine.busy(), machine.own(pids)
    ask = rig.ask(portal.stats, [SITE], seconds, SITE_CONNECTIONS, SITE_RATE, cores=rig.cores.every)
    answered, spent = await rig.used(pids, ask)
    took, number_of = (
        after - until_then
        for after, until_then in zip(await flush_times(rig, counter), before, strict=True)
    )
    seen.flushes.append(took / number_of)
    seen.site.append(answered["all"]["p99_ms"])
    seen.longest = max(seen.longest, answered["all"]["max_ms"])
    others = machine.busy() - busy - (machine.own(pids) - own)
    spent["other programs"] = others  # the hostile clients' program, too, until it ends
    seen.busy.append({name: each / seconds for name, each in spent.items()})
    if answered["all"]["statuses"].keys() != {"200"}:
        raise RuntimeError(f"/stats/site: {answered['all']['statuses']}")


async def _hostile(portal: Portal, seconds: float, turn: int) -> dict[str, Any]:
    rig, today = portal.rig, datetime.now(UTC).date()
    questions = hostile(5_000, turn, portal.years.articles, today)
    return await rig.ask(portal.stats, questions, seconds, ASKERS, cores=rig.cores.every)


def _figures(portal: Portal, quiet: Phases, asked: Phases) -> list[Figure]:
    ratios = [a / b for a, b in zip(asked.flushes, quiet.flushes, strict=True)]
    name = f"{portal.name}, {ASKERS} hostile askers: "
    note = (
        f"rounds {spread(ratios)}; {_ms(asked.flushes)} ms, quiet {_ms(quiet.flushes)} ms; {FLOW}; "
        f"every process on every "
        f"core; cores busy: {asked.cores()}; quiet: {quiet.cores()}"
    )
    site = f"{spread(asked.site)} ms, longest {number(asked.longest)}"
    calm = f"{spread(quiet.site)} ms, longest {number(quiet.longest)}"
    return [
        Figure(
            NAME,
            name + "mean flush beside the quiet one",
            middle(ratios),
            "×",
            MOST_RATIO,
            note=note,
        ),
        Figure(NAME, name + "/stats/site, p99", middle(asked.site), "ms", MOST_SITE_MS, note=site),
        Figure(NAME, "/stats/site without them, p99", middle(quiet.site), "ms", note=calm),
    ]


def _ms(seconds: list[float]) -> str:
    return spread([each * 1000 for each in seconds])


def _answered(answers: dict[str, list[dict[str, Any]]], seconds: float) -> list[Figure]:
    """What the askers got, by kind of question."""
    figures = []
    for kind, rounds in answers.items():
        statuses: dict[str, int] = {}
        for each in rounds:
            for status, times in each["statuses"].items():
                statuses[status] = statuses.get(status, 0) + times
        good = statuses.get("200", 0) + statuses.get("404", 0)
        note = (
            f"{statuses} in {number(seconds)} s; medians {spread([r['p50_ms'] for r in rounds])} ms"
        )
        figures.append(Figure(NAME, f"answered to {kind}", good / seconds, "/s", note=note))
    return figures
