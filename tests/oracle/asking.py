"""Asks every question of every process until enough figures are compared."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

import httpx

from tests.oracle import asked_lists, asked_periods, asked_readers, asked_series
from tests.oracle.clock import SharedClock
from tests.oracle.figures import Figures
from tests.oracle.question import Question, Told
from tests.oracle.tally import Tally
from tests.oracle.traffic import Delivery
from tests.support.system import Process
from tests.support.wall_clock import quarter_at, start_at

READY_SECONDS = 240.0
"""Time for which an answer may be being prepared, or be older than the last read."""
OLDEST_SECONDS = 90
"""Age of an answer without `as_of`, such as a table, at most."""
WEIGHTS = {
    asked_periods.PERIOD: 14,
    asked_periods.COMPARED: 17,
    asked_periods.SECTION: 10,
    asked_lists.TOP: 20,
    asked_lists.TRENDING: 3,
    asked_lists.KINDS: 6,
    asked_lists.BOOKS: 1,
    asked_readers.READERS: 5,
    asked_series.SERIES: 21,
    asked_series.EXPORT: 8,
}
"""The share of the figures that each family has."""


LISTS = (
    *(asked_periods.PERIOD, asked_periods.COMPARED, asked_periods.SECTION),
    *(asked_lists.TOP, asked_lists.TRENDING),
)
"""A third of the figures, at least, are of these families: an answer of another one may have
thousands.
"""


class NotReadyError(Exception):
    """A process gives no answer, or an old one."""


class RefusedError(Exception):
    """A question is not answered 200."""


@dataclass
class Asking:
    """Compares a site that is at rest with its figures. Questions come from decks: each question of
    a family is asked once before any comes again.
    """

    http: httpx.AsyncClient
    processes: list[Process]
    clock: SharedClock
    figures: Figures
    random: Random
    tally: Tally
    settled: datetime
    """Answers must be younger."""
    decks: dict[str, Iterator[Question]] = field(default_factory=dict)
    points: int = asked_series.POINTS
    """About the most points of a series."""
    _endpoints: set[str] = field(default_factory=set)
    """Those that are to be asked still."""
    _gated: set[int] = field(default_factory=set)
    _expected: dict[tuple[str, str, int], Told] = field(default_factory=dict)

    async def ask(self, number: int, told: Callable[[int], None]) -> None:
        """Compare at least so many figures, some of each endpoint. `told` gets how many there
        are.
        """
        before, place, unasked = self.tally.by_family.copy(), 0, set(WEIGHTS)
        here = Counter[str]()
        while (
            here.total() < number
            or unasked
            or self._endpoints
            or sum(here[name] for name in LISTS) < here.total() / 3
        ):
            family = min(WEIGHTS, key=lambda name: here[name] / WEIGHTS[name])
            question = self._next(family)
            unasked.discard(family)
            self._endpoints.discard(question.endpoint)
            place += 1
            if not await self._compare(question, self.processes[place % len(self.processes)]):
                return
            here = self.tally.by_family - before
            told(self.tally.figures)

    def _next(self, family: str) -> Question:
        question = next(self.decks.get(family, iter(())), None)
        if question is None:
            deck = list(self._questions(family))
            self.random.shuffle(deck)
            first = {each.endpoint: each for each in deck}
            if family not in self.decks:  # some of each endpoint
                self._endpoints |= first.keys()
                deck = [*first.values(), *deck]
            self.decks[family] = iter(deck)
            question = next(self.decks[family])
        return question

    def _questions(self, family: str) -> Iterator[Question]:
        figures, now, random = self.figures, self.clock.now(), self.random
        decks: dict[str, Callable[[], Iterator[Question]]] = {
            asked_periods.PERIOD: lambda: asked_periods.period_questions(figures, now),
            asked_periods.COMPARED: lambda: asked_periods.compared_questions(figures, now),
            asked_periods.SECTION: lambda: asked_periods.section_questions(figures, now),
            asked_lists.TOP: lambda: asked_lists.top_questions(figures, now, random),
            asked_lists.TRENDING: lambda: asked_lists.trending_questions(figures, now, random),
            asked_lists.KINDS: asked_lists.kind_questions,
            asked_lists.BOOKS: asked_lists.book_questions,
            asked_readers.READERS: lambda: asked_readers.reader_questions(figures, now),
            asked_series.SERIES: lambda: asked_series.series_questions(
                figures, now, random, self.points
            ),
            asked_series.EXPORT: lambda: asked_series.export_questions(figures, now, random),
        }
        return decks[family]()

    async def compare_online(self, batches: Sequence[Delivery]) -> bool:
        """Compare the readers online of each process; whether all are right."""
        for process in self.processes:
            asked, began = f"{process.name} /stats/site", self.clock.now()
            found: int | None = None
            async with asyncio.timeout(READY_SECONDS):
                while found is None:
                    began = self.clock.now()
                    answer = await self.http.get(f"{process.url}/stats/site")
                    if answer.status_code == 200:
                        found = answer.json()["online"]
                    await asyncio.sleep(0.1)
            allowed = asked_readers.online_numbers(batches, began, self.clock.now())
            expected = found if found in allowed else sorted(allowed)
            if not self.tally.compare(
                asked_readers.ONLINE, asked, self.figures.zone, began,
                {"online": expected}, {"online": found},
            ):  # fmt: skip
                return False
        return True

    async def _compare(self, question: Question, process: Process) -> bool:
        """False if a figure differs."""
        if question.form != "json":
            await self._gate(process)
        self.tally.endpoints.add(question.endpoint)
        asked, earliest = f"{process.name} {question.url}", self.clock.now()
        try:
            text, as_of = await self._fresh(question, process)
        except RefusedError as error:
            return self.tally.compare(
                question.family, asked, self.figures.zone, earliest,
                {"status": 200}, {"status": str(error)},
            )  # fmt: skip
        found = question.told(text)
        moments = [as_of] if as_of else [self.clock.now(), earliest, self._oldest(earliest)]
        quarters = dict.fromkeys(quarter_at(each) for each in moments)
        each = next(iter(quarters))
        for each in quarters:
            if self._told(question, each) == found:
                break
        expected = self._told(question, each)
        return self.tally.compare(
            question.family, asked, self.figures.zone, start_at(each), expected, found
        )

    async def _gate(self, process: Process) -> None:
        """A table has no `as_of`. But a process never answers what is older than what it has
        answered: from here on its figures are younger than all traffic.
        """
        if process.pid not in self._gated:
            self._gated.add(process.pid)
            for question in (asked_periods.SITE, asked_periods.SECTIONS):
                await self._fresh(question, process)

    def _oldest(self, moment: datetime) -> datetime:
        return datetime.fromtimestamp(moment.timestamp() - OLDEST_SECONDS, moment.tzinfo)

    def _told(self, question: Question, quarter: int) -> Told:
        """What must be answered in a quarter: nothing changes within it. Of one answer, several
        families compare other figures.
        """
        key = (question.family, question.url, quarter)
        if key not in self._expected:
            self._expected[key] = question.expected(self.figures, start_at(quarter))
        return self._expected[key]

    async def _fresh(self, question: Question, process: Process) -> tuple[str, datetime | None]:
        """The answer's body, and its `as_of`, which is after all traffic."""
        told = ""
        try:
            async with asyncio.timeout(READY_SECONDS):
                while True:
                    answer = await self.http.get(process.url + question.url)
                    told = (
                        f"{process.name} {question.url}: {answer.status_code} {answer.text[:500]}"
                    )
                    if answer.status_code == 200:
                        if question.form != "json":
                            return answer.text, None
                        as_of = datetime.fromisoformat(answer.json()["as_of"])
                        if as_of > self.settled:
                            return answer.text, as_of
                    elif answer.status_code != 503:
                        raise RefusedError(f"{answer.status_code} {answer.text[:500]}")
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise NotReadyError(f"after {self.settled.isoformat()}: {told}") from None
