"""Every query of every panel over a run under load: which have no data, or never anything but 0."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.support.alerts import RULES
from tests.watch.answers import Answer, ask, at, over
from tests.watch.boards import Board, Span, boards, shown, values
from tests.watch.faults import carry_out
from tests.watch.history import give_history
from tests.watch.load import Portal
from tests.watch.past import give_past
from tests.watch.stack import Stack, stack

ALWAYS_ZERO = {
    "Balance of the books (must be 0)": "any other value is a wrong count",
}
"""Panels that show 0 through all faults of the run, and why that is their answer."""


RANGES = (1 / 4, 7, 30, 365, 5 * 365, 10 * 365)
"""Days that somebody may choose in the time picker."""


@dataclass(frozen=True)
class Watched:
    """A dashboard and what its panels got over the span."""

    board: Board
    span: Span
    answers: list[Answer]
    complaints: list[str]

    def line(self) -> str:
        """What is printed."""
        panels = [answer for answer in self.answers if answer.queries]
        queries = sum(answer.queries for answer in panels) + len(self.board.marks())
        without = sum(len(answer.complaints) for answer in panels) + len(self.complaints)
        return (
            f"{self.board.key:<9} {len(panels)} panels, {queries} queries, {without} without data"
        )

    def faults(self) -> list[str]:
        """What is wrong, by panel."""
        told = list(self.complaints)
        for answer in self.answers:
            title = answer.panel.title
            told += [f"{title}: {complaint}" for complaint in answer.complaints]
            if answer.panel.json["title"] not in ALWAYS_ZERO:
                told += [f"{title}: 0 at all times: {query}" for query in answer.silent]
        return told


async def watch(
    folder: Path, seconds: float, seed: int, say: Callable[[str], None], only: str | None = None
) -> list[Watched]:
    """Run the stack under load and faults for `seconds`, then ask what each dashboard asks, or
    the one named `only`. *Traffic* alone needs no faults.
    """
    watched = [board for board in boards() if only in (None, board.key)]

    async def prepare(one: Stack) -> None:
        one.add_gateway()

    async with stack(folder, RULES, say, prepare=prepare) as one:
        portal = Portal(one, seed)
        await portal.begin()
        await give_history(one, list(portal.paths))
        began = time.time()
        say(f"load and faults for {seconds:.0f} s")
        faults = asyncio.create_task(_none() if only == "traffic" else carry_out(one))
        try:
            await asyncio.sleep(seconds)
            await asyncio.wait_for(faults, 240)
            span = Span(began, time.time(), max(1, round(seconds / 100)))
        finally:
            faults.cancel()
            await portal.end()
        assert not portal.failed(), portal.failed()
        say("; ".join(f"{what} {status}: {n}" for (what, status), n in portal.statuses.items()))
        await give_past(one.prometheus, span, folder)
        return await asyncio.to_thread(lambda: [look(one, board, span) for board in watched])


async def _none() -> None:
    """No fault."""


def look(one: Stack, board: Board, span: Span) -> Watched:
    """Ask everything that a dashboard asks."""
    prometheus, complaints = one.prometheus, []
    picked = board.at_first(span.end)
    options = {v["name"]: values(prometheus, v, picked) for v in board.variables()}
    complaints += [
        f"the variable {name} has no values" for name, found in options.items() if not found
    ]
    for mark in board.marks():
        if not over(prometheus, mark, span) and not at(prometheus, mark, span.end):
            complaints.append(f"no data: {mark}")
    stats = one.replica("stats-1").url
    answers = [ask(prometheus, stats, panel, span, picked) for panel in shown(board, options)]
    for days in RANGES:
        complaints += refused(one, board, Span(span.end - days * 86_400, span.end))
    return Watched(board, span, answers, complaints)


def refused(one: Stack, board: Board, span: Span) -> list[str]:
    """What is wrong once this time is picked: a step that is not found, a series that stats doesn't
    answer.
    """
    chosen = {}
    for variable in board.variables():
        if "regex" in variable:
            found = values(one.prometheus, variable, span)
            if len(found) != 1:
                return [f"{variable['name']} is {found} for {span}"]
            chosen[variable["name"]] = found[0]
    told = []
    for panel in shown(board, {}, chosen):
        for target in panel.fetches(span):
            if target["root_selector"] == "points":
                url = f"{one.replica('stats-1').url}{target['url']}"
                status = httpx.get(url, timeout=10).status_code
                told += [] if status == 200 else [f"{status}: {url}"]
    return told
