"""The catalogue and the sections' quarters in memory."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import NoReturn

from services.stats.traffic.course import Course, LongCourse
from services.stats.traffic.sections.listed import Listed, ListedArticles
from services.stats.traffic.sections.store import SectionStore
from services.stats.traffic.shares import Open, by_section
from services.stats.traffic.site_courses import SiteCourses
from services.stats.traffic.store import TrafficStore
from shared.storage.changes import follow
from shared.storage.quarters import PER_DAY, day_number
from shared.storage.types import Session

MAX_RAW_DAYS = 8
"""Upper bound for the days that one look may add up from buckets while they are not made."""
MOST_NEW, NEW_SECONDS = 500, 120.0
"""Number of articles changed last, and the time for which it is known that they have: longer than a
view is answered from."""
CHUNK_DAYS = 64
"""Days that are brought into memory at a time."""


def _changed(listed: ListedArticles, found: Mapping[str, Listed]) -> ListedArticles:
    """`listed` with what is `found`."""
    moved = any(listed.section_of(article) != each.section for article, each in found.items())
    return ListedArticles({**listed.articles, **found}, listed.arrangement + moved)


class CatalogueMemory:
    """State, section, baseline and publication of every article. While the change stream works,
    only articles that have changed are read again; without it all of them.

    A snapshot is fixed by its first query, and may lack what is noted later. So take `notes` before
    that query, and give it to `read` and `baseline`: what was noted later stays noted.
    """

    def __init__(self, store: SectionStore, seconds: Callable[[], float] = time.monotonic) -> None:
        self._store, self._seconds = store, seconds
        self._new: deque[tuple[float, str]] = deque(maxlen=MOST_NEW)
        self._listed: ListedArticles | None = None
        self._changed: dict[str, int] = {}
        """What has changed since it was read, and the number of its last note."""
        self.following = False
        """True while the change stream is open."""
        self._whole_until, self._whole_at = 0, -1
        """The note of the stream's opening, and those that the last whole catalogue had."""
        self._shifts = 0
        """How often articles' reads had moved to another section."""
        self._baseline, self._baseline_at = 0, -1
        """The sum of the baselines, and the notes that it had."""
        self._titles: dict[str, tuple[str, str]] = {}
        self.notes = 0
        """The number of notes until now."""

    async def read(self, session: Session, notes: int) -> ListedArticles:
        """The catalogue as of the snapshot, which was opened after `notes`. What is answered never
        changes later.
        """
        following, shifts = self.following, await self._store.shifts(session)
        # The sections' quarters of the snapshot have the moves that the stream tells only later.
        moved = shifts != self._shifts
        if self._listed is None or moved or not following or self._whole_at < self._whole_until:
            whole, before = await self._store.listed(session, None), self._listed
            self._listed = ListedArticles(whole, before.arrangement + 1 if before else 0)
            self._whole_at, self._shifts = notes if following else -1, shifts
        elif self._changed:
            found = await self._store.listed(session, self._changed.keys())
            self._listed = _changed(self._listed, found)
        self._changed = {each: note for each, note in self._changed.items() if note > notes}
        return self._listed

    async def baseline(self, session: Session, notes: int) -> int:
        """The sum of all baselines, of withdrawn articles too, as of the snapshot, which was opened
        after `notes`. Call it with one snapshot at a time.
        """
        following = self.following
        if not following or self._baseline_at != self.notes:
            self._baseline = await self._store.baseline(session)
            self._baseline_at = notes if following else -1
        return self._baseline

    async def titles(self, articles: Iterable[str]) -> dict[str, tuple[str, str]]:
        """(title, URL) of each of `articles` that the catalogue has."""
        wanted = set(articles)
        if not self.following:
            return await self._store.titles(wanted)
        found = {each: self._titles[each] for each in wanted if each in self._titles}
        if missing := wanted - found.keys():
            notes = self.notes
            found |= (read := await self._store.titles(missing))
            if notes == self.notes:  # else one of them may have changed during the query
                self._titles |= read
        return found

    async def is_new(self, section: str) -> bool:
        """True if an article that has changed a moment ago is in `section` now."""
        since = self._seconds() - NEW_SECONDS
        changed = {article for at, article in self._new if at >= since}
        return bool(changed) and await self._store.any_in(section, changed)

    async def run(self) -> NoReturn:
        """For ever: follow the change stream, and open it again after it was lost."""
        await follow(
            "the change stream of the catalogue",
            self._store.watch,
            opened=self._opened,
            changed=self._note,
            lost=self._lost,
        )

    async def _opened(self) -> None:
        # All of it is read again, from a snapshot that is opened from now on.
        self.notes += 1
        self._whole_until = self.notes
        self._titles, self._changed = {}, {}
        self.following = True

    def _note(self, article: str | None) -> None:
        if article is not None:
            self.notes += 1
            self._changed[article] = self.notes
            self._new.append((self._seconds(), article))
            self._titles.pop(article, None)

    def _lost(self) -> None:
        self.following = False


class SectionMemory:
    """Keeps each section's quarters of closed UTC days, and reads a day again when its markers
    change.
    """

    def __init__(self, store: SectionStore, traffic: TrafficStore) -> None:
        self._store, self._traffic = store, traffic
        self._courses: dict[str, Course] = {}
        self._days: dict[int, int] = {}
        """{UTC day: its markers} of the days that are in memory."""
        self._state = (-1, 0, 0)
        self._first = 0
        self._complete: object = None
        """What there was when every day was in memory."""
        self._today: tuple[object, Open] = ((), {})

    async def read(
        self, session: Session, site: SiteCourses, listed: ListedArticles, tail: Open
    ) -> dict[str, LongCourse] | None:
        """The quarters of each section as of the snapshot; None while too many days are not made.
        `tail`: the reads by article and quarter since time is closed.
        """
        of = listed.section_of
        shifts, today = await self._store.shifts(session), site.closed // PER_DAY
        state = (shifts, site.first, site.loads)
        if state != self._state:
            self._courses, self._days = {}, {}
            self._state, self._first = state, site.first
        if not await self._renewed(session, site, (state, today, site.markers), of):
            return None
        begun = await by_section(await self._begun(session, site, today), of)
        for section, reads in (await by_section(tail, of)).items():
            begun[section] = begun.get(section, {}) | reads
        return {
            section: LongCourse(
                self._courses.get(section) or Course(site.first),
                Course.of(begun.get(section, {}), today * PER_DAY),
            )
            for section in self._courses.keys() | begun.keys()
        }

    async def _renewed(
        self, session: Session, site: SiteCourses, name: object, section_of: Callable[[str], str]
    ) -> bool:
        """Bring into memory what is new. `name` says what there is: while it is the same as the
        last time, nothing is new. False if too many days are not made.
        """
        if name == self._complete:
            return True
        marked = {day_number(each): number for each, number in site.markers.items()}
        wanted = {
            day: marked.get(day, 0)
            for day in range(site.first // PER_DAY, site.closed // PER_DAY)
            if site.reads((day * PER_DAY, (day + 1) * PER_DAY))
        }
        stale = [day for day, late in wanted.items() if self._days.get(day) != late]
        if stale and not await self._load(session, stale, wanted, section_of):
            return False
        if all(self._days.get(day) == late for day, late in wanted.items()):
            self._complete = name
        return True

    async def _load(
        self,
        session: Session,
        stale: list[int],
        wanted: Mapping[int, int],
        section_of: Callable[[str], str],
    ) -> bool:
        """Bring the days `stale` into memory. False if too many of them are not made."""
        made = await self._store.made_days(session)
        ready = [day for day in stale if made.get(day) == wanted[day]]
        raw = [day for day in stale if made.get(day) != wanted[day]]
        for at in range(0, len(ready), CHUNK_DAYS):
            some = ready[at : at + CHUNK_DAYS]
            days: dict[int, dict[str, dict[int, int]]] = {day: {} for day in some}
            async for section, day, quarters in self._store.quarters(session, some):
                first = day * PER_DAY
                days[day][section] = {first + int(q): n for q, n in quarters.items()}
            await self._keep(days)
            self._days |= {day: wanted[day] for day in some}
        for day in raw[:MAX_RAW_DAYS]:
            # Not noted in `_days`, so that it is read again until it is made: a section that
            # changes before that changes nothing else by which its age could be seen.
            rows = await self._traffic.day_quarters(session, day)
            await self._keep({day: await by_section(rows, section_of)})
        return len(raw) <= MAX_RAW_DAYS

    async def _keep(self, days: Mapping[int, Mapping[str, Mapping[int, int]]]) -> None:
        for section in self._courses.keys() | {name for held in days.values() for name in held}:
            held = self._courses.get(section) or Course(self._first)
            reads = {day * PER_DAY: found.get(section, {}) for day, found in days.items()}
            if len(reads) == 1:
                ((first, quarters),) = reads.items()
                self._courses[section] = held.with_day(first, quarters)
            else:
                self._courses[section] = held.with_days(reads)
            await asyncio.sleep(0)  # a pass takes milliseconds

    async def _begun(self, session: Session, site: SiteCourses, today: int) -> Open:
        """The reads of the closed hours of the day that is not closed."""
        reads = site.reads((today * PER_DAY, site.closed))
        name = (site.closed, site.loads, reads, tuple(sorted(site.markers.items())))
        if self._today[0] != name:
            rows: dict[str, dict[int, int]] = {}
            if reads:
                for article, held in (await self._traffic.day_quarters(session, today)).items():
                    rows[article] = {q: n for q, n in held.items() if q < site.closed}
            self._today = (name, rows)
        return self._today[1]
