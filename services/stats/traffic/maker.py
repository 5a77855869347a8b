"""Makes the projections that are missing or no longer right, and checks those that are there."""

import logging
import time
from zoneinfo import ZoneInfo

from luotdoc_subscriber.base.clock import Clock
from services.stats.metrics import StatsMetrics
from services.stats.periods import Period
from services.stats.traffic.pieces import HOURS_KEPT, Piece, projected, whole
from services.stats.traffic.projections import Sums, add, is_balanced, is_right, projection
from services.stats.traffic.sections.store import SectionStore
from services.stats.traffic.site_courses import SiteCourses
from services.stats.traffic.store import TrafficStore
from shared.storage.counts import SITE
from shared.storage.quarters import PER_DAY, day_name, day_number
from shared.storage.types import Session
from shared.storage.versions import Document

log = logging.getLogger(__name__)

STEP_SECONDS = 0.2
"""Time for which one step of the background makes projections."""
MOVES_A_STEP = 200
DAYS_AT_ONCE = 3
"""The newest days, whose sections are checked as soon as the site was read again."""
DAY_SECONDS = 60.0
"""Time after which the sections of another day are checked: two years in half a day."""


class Maker:
    """A writer of `projections`; each stats process has one, and makes what it finds missing.
    `zone` is the site's.
    """

    def __init__(
        self,
        store: TrafficStore,
        sections: SectionStore,
        metrics: StatsMetrics,
        clock: Clock,
        zone: ZoneInfo,
        step_seconds: float = STEP_SECONDS,
    ) -> None:
        self._store, self._sections, self._metrics = store, sections, metrics
        self._clock, self._zone, self._step_seconds = clock, zone, step_seconds
        self._heads: dict[str, Document] | None = None
        self._pieces: tuple[Period, list[Piece]] = ((0, 0), [])
        self._loads = 0
        self._settled: object = None
        """What there was when nothing was left to make."""
        self._unchecked: list[str] = []
        self._wrong: set[str] = set()
        self._day_checked_at, self._days_checked = time.monotonic(), 0
        self._days_due, self._days_loads = 0, 0
        self.missing = 0
        """The number of projections that were left to be made after the last step."""

    async def step(self, site: SiteCourses) -> bool:
        """Move the reads of articles whose section has changed, make projections for
        the seconds of a step, and check one. True if more are to be made.
        """
        if moving := await self._sections.moving(MOVES_A_STEP):
            await self._sections.move(moving)
        more = await self._make(site)
        await self._check(site)
        await self._check_days(site)
        return more

    async def _check_days(self, site: SiteCourses) -> None:
        if site.loads != self._days_loads:
            self._days_loads, self._days_checked, self._days_due = site.loads, 0, DAYS_AT_ONCE
        elif time.monotonic() - self._day_checked_at > DAY_SECONDS:
            self._days_due = 1
        while self._days_due:
            self._day_checked_at = time.monotonic()
            await self.check_a_day(site)
            self._days_due -= 1

    async def check_a_day(self, site: SiteCourses) -> None:
        """Compare the sections' quarters of one day with its buckets: each day in turn, the newest
        first.
        """
        days = range(site.first // PER_DAY, site.closed // PER_DAY)
        if not days:
            return
        day = days[-1 - self._days_checked % len(days)]
        self._days_checked += 1
        if not await self._sections.check_day(day):
            log.error("the sections' reads of %s were wrong, and are made again", day_name(day))
            self._metrics.projections_repaired.inc()
        self._metrics.projections_checked.inc()

    async def _make(self, site: SiteCourses) -> bool:
        async with self._store.snapshot() as session:
            # A move may have left days of sections to be made again.
            shifts = await self._sections.shifts(session)
        state = (site.closed, site.loads, dict(site.markers), shifts)
        if state == self._settled:
            return False
        if self._heads is None or site.loads != self._loads:
            self._loads = site.loads
            async with self._store.snapshot() as session:
                self._heads = await self._store.heads(session)
        until = time.monotonic() + self._step_seconds
        pieces, days = self._missing(site, self._heads), await self._missing_days(site)
        # Windows need days and months, sections their days, and only trends all hours.
        first = [piece for piece in pieces if piece.kind != "hour"]
        last = [piece for piece in pieces if piece.kind == "hour"]
        work: list[Piece | int] = [*first, *days, *last]
        for done, each in enumerate(work):
            self._left(len(work) - done)
            if time.monotonic() > until:
                return True
            if isinstance(each, int):
                await self._sections.make_day(each)
            elif not await self._make_one(each, self._heads, site.closed):
                return True
        await self._forget_hours(site, self._heads)
        self._left(0)
        self._settled = state
        return False

    def _left(self, missing: int) -> None:
        self.missing = missing
        self._metrics.projections_missing.set(missing)

    def _missing(self, site: SiteCourses, heads: dict[str, Document]) -> list[Piece]:
        name = (site.first, site.closed)
        if self._pieces[0] != name:
            self._pieces = (name, projected(*name, self._zone))
        return [
            piece
            for piece in self._pieces[1]
            if not is_right(heads.get(piece.id(self._zone)), piece, self._zone, site.markers)
            and (site.reads((piece.first, piece.end)) or piece.id(self._zone) in heads)
        ]

    async def _missing_days(self, site: SiteCourses) -> list[int]:
        async with self._store.snapshot() as session:
            made = await self._sections.made_days(session)
        marked = {day_number(name): number for name, number in site.markers.items()}
        return [
            day
            for day in reversed(range(site.first // PER_DAY, site.closed // PER_DAY))
            if made.get(day) != marked.get(day, 0)
            and (site.reads((day * PER_DAY, (day + 1) * PER_DAY)) or day in made)
        ]

    async def _make_one(self, piece: Piece, heads: dict[str, Document], today: int) -> bool:
        """False if another process has written it meanwhile: it is looked at again."""
        name = piece.id(self._zone)
        async with self._store.snapshot() as session:
            markers = await self._store.markers(session)
            held = await self._store.head(session, name)
            if held and is_right(held, piece, self._zone, markers):  # another process was faster
                heads[name] = held
                return True
            reads = await self._reads(session, piece, markers, today)
            site = await self._site(session, piece)
        made = projection(piece, self._zone, reads, site, markers, self._clock())
        if not await self._store.made.write(made, held):
            heads.pop(name, None)
            return False
        self._judge(made)
        heads[name] = _head(made)
        return True

    async def _reads(
        self, session: Session, piece: Piece, markers: dict[str, int], today: int
    ) -> Sums:
        """The reads of a piece: a month's from its days, if they are right."""
        found: Sums = {}
        if piece.kind == "month":
            for day in whole("day", (piece.first, piece.end), self._zone):
                held = await self._store.projection(session, day.id(self._zone))
                if held and is_right(held, day, self._zone, markers):
                    add(found, held["reads"])
                elif await self._site(session, day):
                    break
            else:
                return found
        return await self._store.sums(session, (piece.first, piece.end), today)

    async def _site(self, session: Session, piece: Piece) -> int:
        edges = [piece.first, piece.end]
        parts = await self._store.article_parts(session, SITE, edges, "q")
        return sum(n for quarter, n in parts if piece.first <= quarter < piece.end)

    async def _forget_hours(self, site: SiteCourses, heads: dict[str, Document]) -> None:
        old = [
            name
            for name, head in heads.items()
            if head["kind"] == "hour" and head["end"] < site.closed - HOURS_KEPT - PER_DAY
        ]
        if old:
            await self._store.made.delete(old)
            for name in old:
                del heads[name]

    async def _check(self, site: SiteCourses) -> None:
        """Compare one projection with the site's buckets: each of them in turn."""
        heads = self._heads if self._heads is not None else {}
        if not self._unchecked:
            self._unchecked = sorted(heads)
        if not self._unchecked:
            return
        name = self._unchecked.pop()
        async with self._store.snapshot() as session:
            held = await self._store.projection(session, name)
            if not held:
                heads.pop(name, None)
                self._settled = None
                return
            piece = Piece(held["kind"], held["first"], held["end"])
            if not is_right(held, piece, self._zone, await self._store.markers(session)):
                if heads.get(name) != (head := _head(held)):
                    # Another process has written one that is older than what was there.
                    heads[name], self._settled = head, None
                return
            reads = await self._site(session, piece)
        if not self._judge({**held, "site": reads}):
            await self._store.made.repair(name)
            heads.pop(name, None)
            self._settled = None
            self._metrics.projections_repaired.inc()

    def _judge(self, held: Document) -> bool:
        name, right = held["_id"], is_balanced(held)
        if right:
            self._wrong.discard(name)
        else:
            log.error(
                "the projection %s has %d reads, its buckets have %d",
                name,
                sum(held["reads"].values()),
                held["site"],
            )
            self._wrong.add(name)
        self._metrics.projections_checked.inc()
        self._metrics.projections_wrong.set(len(self._wrong))
        return right


def _head(held: Document) -> Document:
    return {key: value for key, value in held.items() if key != "reads"}
