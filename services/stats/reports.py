"""Builds the answers. The figures of each are those of one snapshot, so that they agree during
writes.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from luotdoc_subscriber.base.clock import Clock, rfc3339
from services.stats import answers, books_answers, kind_answers
from services.stats.article_reports import ArticleReports
from services.stats.books_report import books_report
from services.stats.compared import course_compared
from services.stats.kinds import Kinds
from services.stats.parameters import (
    SeriesParameters,
    TopParameters,
    TrendingParameters,
    window_start,
)
from services.stats.periods import Period, site_periods
from services.stats.readers.answers import ReadersSeries
from services.stats.readers.audience import Audience
from services.stats.readers.parameters import ReadersParameters, readers_span
from services.stats.readers.scopes import WHOLE_SITE, ReaderScope
from services.stats.section_reports import SectionReports
from services.stats.series import SeriesReports
from services.stats.store import Store
from services.stats.tops import ARTICLE_SHARE, TOP_SHARE, TopReports, costly_budget
from services.stats.traffic.compare import ComparedBy
from services.stats.traffic.keeper import Keeper
from services.stats.traffic.lines import SeriesLines, lines_of
from services.stats.traffic.site_courses import SiteCourses
from services.stats.traffic.windows import NEVER
from services.stats.trend_reports import trending_list
from shared.base.budget import Budget
from shared.base.errors import Problem
from shared.base.single_flight import SingleFlightCache
from shared.storage.counts import SITE

CACHE_SECONDS = 0.5
AHEAD_SECONDS = 0.3
"""Age of the site's figures at which the next ones are made, unless more reads are counted before:
then at once."""
SITE_LOOK_SECONDS = 0.025
"""Time between two looks at the count of all reads, which is one short query."""
SITE_REST = 4.0
"""The site's figures rest at least so many times as long as they took to be made: on a busy machine
they leave the counter its time, and get older."""
FRESH_SECONDS = 5.0
"""Time after a request for the site's figures for which they are refreshed in the background."""


@dataclass(frozen=True, slots=True)
class SiteFigures:
    """The site's figures, and its quarters as of the same moment."""

    answer: answers.Site
    courses: SiteCourses
    as_of: datetime


class Reports:
    """The answers of stats. `zone` is the site's time zone.

    The site's figures are kept for half a second after they were made; while MongoDB is slow, for
    two. While they are requested they are made again many times a second. Fixed windows and
    sections are answered from the keeper's view. Concurrent requests for the same answer share one
    query.
    """

    def __init__(
        self,
        store: Store,
        keeper: Keeper,
        audience: Audience,
        *,
        clock: Clock,
        zone: ZoneInfo,
        seconds: Callable[[], float] = time.monotonic,
        budget: Callable[[float], Budget] = costly_budget,
    ) -> None:
        self._store, self._keeper, self._audience = store, keeper, audience
        self._clock = clock
        self._zone = zone
        self._sites: SingleFlightCache[SiteFigures] = SingleFlightCache(
            CACHE_SECONDS, seconds, ahead=True, ahead_after=AHEAD_SECONDS, rest=SITE_REST
        )
        self._site_requested, self._counted = -FRESH_SECONDS, 0
        of_articles = self.of_articles = budget(ARTICLE_SHARE)
        self._articles = ArticleReports(store, audience, of_articles, clock, zone)
        self._books: SingleFlightCache[books_answers.Reconciliation] = SingleFlightCache(0)
        self._sections = SectionReports(keeper, audience, zone, seconds)
        self._tops = TopReports(store, keeper, CACHE_SECONDS, seconds, budget(TOP_SHARE))
        self._series = SeriesReports(store, of_articles, clock, zone)

    async def site(self, by: ComparedBy | None = None) -> answers.Site:
        """The figures of the whole site, with a comparison if `by` is given."""
        figures = await self._figures()
        if by is None:
            return figures.answer
        courses = figures.courses
        compared = course_compared(by, figures.as_of, self._zone, courses.since, courses.of())
        return figures.answer.model_copy(update={"compared": compared})

    def is_site(self, answer: answers.Site) -> bool:
        """Whether `site` would give `answer` again. Counts as a request for it."""
        self._site_requested = time.monotonic()
        figures = self._sites.held(SITE)
        return figures is not None and figures.answer is answer

    async def site_reads(self, window: str) -> int:
        """The site's reads of the last `<n>h` or `<n>d`, which begin with a quarter of an hour."""
        figures = await self._figures()
        return figures.courses.reads((window_start(window, figures.as_of), NEVER))

    async def site_figures(self) -> SiteFigures:
        """The site's figures with its quarters, of one moment."""
        return await self._figures()

    async def _figures(self) -> SiteFigures:
        self._site_requested = time.monotonic()
        return await self._sites.get(SITE, self._site)

    async def keep_site_fresh(self) -> None:
        """Refresh the site's figures while they are requested, so that no request waits for them,
        and each sees a read soon after it was counted. Call it each `SITE_LOOK_SECONDS`.
        """
        if time.monotonic() - self._site_requested < FRESH_SECONDS:
            changed = await self._store.counted_now() != self._counted
            await self._sites.get(SITE, self._site, changed=changed)

    async def _site(self) -> SiteFigures:
        now, notes = self._clock(), self._keeper.catalogue.notes
        async with self._store.snapshot() as session:
            courses = await self._keeper.site(session, now)
            baseline = await self._keeper.catalogue.baseline(session, notes)
            complete = await self._store.books.complete_through(session, now)
        audience = await self._audience.site()
        self._counted = courses.counted.reads
        answer = answers.Site(
            total=baseline + courses.counted.reads,
            baseline=baseline,
            counted=courses.counted.reads,
            generation=courses.counted.generation,
            as_of=rfc3339(now),
            complete_through=rfc3339(complete) if complete else None,
            since=answers.moment_of(courses.since),
            compared=None,
            **{
                name: courses.reads(period)
                for name, period in site_periods(now, self._zone).items()
            },
            **audience,
        )
        return SiteFigures(answer, courses, now)

    async def article(self, article: str, by: ComparedBy | None = None) -> answers.ArticleReads:
        """The figures of one article, with a comparison if `by` is given. Raises `Problem` 404 if
        it was never published.
        """
        return await self._articles.article(article, by)

    async def classes(self) -> kind_answers.ClassList:
        """The site's reads of each class."""
        return (await self._kinds()).classes()

    async def sources(self) -> kind_answers.SourceList:
        """Where the site's readers came from, and on what they read."""
        return (await self._kinds()).sources()

    async def _kinds(self) -> Kinds:
        figures = await self._figures()
        return Kinds(figures.courses.of, figures.as_of, self._zone, since=figures.courses.since)

    async def sections(self) -> answers.SectionList:
        """The figures of every section. Raises `Unavailable` until they are ready."""
        return await self._sections.sections()

    async def section(self, name: str, by: ComparedBy | None = None) -> answers.SectionReads:
        """The figures of one section, with a comparison if `by` is given. Raises `Problem` 404 if
        it has no article.
        """
        return await self._sections.section(name, by)

    async def top(self, query: TopParameters) -> answers.TopList:
        """The most read published articles. Raises `Problem` 404 for an unknown section."""
        await self._sections.check(query.section)
        return await self._tops.top(query)

    async def trending(self, query: TrendingParameters) -> answers.TrendingList:
        """The trending articles. Raises `Problem` 404 for an unknown section."""
        await self._sections.check(query.section)
        return await trending_list(self._keeper, query)

    async def series(self, query: SeriesParameters) -> bytes:
        """Reads over time, as JSON: `answers.SeriesPoints`. Raises `Problem` 422 for an impossible
        span, 404 for an unknown article or section.
        """
        edges = await self._series.edges(query)
        lines = await self.series_lines(query, (edges[0], edges[-1]))
        return await self._series.points(query, edges, lines)

    async def series_lines(self, query: SeriesParameters, span: Period) -> SeriesLines:
        """The lines of a series in the quarters of `span`. Raises `Problem` 404."""
        if query.article:
            return await self._series.of_article(query, span)
        if query.section:
            return await self._sections.lines(query.section)
        figures = await self._figures()
        courses = figures.courses
        lines = lines_of(courses.courses, query.class_, query.split)
        return SeriesLines(lines, courses.since, figures.as_of)

    async def readers(self, query: ReadersParameters) -> tuple[ReadersSeries, str]:
        """Unique readers by day, and the name of the site's zone. Raises `Problem` 422 for an
        impossible span, 404 for an unknown article or section.
        """
        reports = self._audience.reports
        first, end = readers_span(query, reports.today())
        scope = WHOLE_SITE
        if query.article:
            scope = ReaderScope("article", query.article)
            async with self._store.snapshot() as session:
                if not await self._store.article(session, query.article):
                    raise Problem(404, "no article has this id")
        elif query.section:
            scope = ReaderScope("section", query.section)
            await self._sections.check(query.section)
        return await reports.series(scope, first, end), self._zone.key

    async def reconciliation(self) -> books_answers.Reconciliation:
        """The books."""
        return await self._books.get(SITE, lambda: books_report(self._store, self._clock))
