"""The background work: keeps the figures in memory, and makes the projections."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from luotdoc_subscriber.base.clock import Clock
from services.stats.metrics import StatsMetrics
from services.stats.traffic.bases import Bases
from services.stats.traffic.maker import Maker
from services.stats.traffic.projections import marks
from services.stats.traffic.sections.memory import CatalogueMemory, SectionMemory
from services.stats.traffic.site_courses import SiteCourses, SiteMemory
from services.stats.traffic.store import TrafficStore
from services.stats.traffic.trends import trend_spans, trends_at
from services.stats.traffic.view import View
from services.stats.traffic.windows import NEVER, closed_until, window_spans
from shared.base.errors import Unavailable
from shared.base.single_flight import SingleFlightCache
from shared.storage.quarters import PER_DAY, quarter_of
from shared.storage.types import Session

VIEW_SECONDS = 2.0
"""Time for which a view is answered from."""
SHARE = 10
"""The next view is made at the earliest after `SHARE` times as long as the last one took: while
many late reads arrive, every base is added up again each time."""
MAX_REST_SECONDS = 30.0
OLDEST_SECONDS = 60.0
FIRST_VIEW_SECONDS = 60.0
"""Time for which stats is not ready while its first view is being made."""
WAITING = timedelta(minutes=1)
"""Time by which a caller's `now` may be before the one of the caller before: it has waited for its
turn while an hour was closed. A clock that was set back further is believed, else the hour would be
open to reads without a marker (`shared.storage.quarters.CLOSED`)."""
ATTEMPTS = 4
MAX_WAIT_SECONDS = 2.0
"""Time for which a request waits for the first view, or for a new one when the last is old."""


class Keeper:
    """Makes views, and keeps the newest one. `zone` is the site's."""

    def __init__(
        self,
        store: TrafficStore,
        catalogue: CatalogueMemory,
        sections: SectionMemory,
        maker: Maker,
        metrics: StatsMetrics,
        clock: Clock,
        zone: ZoneInfo,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._metrics, self._zone = store, metrics, zone
        self.clock = clock
        self.catalogue, self._sections = catalogue, sections
        self.maker = maker
        self._site, self._bases = SiteMemory(store, seconds), Bases(store, zone)
        self._turn, self._latest = asyncio.Lock(), datetime.min.replace(tzinfo=UTC)
        self._views: SingleFlightCache[View] = SingleFlightCache(VIEW_SECONDS, seconds, ahead=True)
        self._seconds = seconds
        self._making, self._made_at, self._rest_until = False, 0.0, 0.0
        self._begun: float | None = None
        self._tried = False
        self.view: View | None = None
        """The newest one."""

    def preparing(self) -> str | None:
        """The reason why stats should not be asked yet: its first view is being made. None once it
        is made, if it can't be made, or after `FIRST_VIEW_SECONDS`. Projections that are missing
        don't delay it: a window that needs too many is not in it.
        """
        took_long = self._begun is not None and self._seconds() - self._begun >= FIRST_VIEW_SECONDS
        return None if self._tried or took_long else "the traffic figures are being prepared"

    async def site(self, session: Session, now: datetime) -> SiteCourses:
        """The site's quarters as of the snapshot, whose first query this must be."""
        async with self._turn:
            if now < self._latest <= now + WAITING:
                now = self._latest
            self._latest = now
            return await self._site.read(session, closed_until(now, self._zone))

    async def current(self) -> View:
        """The newest view, for a request. While the next one is being made it may be a minute old.
        Raises `Unavailable` if there is none in time.
        """
        if self.view and self._making and self._seconds() - self._made_at < OLDEST_SECONDS:
            return self.view
        return await self._in_time()

    async def _in_time(self) -> View:
        try:
            async with asyncio.timeout(MAX_WAIT_SECONDS):
                return await self.refreshed()
        except TimeoutError as error:
            raise Unavailable("the figures are being prepared, try again") from error

    async def refreshed(self) -> View:
        """The newest view; the next one is made ahead."""
        if self.view and self._seconds() < self._rest_until:
            return self.view
        return await self._views.get("view", self._make)

    async def with_window(self, window: str, length: timedelta) -> View | None:
        """The newest view with one more window, of `length` until now. None if too many projections
        are missing. Raises `Unavailable` if there is no view in time, or late reads come again and
        again.

        Its closed time is read now, and is what it was at the time of the view, unless a late read
        has come since then.
        """
        for _ in range(ATTEMPTS):
            view = await self._in_time()
            span = (quarter_of(view.as_of - length), NEVER)
            days = range(span[0] // PER_DAY, view.site.closed // PER_DAY + 1)
            async with self._store.snapshot() as session:
                markers = await self._store.markers(session)
                if marks(days, markers) == marks(days, view.site.markers):
                    bases = Bases(self._store.for_answers(), self._zone)
                    found = await bases.read(session, {window: span}, view.site)
                    ranking = found.get(window)
                    return view.with_window(window, span, ranking) if ranking else None
            await asyncio.sleep(VIEW_SECONDS / 4)
        raise Unavailable("late reads arrive, try again")

    async def step(self) -> None:
        """Make a view if the newest one is a second old, and a few projections."""
        view = await self.refreshed()
        await self.maker.step(view.site)

    async def _make(self) -> View:
        self._making, started, is_first = True, self._seconds(), self.view is None
        self._begun = started if self._begun is None else self._begun
        try:
            self.view = await self._read()
        finally:
            self._making, self._tried, ended = False, True, self._seconds()
        self._made_at = ended
        # The first one takes long, because nothing is in memory: that tells nothing of the next.
        rest = 0.0 if is_first else (ended - started) * SHARE
        self._rest_until = ended + min(rest, MAX_REST_SECONDS)
        self._metrics.view_seconds.set(ended - started)
        self._metrics.view_as_of.set(self.view.as_of.timestamp())
        self._metrics.windows_not_ready.set(len(self._bases.not_ready))
        return self.view

    async def _read(self) -> View:
        now, notes = self.clock(), self.catalogue.notes
        async with self._store.snapshot() as session:
            site = await self.site(session, now)
            listed = await self.catalogue.read(session, notes)
            tail = await self._store.open_quarters(session, site.closed)
            spans = window_spans(now, self._zone)
            rankings = await self._bases.read(session, {**spans, **trend_spans(now)}, site)
            return View(
                as_of=now,
                site=site,
                spans=spans,
                rankings=rankings,
                tail=tail,
                listed=listed,
                trends=trends_at(now, rankings, tail, site, listed),
                courses=await self._sections.read(session, site, listed, tail),
            )
