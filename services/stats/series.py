"""Builds series: of the site and of sections from courses in memory, of articles from their
days in the database.
"""

import asyncio
from collections.abc import AsyncIterable, Sequence
from zoneinfo import ZoneInfo

from luotdoc_subscriber.base.clock import Clock, rfc3339
from services.stats import answers
from services.stats.parameters import SeriesParameters, series_steps
from services.stats.periods import Period
from services.stats.store import Store
from services.stats.tops import costly_places
from services.stats.traffic.archive_export import ArticleDay
from services.stats.traffic.course import Course, LongCourse
from services.stats.traffic.lines import SeriesLines, lines_of, point_rows
from services.stats.traffic.pipelines import may_be_archived
from services.stats.traffic.site_buckets import SiteKey, add_days, site_days
from shared.base.errors import Problem
from shared.base.single_flight import SingleFlightCache
from shared.storage.quarters import quarter_of

DAYS_AT_ONCE = 32
"""Days of an article that are added up at a time; other work runs in between."""


class SeriesReports:
    """Series of reads. `zone` is the site's. The days of one article are read at a time, and others
    wait or get `Unavailable`.
    """

    def __init__(self, store: Store, clock: Clock, zone: ZoneInfo) -> None:
        self._store, self._clock, self._zone = store, clock, zone
        self._making = costly_places()
        self._made: SingleFlightCache[SeriesLines] = SingleFlightCache(0)

    def edges(self, query: SeriesParameters) -> list[int]:
        """The quarters that bound the points. Raises `Problem` 422."""
        steps = series_steps(query, self._clock(), self.zone_of(query))
        return [quarter_of(step) for step in steps]

    def zone_of(self, query: SeriesParameters) -> ZoneInfo:
        """The zone of the points."""
        return ZoneInfo(query.tz) if query.tz else self._zone

    def points(
        self, query: SeriesParameters, edges: Sequence[int], series: SeriesLines
    ) -> answers.SeriesPoints:
        """The answer as JSON."""
        zone, points = self.zone_of(query), list[answers.Point]()
        names = list(series.lines)[1:] if query.split else None
        for start, _, time, *numbers in point_rows(edges, zone, series):
            by = dict(zip(names, numbers[1:], strict=True)) if names else None
            points.append(answers.Point(start=start, time=time, reads=numbers[0], by=by))
        return answers.SeriesPoints(
            step=query.step, tz=zone.key, points=points, as_of=rfc3339(series.as_of)
        )

    async def of_article(self, query: SeriesParameters, span: Period) -> SeriesLines:
        """The lines of an article, of the quarters in `span`. Raises `Problem` 404 for an unknown
        one.
        """
        key = (query.article, query.class_, query.split, span)
        return await self._made.get(key, lambda: self._of_article(query, span))

    async def _of_article(self, query: SeriesParameters, span: Period) -> SeriesLines:
        article = query.article or ""
        async with self._making.place(), self._store.snapshot() as session:
            now = self._clock()
            if not await self._store.article(session, article):
                raise Problem(404, "no article has this id")
            archived = may_be_archived(span[0], quarter_of(now))
            courses = await _courses(
                self._store.days.days(session, article, span, archived=archived)
            )
            since = await self._store.traffic.since(session)
        return SeriesLines(lines_of(courses, query.class_, query.split), since, now)


async def _courses(days: AsyncIterable[ArticleDay]) -> dict[SiteKey, LongCourse]:
    found: dict[SiteKey, dict[int, int]] = {}
    number = 0
    async for day in days:
        add_days(found, site_days([{"day": day.day, "q": day.q, "by": day.by}]))
        number += 1
        if number % DAYS_AT_ONCE == 0:
            await asyncio.sleep(0)
    return {key: LongCourse(Course.of(reads), Course(0)) for key, reads in found.items()}
