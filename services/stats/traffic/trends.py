"""The trending articles of one view: who is scored, and the lists that are answered from."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from heapq import merge, nsmallest
from itertools import islice

from services.stats.periods import Period
from services.stats.traffic.chunks import chunks
from services.stats.traffic.projections import Sums
from services.stats.traffic.ranking import Ranking
from services.stats.traffic.sections.listed import ListedArticles
from services.stats.traffic.shares import Open
from services.stats.traffic.site_courses import SiteCourses
from services.stats.traffic.trending import RecentReads, Scale, Trend, rank, trending_start
from services.stats.traffic.windows import NEVER
from shared.storage.quarters import PER_DAY

DAY_BEFORE, LATEST = "day before the two hours", "two hours"
"""Two windows that nobody can ask for."""
MAX_TRENDS = 100
_CANDIDATES = 10 * MAX_TRENDS
"""Trends of a section from which the first `MAX_TRENDS` are taken at a time."""
TrendLists = Mapping[str | None, list[Trend]]
"""The first `MAX_TRENDS` published articles of each section that has any, and of all under None."""


def trend_spans(now: datetime) -> dict[str, Period]:
    """The spans of the internal windows at `now`."""
    start = trending_start(now)
    return {DAY_BEFORE: (start - PER_DAY, start), LATEST: (start, NEVER)}


@dataclass(frozen=True, slots=True)
class TrendBasis:
    """What trends are made from, of one snapshot."""

    start: int
    """The first quarter of the two hours."""
    day_before: Mapping[str, int]
    latest: Mapping[str, int]
    """Reads by article in the closed time of the two windows."""
    tail: Open
    """Reads by article and quarter since time is closed."""
    site: SiteCourses
    listed: ListedArticles


class Trends:
    """The trending articles of one moment, computed when they are first asked for."""

    def __init__(self, basis: TrendBasis) -> None:
        self._basis: TrendBasis | None = basis
        self._lists: TrendLists = {}
        self._turn = asyncio.Lock()

    async def lists(self) -> TrendLists:
        """The lists. Callers that ask at the same time wait for the first one."""
        async with self._turn:
            if self._basis is not None:
                self._lists = await _ranked(self._basis)
                self._basis = None
            return self._lists


def trends_at(
    now: datetime,
    rankings: Mapping[str, Ranking],
    tail: Open,
    site: SiteCourses,
    listed: ListedArticles,
) -> Trends | None:
    """The trends at `now`. `rankings` has the closed time of the windows that are ready; None while
    one of `trend_spans` is not.
    """
    before, latest = rankings.get(DAY_BEFORE), rankings.get(LATEST)
    if before is None or latest is None:
        return None
    start = trending_start(now)
    return Trends(TrendBasis(start, before.reads, latest.reads, tail, site, listed))


async def _ranked(basis: TrendBasis) -> TrendLists:
    articles, scale = basis.listed.articles, Scale(await _recent(basis))
    found: dict[str, list[Trend]] = {}
    async for some in chunks(scale.recent.latest.items()):
        for article, reads in some:
            held = articles.get(article)
            trend = scale.trend(article, reads)
            if trend and held and held.published:
                trends = found.setdefault(held.section, [])
                trends.append(trend)
                if len(trends) > _CANDIDATES:
                    trends[:] = nsmallest(MAX_TRENDS, trends, key=rank)
    lists: dict[str | None, list[Trend]] = {}
    for section, trends in found.items():
        lists[section] = nsmallest(MAX_TRENDS, trends, key=rank)
        await asyncio.sleep(0)
    lists[None] = list(islice(merge(*lists.values(), key=rank), MAX_TRENDS))
    return lists


async def _recent(basis: TrendBasis) -> RecentReads:
    start, begin = basis.start, basis.start - PER_DAY
    latest, day = dict(basis.latest), dict(basis.day_before)
    async for rows in chunks(basis.tail.items()):
        for article, quarters in rows:
            _add(latest, article, [n for quarter, n in quarters.items() if quarter >= start])
            _add(day, article, [n for quarter, n in quarters.items() if begin <= quarter < start])
    young = {}
    async for some in chunks(basis.listed.articles.items()):
        for article, held in some:
            if held.published_in is not None and held.published_in >= begin:
                young[article] = held.published_in
    people = basis.site.of()
    return RecentReads(
        start=start,
        latest=latest,
        day=day,
        site_day=people.ranges(range(begin, start + 1)),
        site_latest=people.between(start, NEVER),
        young=young,
    )


def _add(into: Sums, article: str, reads: list[int]) -> None:
    if total := sum(reads):
        into[article] = into.get(article, 0) + total
