"""The site's quarters in memory: people's reads, each class, referrer and device."""

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass

from services.stats.periods import Period
from services.stats.traffic.course import NO_READS, Course, LongCourse
from services.stats.traffic.projections import Markers
from services.stats.traffic.site_buckets import READS, DayReads, SiteKey, add_days, site_days
from services.stats.traffic.store import TrafficStore
from shared.storage.counts import Total
from shared.storage.quarters import PER_DAY, day_name, day_number
from shared.storage.types import Session
from shared.storage.versions import Document

log = logging.getLogger(__name__)

RELOAD_SECONDS = 60.0
"""Time after which everything may be read again, if the quarters don't add up to the counts."""
CHUNK = 64
"""Buckets that are added up at a time; other work runs in between."""


@dataclass(frozen=True, slots=True)
class SiteCourses:
    """The site's quarters as of one snapshot."""

    closed: int
    """The quarter before which every hour is closed."""
    first: int
    """The first quarter of the first UTC day with reads; `closed` without any."""
    markers: Markers
    courses: Mapping[SiteKey, LongCourse]
    counted: Total
    """All counted reads, from the counts."""
    loads: int
    """How often everything was read again: what was kept from an earlier time is not to be
    believed.
    """

    @property
    def since(self) -> int | None:
        """The first quarter of the first UTC day with counted reads; None without any. What was
        before it is not known.
        """
        begin = self.of().begin
        return None if begin is None else begin - begin % PER_DAY

    def of(self, key: SiteKey = READS) -> LongCourse:
        """The course of a key."""
        return self.courses.get(key, NO_READS)

    def reads(self, period: Period) -> int:
        """People's reads of a period."""
        return self.of().between(*period)


class SiteMemory:
    """Keeps the quarters of closed UTC days, and reads a day again when its markers change.

    Call `read` with snapshots that never go back in time: one at a time, each opened after the one
    before has been used.
    """

    def __init__(self, store: TrafficStore, seconds: Callable[[], float] = time.monotonic) -> None:
        self._store, self._seconds = store, seconds
        self._loaded_here = False
        self._courses: dict[SiteKey, Course] = {}
        self._markers: dict[int, int] = {}
        """The markers of the closed days when they were read."""
        self._excess = 0
        """Counted reads that no bucket had when everything was read; of a portal whose buckets are
        younger than its counts."""
        self._loads, self._loaded_at = 0, -math.inf
        self._days: range | None = None
        """The UTC days that are in memory, counted from 1970; None before the first read."""

    async def read(self, session: Session, closed: int) -> SiteCourses:
        """The site's quarters as of the snapshot, with time closed until the quarter `closed`."""
        markers = await self._store.markers(session)
        counted = await self._store.counted(session)
        found = await self._read(session, closed, markers)
        excess = counted.reads - found.get(READS, NO_READS).total()
        if excess != self._excess and self._seconds() - self._loaded_at > RELOAD_SECONDS:
            # The buckets of closed time have changed without a marker: by a restore, or because
            # the clocks of counter and stats differ by more than they may.
            log.warning("the site's quarters don't add up to its count: they are read again")
            self._days = None
            found = await self._read(session, closed, markers)
            excess = counted.reads - found.get(READS, NO_READS).total()
        if self._loaded_here:
            self._excess = excess
        assert self._days is not None  # noqa: S101  (for the type checker)
        first = self._days.start * PER_DAY
        return SiteCourses(closed, first, markers, found, counted, self._loads)

    async def _read(
        self, session: Session, closed: int, markers: Markers
    ) -> dict[SiteKey, LongCourse]:
        self._loaded_here = False
        marked = {day_number(name): number for name, number in markers.items()}
        today = closed // PER_DAY
        days = self._days
        if (
            days is None
            or today < days.stop
            or any(day < days.start and marked[day] != self._markers.get(day, 0) for day in marked)
        ):
            await self._load(session, today)
        else:
            stale = {*range(days.stop, today)}
            stale |= {d for d, n in marked.items() if d < today and n != self._markers.get(d, 0)}
            if stale:
                await self._change(session, stale, today)
        self._markers = {day: number for day, number in marked.items() if day < today}
        recent = await self._days_of(session, {"$gte": day_name(today)})
        return self._joined(recent, today)

    async def _load(self, session: Session, today: int) -> None:
        name = await self._store.first_day(session)
        first = min(day_number(name), today) if name else today
        found: dict[SiteKey, dict[int, int]] = {}
        async for some in self._chunks(session, {"$lt": day_name(today)}):
            add_days(found, some)
        # All at once, so that a load which fails leaves nothing behind that looks like a whole one.
        courses = {}
        for key, reads in found.items():
            courses[key] = Course.of(reads, first * PER_DAY)
            await asyncio.sleep(0)  # each takes milliseconds
        self._courses = courses
        self._days = range(first, today)
        self._loaded_here, self._loaded_at = True, self._seconds()
        self._loads += 1

    async def _change(self, session: Session, days: Iterable[int], today: int) -> None:
        assert self._days is not None  # noqa: S101  (for the type checker)
        wanted = sorted(days)
        read = await self._days_of(session, {"$in": [day_name(day) for day in wanted]})
        courses = dict(self._courses)
        for day in wanted:
            kinds = read.get(day, {})
            for key in courses.keys() | kinds.keys():
                held = courses.get(key) or Course(self._days.start * PER_DAY)
                reads = {day * PER_DAY + place: n for place, n in kinds.get(key, {}).items()}
                courses[key] = held.with_day(day * PER_DAY, reads)
                await asyncio.sleep(0)  # each takes a millisecond or two
        self._courses = courses
        self._days = range(self._days.start, today)

    def _joined(self, recent: DayReads, today: int) -> dict[SiteKey, LongCourse]:
        start = today * PER_DAY
        open_reads: dict[SiteKey, dict[int, int]] = {}
        for day, kinds in recent.items():
            for key, reads in kinds.items():
                into = open_reads.setdefault(key, {})
                into |= {day * PER_DAY + place: number for place, number in reads.items()}
        return {
            key: LongCourse(
                self._courses.get(key) or Course(start), Course.of(open_reads.get(key, {}), start)
            )
            for key in self._courses.keys() | open_reads.keys()
        }

    async def _days_of(self, session: Session, days: Document) -> DayReads:
        return site_days([each async for each in self._store.site_buckets(session, days)])

    async def _chunks(self, session: Session, days: Document) -> AsyncIterator[DayReads]:
        some: list[Document] = []
        async for bucket in self._store.site_buckets(session, days):
            some.append(bucket)
            if len(some) == CHUNK:
                yield site_days(some)
                some = []
        yield site_days(some)
