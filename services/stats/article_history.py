"""All reads of one article as of one snapshot, from the database: for its page of figures."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from luotdoc_subscriber.base.clock import Clock, rfc3339
from services.stats import answers
from services.stats.article_courses import article_courses
from services.stats.compared import compared_answer
from services.stats.periods import site_periods
from services.stats.readers.answers import ReadersSeries
from services.stats.readers.audience import Audience
from services.stats.readers.scopes import ReaderScope
from services.stats.store import Store
from services.stats.tops import costly_places
from services.stats.traffic.archive_export import EVERY_QUARTER
from services.stats.traffic.compare import ComparedBy, compared_periods
from services.stats.traffic.course import SparseCourse
from services.stats.traffic.site_buckets import READS, SiteKey
from shared.base.budget import Budget
from shared.base.errors import Problem

NO_READS_YET = SparseCourse({})


@dataclass(frozen=True, slots=True)
class ArticleHistory:
    """An article's figures with its reads by quarter, of one moment."""

    figures: answers.ArticleReads
    courses: Mapping[SiteKey, SparseCourse]
    published_at: datetime | None
    as_of: datetime
    since: int | None
    """The first quarter of the first UTC day with counted reads of the site."""

    def of(self, key: SiteKey = READS) -> SparseCourse:
        """The course of a key."""
        return self.courses.get(key, NO_READS_YET)

    def compared(self, by: ComparedBy, zone: ZoneInfo) -> answers.Compared:
        """The periods beside earlier ones; `zone` is the site's."""
        pairs = compared_periods(self.as_of, zone, by)
        course = self.of()
        return compared_answer(
            by, self.as_of, pairs, self.since, lambda period: course.ranges(period)[0]
        )


class ArticleHistories:
    """Reads the history of one article at a time. Others wait or get `Unavailable`, within the
    budget of questions about articles. `zone` is the site's.
    """

    def __init__(
        self, store: Store, audience: Audience, budget: Budget, clock: Clock, zone: ZoneInfo
    ) -> None:
        self._store, self._audience, self._clock, self._zone = store, audience, clock, zone
        self._places = costly_places(budget)

    async def history(self, article: str) -> ArticleHistory:
        """The history of an article. Raises `Problem` 404 if it was never published."""
        async with self._places.place(), self._store.snapshot() as session:
            now = self._clock()
            known = await self._store.article(session, article)
            if not known:
                raise Problem(404, "no article has this id")
            counted = await self._store.counted(session, article)
            days = self._store.days
            courses = await article_courses(days, session, article, EVERY_QUARTER, now)
            since = await self._store.traffic.since(session)
        audience = await self._audience.article(article)
        course = courses.get(READS, NO_READS_YET)
        periods = site_periods(now, self._zone)
        figures = answers.ArticleReads(
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
            compared=None,
            **{name: course.ranges(period)[0] for name, period in periods.items()},
            **audience,
        )
        return ArticleHistory(figures, courses, known["published_at"], now, since)

    async def readers(self, article: str, first: date, end: date) -> ReadersSeries:
        """The unique readers of each day in [first, end)."""
        async with self._places.place():
            scope = ReaderScope("article", article)
            return await self._audience.reports.series(scope, first, end)
