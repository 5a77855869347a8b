"""Builds the figures of one article, from the database."""

from collections.abc import Callable, Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

from luotdoc_subscriber.base.clock import Clock, rfc3339
from services.stats import answers
from services.stats.article_courses import article_courses
from services.stats.compared import compared_answer
from services.stats.periods import Period, site_periods
from services.stats.readers.audience import Audience
from services.stats.store import Store
from services.stats.tops import costly_places
from services.stats.traffic.compare import ComparedBy, compared_periods
from services.stats.traffic.course import SparseCourse
from services.stats.traffic.site_buckets import READS
from shared.base.budget import Budget
from shared.base.errors import Problem
from shared.base.single_flight import SingleFlightCache
from shared.storage.types import Session


class ArticleReports:
    """Figures of articles. `zone` is the site's. Those of one article are made at a time, and
    others wait or get `Unavailable`. Comparisons need the article's reads of up to two years, so
    they wait apart.
    """

    def __init__(
        self, store: Store, audience: Audience, budget: Budget, clock: Clock, zone: ZoneInfo
    ) -> None:
        self._store, self._audience = store, audience
        self._clock, self._zone = clock, zone
        self._making, self._comparing = costly_places(budget), costly_places(budget)
        self._made: SingleFlightCache[answers.ArticleReads] = SingleFlightCache(0)

    async def article(self, article: str, by: ComparedBy | None) -> answers.ArticleReads:
        """The figures of one article. Raises `Problem` 404 if it was never published."""
        return await self._made.get((article, by), lambda: self._in_turn(article, by))

    async def _in_turn(self, article: str, by: ComparedBy | None) -> answers.ArticleReads:
        places = self._comparing if by else self._making
        async with places.place():
            return await self._article(article, by)

    async def _article(self, article: str, by: ComparedBy | None) -> answers.ArticleReads:
        now = self._clock()
        periods = site_periods(now, self._zone)
        pairs = compared_periods(now, self._zone, by) if by else {}
        wanted = [*periods.values(), *(p for pair in pairs.values() for p in pair.periods)]
        async with self._store.snapshot() as session:
            known = await self._store.article(session, article)
            if not known:
                raise Problem(404, "no article has this id")
            counted = await self._store.counted(session, article)
            reads = await self._reads(session, article, wanted, now)
            since = await self._store.traffic.since(session)
        audience = await self._audience.article(article)
        return answers.ArticleReads(
            article=article,
            title=known["title"],
            url=known["url"],
            state=known["state"],
            reads=known["baseline"] + counted.reads,
            baseline=known["baseline"],
            counted=counted.reads,
            generation=counted.generation,
            as_of=rfc3339(now),
            since=answers.moment_of(since),
            compared=compared_answer(by, now, pairs, since, reads) if by else None,
            **{name: reads(period) for name, period in periods.items()},
            **audience,
        )

    async def _reads(
        self, session: Session, article: str, periods: Iterable[Period], now: datetime
    ) -> Callable[[Period], int]:
        """What tells the reads of each of `periods`."""
        edges = [edge for period in periods for edge in period]
        span = (min(edges), max(edges))
        found = await article_courses(self._store.days, session, article, span, now, READS)
        course = found.get(READS, SparseCourse({}))
        return lambda period: course.ranges(period)[0]
