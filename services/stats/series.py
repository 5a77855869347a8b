"""Builds series: of the site and of sections from courses in memory, of articles from their
days in the database.
"""

import asyncio
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import orjson

from luotdoc_subscriber.base.clock import Clock, rfc3339
from services.stats.article_courses import article_courses
from services.stats.parameters import SeriesParameters, series_edges
from services.stats.periods import Period
from services.stats.store import Store
from services.stats.tops import costly_places
from services.stats.traffic.lines import SeriesLines, key_of, lines_of, point_rows
from shared.base.budget import Budget
from shared.base.errors import Problem
from shared.base.single_flight import SingleFlightCache

POINTS_AT_ONCE = 400
"""Points that are made at a time, in about a millisecond; other work runs in between."""


class SeriesReports:
    """Series of reads. `zone` is the site's. The days of one article are read at a time, and others
    wait or get `Unavailable`.
    """

    def __init__(self, store: Store, budget: Budget, clock: Clock, zone: ZoneInfo) -> None:
        self._store, self._clock, self._zone = store, clock, zone
        self._making = costly_places(budget)
        self._made: SingleFlightCache[SeriesLines] = SingleFlightCache(0)

    async def edges(self, query: SeriesParameters) -> Sequence[int]:
        """The quarters that bound the points. Raises `Problem` 422."""
        found = series_edges(query, self._clock(), self.zone_of(query))
        await asyncio.sleep(0)  # 2000 of them take some milliseconds
        return found

    def zone_of(self, query: SeriesParameters) -> ZoneInfo:
        """The zone of the points."""
        return ZoneInfo(query.tz) if query.tz else self._zone

    async def points(
        self, query: SeriesParameters, edges: Sequence[int], series: SeriesLines
    ) -> bytes:
        """The answer as JSON: `answers.SeriesPoints`. Made of dicts and in parts, because models of
        2000 points would hold the event loop for long.
        """
        zone, parts = self.zone_of(query), list[bytes]()
        names = list(series.lines)[1:] if query.split else None
        for at in range(0, len(edges) - 1, POINTS_AT_ONCE):
            some = edges[at : at + POINTS_AT_ONCE + 1]
            points = [
                {
                    "start": start,
                    "time": time,
                    "reads": numbers[0],
                    "by": dict(zip(names, numbers[1:], strict=True)) if names else None,
                }
                for start, _, time, *numbers in point_rows(some, zone, series)
            ]
            parts.append(orjson.dumps(points)[1:-1])
            await asyncio.sleep(0)
        head = orjson.dumps({"step": query.step, "tz": zone.key})[:-1]
        as_of = orjson.dumps(rfc3339(series.as_of))
        return b'%b,"points":[%b],"as_of":%b}' % (head, b",".join(parts), as_of)

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
            wanted = None if query.split else key_of(query.class_)
            courses = await article_courses(self._store.days, session, article, span, now, wanted)
            since = await self._store.traffic.since(session)
        return SeriesLines(lines_of(courses, query.class_, query.split), since, now)
