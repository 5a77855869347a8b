"""Trending: articles that are read more in the last two hours than was to be expected. Pure.

    score = (c - e) / √(e + 4)

c   the article's reads of the last two hours
e   the reads that were to be expected: the article's reads of the day before, times the site's
    reads of the two hours, divided by the site's reads of that day. So the course of the day, a
    holiday or a quiet night change nothing. Of an article that was published within that day, the
    site's reads are taken since then. Such an article is young, and e is at least the mean c of
    the site's other young articles, and at least the mean c of all articles that were read.
√   one standard deviation of e reads, in Poisson's distribution; the 4 keeps articles with hardly
    any reads from reaching the top with three

ADR 0032 has the reasons and the simulation (`make trending-check`).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate

from shared.storage.quarters import PER_DAY, quarter_of

WINDOW_QUARTERS = 8
"""Two hours: c counts the reads since so many quarters before the current one."""
DAMPING = 4.0


@dataclass(frozen=True, slots=True)
class RecentReads:
    """Reads of people (classes reader and batch) around `start`, all from one snapshot.

    Articles without reads may be left out of the mappings. Quarters are counted since 1970.
    """

    start: int
    """The first quarter of the two hours, from `trending_start`."""
    latest: Mapping[str, int]
    """Reads by article since `start`, without an end."""
    day: Mapping[str, int]
    """Reads by article in the 96 quarters before `start`."""
    site_day: Sequence[int]
    """The site's reads in each of these 96 quarters, oldest first."""
    site_latest: int
    """The site's reads since `start`."""
    young: Mapping[str, int]
    """The quarter of publication of every article that was published since `start` - 96, also of
    those without reads. All others are old."""


@dataclass(frozen=True, slots=True)
class Trend:
    """One article's score. `expected` is e, in reads."""

    article: str
    score: float
    reads: int
    expected: float


def trending_start(now: datetime) -> int:
    """The first quarter of the two hours before `now`. Together with the current quarter they last
    2 h to 2 h 15 min; the site's reads, to which they are compared, have the same length.
    """
    return quarter_of(now) - WINDOW_QUARTERS


def trend_score(reads: int, expected: float) -> float:
    """(c - e) / √(e + 4): how far `reads` is above `expected`, in standard deviations."""
    return (reads - expected) / math.sqrt(expected + DAMPING)


class Scale:
    """What each article of one moment is measured by."""

    def __init__(self, recent: RecentReads) -> None:
        self.recent = recent
        self._since = _site_since(recent.site_day)
        self._young_reads = sum(recent.latest.get(article, 0) for article in recent.young)
        self._other_young = max(len(recent.young) - 1, 1)
        self._site_mean = recent.site_latest / max(len(recent.latest), 1)

    def trend(self, article: str, reads: int) -> Trend | None:
        """The score of an article with so many reads since `start`; None if it was not read more
        than expected.
        """
        recent = self.recent
        day, published = recent.day.get(article, 0), recent.young.get(article)
        if published is None:
            expected = _share(day, recent.site_latest, self._since[0])
        else:
            place = min(max(published - recent.start + PER_DAY, 0), PER_DAY)
            own = _share(day, recent.site_latest, self._since[place])
            others = (self._young_reads - reads) / self._other_young
            expected = max(own, others, self._site_mean)
        if reads <= expected:
            return None
        return Trend(article, trend_score(reads, expected), reads, expected)


def rank(trend: Trend) -> tuple[float, str]:
    """The place of a trend in a list: highest score first, ties by id."""
    return -trend.score, trend.article


def trending(recent: RecentReads) -> list[Trend]:
    """All articles that were read more than expected, highest score first, ties by id.

    The caller leaves out withdrawn articles and other sections afterwards: an article's score
    doesn't depend on who asks.
    """
    scale = Scale(recent)
    found = (scale.trend(*each) for each in recent.latest.items())
    return sorted((trend for trend in found if trend), key=rank)


def _site_since(site_day: Sequence[int]) -> list[int]:
    """The site's reads from each quarter of the day until its end; 0 at the end."""
    return list(accumulate(reversed(site_day), initial=0))[::-1]


def _share(day: int, site_latest: int, site_since: int) -> float:
    """What `day` reads grow to at the site's pace; 0 if the site was not read in that time."""
    return day * site_latest / site_since if site_since else 0.0
