"""Builds the answers. Each is read from one snapshot, so that its figures agree during writes."""

import time
from zoneinfo import ZoneInfo

from luotdoc_subscriber.base.clock import Clock, rfc3339
from services.stats import answers
from services.stats.parameters import SeriesParameters, TopParameters, series_steps, window_start
from services.stats.periods import Period, site_periods
from services.stats.store import Store
from shared.base.concurrency import ConcurrencyLimit
from shared.base.errors import Problem
from shared.base.single_flight import SingleFlightCache
from shared.storage.counts import SITE
from shared.storage.quarters import quarter_of
from shared.storage.types import Session

CACHE_SECONDS = 0.5
FRESH_SECONDS = 5.0
"""Time after a request for the site's figures for which they are refreshed in the background."""
MAX_TOP = 100
AT_ONCE, MOST_WAITING, MAX_WAIT_SECONDS = 1, 16, 2.0
"""Bounds for top lists, and for series: MongoDB adds them up from many documents, and the counter's
flushes need the same processors."""
WHY = (
    "later batches of this ingest were counted: the missing ones wait in counter.reads, were "
    "dead-lettered, or were lost when a broker or database was reset or restored; `python "
    "-m services.counter close-gap` notes them as lost"
)


class Reports:
    """The answers of stats. `zone` is the site's time zone.

    Top lists and the site's figures are kept for half a second after they were made; while MongoDB
    is slow, the site's for two. Concurrent requests for the same answer share one query. One top
    list and one series are made at a time, and others wait or get `Unavailable`, so that no crowd
    slows the counter down.
    """

    def __init__(self, store: Store, clock: Clock, zone: ZoneInfo) -> None:
        self._store = store
        self._clock = clock
        self._zone = zone
        self._sites: SingleFlightCache[answers.Site] = SingleFlightCache(CACHE_SECONDS, ahead=True)
        self._site_requested = -FRESH_SECONDS
        self._making_top, self._making_series = (
            ConcurrencyLimit(AT_ONCE, most_waiting=MOST_WAITING, seconds=MAX_WAIT_SECONDS)
            for _ in range(2)
        )
        self._tops: SingleFlightCache[answers.TopList] = SingleFlightCache(CACHE_SECONDS)
        self._articles: SingleFlightCache[answers.ArticleReads] = SingleFlightCache(0)
        self._series: SingleFlightCache[answers.SeriesPoints] = SingleFlightCache(0)
        self._books: SingleFlightCache[answers.Reconciliation] = SingleFlightCache(0)

    async def site(self) -> answers.Site:
        """The figures of the whole site."""
        self._site_requested = time.monotonic()
        return await self._sites.get(SITE, self._site)

    async def keep_site_fresh(self) -> None:
        """Refresh the site's figures while they are requested, so that no request waits for them.

        Call it more often than twice in `CACHE_SECONDS`: an answer is made ahead in the second half
        of that time after its making.
        """
        if time.monotonic() - self._site_requested < FRESH_SECONDS:
            await self._sites.get(SITE, self._site)

    async def _site(self) -> answers.Site:
        now = self._clock()
        async with self._store.snapshot() as session:
            counted = await self._store.counted(session)
            baseline = await self._store.baseline(session)
            complete = await self._store.books.complete_through(session, now)
            periods = await self._periods(session, site_periods(now, self._zone))
        return answers.Site(
            total=baseline + counted,
            baseline=baseline,
            counted=counted,
            online=None,
            as_of=rfc3339(now),
            complete_through=rfc3339(complete) if complete else None,
            **periods,
        )

    async def _periods(self, session: Session, periods: dict[str, Period]) -> dict[str, int]:
        edges = sorted({edge for period in periods.values() for edge in period})
        reads = await self._store.reads_between(session, SITE, edges)
        return {
            name: sum(reads[edges.index(first) : edges.index(end)])
            for name, (first, end) in periods.items()
        }

    async def article(self, article: str) -> answers.ArticleReads:
        """The figures of one article. Raises `Problem` 404 if it was never published."""
        return await self._articles.get(article, lambda: self._article(article))

    async def _article(self, article: str) -> answers.ArticleReads:
        now = self._clock()
        async with self._store.snapshot() as session:
            known = await self._store.article(session, article)
            if not known:
                raise Problem(404, "no article has this id")
            counted = await self._store.counted(session, article)
            today = site_periods(now, self._zone)["today"]
            reads = await self._store.reads_between(session, article, today)
        return answers.ArticleReads(
            article=article,
            title=known["title"],
            url=known["url"],
            state=known["state"],
            reads=known["baseline"] + counted,
            baseline=known["baseline"],
            counted=counted,
            today=reads[0],
            as_of=rfc3339(now),
        )

    async def top(self, query: TopParameters) -> answers.TopList:
        """The most read published articles."""
        whole = await self._tops.get(query.window, lambda: self._top(query.window))
        return whole.model_copy(update={"items": whole.items[: query.limit]})

    async def _top(self, window: str) -> answers.TopList:
        async with self._making_top.place(), self._store.snapshot() as session:
            now = self._clock()
            rows = await self._store.top(session, window_start(window, now), MAX_TOP)
        items = [
            answers.TopItem(
                article=row["_id"], title=row["title"], url=row["url"], reads=row["reads"]
            )
            for row in rows
        ]
        return answers.TopList(window=window, items=items, as_of=rfc3339(now))

    async def series(self, query: SeriesParameters) -> answers.SeriesPoints:
        """Reads over time. Raises `Problem` 422 for an impossible span, 404 for an unknown
        article.
        """
        # The key is the `repr`: as JSON, pydantic would warn about the types of `from` and `to`.
        return await self._series.get(repr(query), lambda: self._series_of(query))

    async def _series_of(self, query: SeriesParameters) -> answers.SeriesPoints:
        zone = ZoneInfo(query.tz) if query.tz else self._zone
        steps = series_steps(query, self._clock(), zone)
        async with self._making_series.place(), self._store.snapshot() as session:
            if query.article and not await self._store.article(session, query.article):
                raise Problem(404, "no article has this id")
            edges = [quarter_of(step) for step in steps]
            reads = await self._store.reads_between(session, query.article or SITE, edges)
        points = [
            answers.Point(start=step.astimezone(zone).isoformat(timespec="seconds"), reads=number)
            # The last step is only the end of the last point.
            for step, number in zip(steps, reads, strict=False)
        ]
        return answers.SeriesPoints(step=query.step, tz=zone.key, points=points)

    async def reconciliation(self) -> answers.Reconciliation:
        """The books."""
        return await self._books.get(SITE, self._reconciliation)

    async def _reconciliation(self) -> answers.Reconciliation:
        now = self._clock()
        async with self._store.snapshot() as session:
            totals = await self._store.totals(session)
            counted = await self._store.counted(session)
            complete = await self._store.books.complete_through(session, now)
            in_flight, gaps = await self._store.books.missing(session, now)
            running = await self._store.books.running_gaps(session, now)
            lost = await self._store.books.lost(session)
        return answers.Reconciliation(
            accepted=totals.accepted,
            counted=counted,
            filtered=totals.filtered,
            parked=totals.parked,
            in_flight=in_flight,
            balance=totals.accepted - counted - sum(totals.filtered.values()) - totals.parked,
            duplicates=totals.duplicates,
            complete_through=rfc3339(complete) if complete else None,
            lost=lost,
            running_gaps=[
                answers.RunningGap(
                    epoch=gap.epoch,
                    missing=gap.missing,
                    since=rfc3339(gap.since),
                    why=WHY,
                )
                for gap in running
            ],
            gaps=[answers.EndedGap(epoch=gap.epoch, missing=gap.missing) for gap in gaps],
            as_of=rfc3339(now),
        )
