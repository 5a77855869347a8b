"""Builds series: of the site and of sections from courses in memory, of articles from the
database.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from luotdoc_subscriber.base.clock import Clock, rfc3339
from services.stats import answers
from services.stats.parameters import SeriesParameters, series_steps
from services.stats.store import Store
from services.stats.tops import costly_places
from services.stats.traffic.course import LongCourse
from shared.base.errors import Problem
from shared.base.single_flight import SingleFlightCache
from shared.rabbit.batch import BATCH, READER
from shared.storage.quarters import add_up, quarter_of, start_of


class SeriesReports:
    """Series of reads. `zone` is the site's. One series of an article is made at a time, and others
    wait or get `Unavailable`.
    """

    def __init__(self, store: Store, clock: Clock, zone: ZoneInfo) -> None:
        self._store, self._clock, self._zone = store, clock, zone
        self._making = costly_places()
        self._made: SingleFlightCache[answers.SeriesPoints] = SingleFlightCache(0)

    def steps(self, query: SeriesParameters) -> list[datetime]:
        """The bounds of the points. Raises `Problem` 422."""
        return series_steps(query, self._clock(), self._zone_of(query))

    def _zone_of(self, query: SeriesParameters) -> ZoneInfo:
        return ZoneInfo(query.tz) if query.tz else self._zone

    def points(
        self,
        query: SeriesParameters,
        steps: Sequence[datetime],
        course: LongCourse,
        since: int | None,
        as_of: datetime,
    ) -> answers.SeriesPoints:
        """The series of a course in memory. `since` is the quarter before which reads are not known
        (None: none are known at all).
        """
        reads = course.ranges([quarter_of(step) for step in steps])
        return self._answer(query, steps, known_reads(steps, reads, since, as_of), as_of)

    async def of_article(
        self, query: SeriesParameters, steps: Sequence[datetime]
    ) -> answers.SeriesPoints:
        """The series of an article. Raises `Problem` 404 for an unknown one."""
        # The key is the `repr`: as JSON, pydantic would warn about the types of `from` and `to`.
        return await self._made.get(repr(query), lambda: self._of_article(query, steps))

    async def _of_article(
        self, query: SeriesParameters, steps: Sequence[datetime]
    ) -> answers.SeriesPoints:
        article, edges = query.article or "", [quarter_of(step) for step in steps]
        async with self._making.place(), self._store.snapshot() as session:
            now = self._clock()
            if not await self._store.article(session, article):
                raise Problem(404, "no article has this id")
            reads = [0] * (len(edges) - 1)
            for path, sign in _paths(query.class_):
                parts = await self._store.traffic.article_parts(session, article, edges, path)
                for place, number in enumerate(add_up(edges, parts)):
                    reads[place] += sign * number
            since = await self._store.traffic.since(session)
        return self._answer(query, steps, known_reads(steps, reads, since, now), now)

    def _answer(
        self,
        query: SeriesParameters,
        steps: Sequence[datetime],
        reads: Sequence[int | None],
        as_of: datetime,
    ) -> answers.SeriesPoints:
        zone = self._zone_of(query)
        points = [
            answers.Point(
                start=step.astimezone(zone).isoformat(timespec="seconds"),
                time=round(step.timestamp() * 1000),
                reads=number,
            )
            # The last step is only the end of the last point.
            for step, number in zip(steps, reads, strict=False)
        ]
        return answers.SeriesPoints(
            step=query.step, tz=zone.key, points=points, as_of=rfc3339(as_of)
        )


def known_reads(
    steps: Sequence[datetime], reads: Sequence[int], since: int | None, as_of: datetime
) -> list[int | None]:
    """`reads` of the time between each of `steps` and the next one, with None in place of a 0 that
    is not known: where the time ends before the quarter `since`, or begins after `as_of`.
    """
    start = None if since is None else start_of(since)
    return [
        None if not number and (start is None or end <= start or begin > as_of) else number
        for (begin, end), number in zip(pairwise(steps), reads, strict=True)
    ]


def _paths(chosen: str | None) -> list[tuple[str, int]]:
    """The maps of a bucket that add up to the reads of a class, with their signs."""
    if chosen is None:
        return [("q", 1)]
    if chosen == READER:
        return [("q", 1), (f"by.{BATCH}", -1)]
    return [(f"by.{chosen}", 1)]
