"""Builds the answers about unique readers, from the numbers in the database."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from luotdoc_subscriber.base.clock import Clock, from_millis, rfc3339, to_millis
from services.stats.readers import answers
from services.stats.readers.distinct import ERROR
from services.stats.readers.scopes import WHOLE_SITE, ReaderScope, ScopeDay
from services.stats.readers.store import KnownReaders, ReadersNumber, ReaderStore
from shared.base.salt_days import begin_of, day_of, salt_day, salt_day_number
from shared.base.single_flight import SingleFlightCache

CACHE_SECONDS = 1.0
SECTIONS_SECONDS = 5.0
MEANS = (7, 30)
"""Days of the means."""

Numbers = Mapping[int, ReadersNumber]
"""Numbers of one scope, by day."""


@dataclass(frozen=True, slots=True)
class ReaderDays:
    """What is known of the days at one moment. `today` is the number of the current day."""

    known: KnownReaders | None
    today: int
    first: int
    """The day in which the first batch was folded: it is known in part."""

    @property
    def since(self) -> str | None:
        """The moment from which readers are known."""
        return rfc3339(from_millis(self.known.since)) if self.known else None

    def number(self, numbers: Numbers, day: int) -> int | None:
        """The readers of a day; None if they are not known."""
        if self.known is None or not self.first <= day <= self.today or day in self.known.missed:
            return None
        return numbers[day].number if day in numbers else 0

    def mean(self, numbers: Numbers, days: Iterable[int]) -> float | None:
        """The mean of those of `days` that are over and known as a whole."""
        found = [self.number(numbers, each) for each in days if self.first < each < self.today]
        known = [number for number in found if number is not None]
        return round(sum(known) / len(known), 1) if known else None

    def of_day(self, numbers: Numbers, day: int) -> answers.ReadersOfDay:
        """The answer about one day."""
        number = self.number(numbers, day)
        return answers.ReadersOfDay(number=number, error=_error(numbers, day, number))

    def answer(self, numbers: Numbers) -> answers.Readers:
        """The answer about today and the days before it."""
        means = {
            f"mean_{days}d": self.mean(numbers, range(self.today - days, self.today))
            for days in MEANS
        }
        return answers.Readers(
            today=self.of_day(numbers, self.today),
            yesterday=self.of_day(numbers, self.today - 1),
            since=self.since,
            **means,
        )

    def point(self, numbers: Numbers, day: int, zone: ZoneInfo) -> answers.ReadersPoint:
        """The point of one day."""
        start, number = begin_of(salt_day(day), zone), self.number(numbers, day)
        return answers.ReadersPoint(
            day=salt_day(day).isoformat(),
            start=start.isoformat(),
            time=to_millis(start),
            readers=number,
            error=_error(numbers, day, number),
        )


def _error(numbers: Numbers, day: int, number: int | None) -> float | None:
    return ERROR if number is not None and day in numbers and not numbers[day].is_exact else None


class ReaderReports:
    """The answers. `zone` is the site's. Those of the site and of sections are kept for a moment,
    and many callers share one query.
    """

    def __init__(
        self,
        store: ReaderStore,
        clock: Clock,
        zone: ZoneInfo,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._clock, self._zone = store, clock, zone
        self._site: SingleFlightCache[answers.Readers] = SingleFlightCache(
            CACHE_SECONDS, seconds, ahead=True
        )
        self._sections: SingleFlightCache[tuple[ReaderDays, dict[str, dict[int, ReadersNumber]]]]
        self._sections = SingleFlightCache(SECTIONS_SECONDS, seconds, ahead=True)

    async def site(self) -> answers.Readers:
        """The readers of the site."""
        return await self._site.get("site", lambda: self.of(WHOLE_SITE))

    async def of(self, scope: ReaderScope) -> answers.Readers:
        """The readers of a scope."""
        days = await self._days()
        wanted = range(days.today - max(MEANS), days.today + 1)
        return days.answer(await self._numbers(scope, wanted))

    async def sections(self) -> Callable[[str], answers.Readers]:
        """What answers the readers of each section."""
        days, numbers = await self._sections.get("sections", self._of_sections)
        return lambda name: days.answer(numbers.get(name, {}))

    async def _of_sections(self) -> tuple[ReaderDays, dict[str, dict[int, ReadersNumber]]]:
        days = await self._days()
        wanted = range(days.today - max(MEANS), days.today + 1)
        return days, await self._store.of_kind("section", wanted)

    async def series(self, scope: ReaderScope, first: date, end: date) -> answers.ReadersSeries:
        """The readers of each day in [first, end)."""
        days, as_of = await self._days(), self._clock()
        wanted = range(salt_day_number(first), salt_day_number(end))
        numbers = await self._numbers(scope, wanted)
        return answers.ReadersSeries(
            points=[days.point(numbers, each, self._zone) for each in wanted],
            mean=days.mean(numbers, wanted),
            since=days.since,
            as_of=rfc3339(as_of),
        )

    def today(self) -> date:
        """The current day of readers."""
        return day_of(self._clock(), self._zone)

    async def _days(self) -> ReaderDays:
        known = await self._store.known()
        since: datetime = from_millis(known.since) if known else self._clock()
        return ReaderDays(
            known, salt_day_number(self.today()), salt_day_number(day_of(since, self._zone))
        )

    async def _numbers(self, scope: ReaderScope, days: range) -> dict[int, ReadersNumber]:
        found = await self._store.numbers([ScopeDay(scope, day) for day in days])
        return {key.day: number for key, number in found.items()}
