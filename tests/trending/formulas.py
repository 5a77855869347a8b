"""The formulas that are compared. Each answers a score for every article with reads in the two
hours that end with an hour. Pure.

Wikitrends' formula is its author's: |h2 - h1| · ln((h2 + 1) / (h1 + 1)), with h2 the hits of the
last span of time and h1 half of those of the two spans before it (Johan Gunnarsson, mailing list
wikipedia-l, 2011-03-21). The z-scores are (c - mean) / standard deviation over earlier spans of two
hours; with a standard deviation of 0, any read more is infinitely far above the mean.
"""

import math
from collections.abc import Callable, Sequence
from itertools import chain

from services.stats.traffic.trending import RecentReads, trend_score, trending
from tests.trending.portal import Article, History

Scores = dict[str, float]
Formula = Callable[[History, int], Scores]
_DAY = 24
_NEARLY_0 = 1e-9


def ours(history: History, hour: int) -> Scores:
    """The product's own function."""
    return {each.article: each.score for each in trending(recent_reads(history, hour))}


def recent_reads(history: History, hour: int) -> RecentReads:
    """What the product knows at the end of `hour`. An hour's reads stand in its first quarter."""
    start = hour - 1
    days = {each.name: sum(each.reads[start - _DAY : start]) for each in history.articles}
    return RecentReads(
        start=start * 4,
        latest={each.name: reads for each, reads in _read(history, hour)},
        day={name: reads for name, reads in days.items() if reads},
        site_day=list(
            chain.from_iterable((n, 0, 0, 0) for n in history.site[start - _DAY : start])
        ),
        site_latest=sum(history.site[start : hour + 1]),
        young={
            each.name: each.published * 4
            for each in history.articles
            if start - _DAY <= each.published <= hour
        },
    )


def with_site_mean(history: History, hour: int) -> Scores:
    """Ours with the mean of all articles as the least e of a young one, without the young mean."""
    recent = recent_reads(history, hour)
    mean = recent.site_latest / len(recent.latest)
    return {
        name: trend_score(reads, max(e, mean) if name in recent.young else e)
        for name, reads, e in _own_expectations(recent)
    }


def without_floor(history: History, hour: int) -> Scores:
    """Ours, with nothing but the own day of a young article, too."""
    return {
        name: trend_score(reads, e)
        for name, reads, e in _own_expectations(recent_reads(history, hour))
    }


def wikitrends(history: History, hour: int) -> Scores:
    """With the two spans of two hours before: the closest to its author's."""
    return _wikitrends(history, hour, lambda reads, start: sum(reads[start - 4 : start]) / 2)


def wikitrends_of_a_day(history: History, hour: int) -> Scores:
    """With the mean span of two hours of the day before, which is steadier."""
    return _wikitrends(history, hour, lambda reads, start: sum(reads[start - _DAY : start]) / 12)


def z_of_a_day(history: History, hour: int) -> Scores:
    """Over the twelve spans of the day before."""
    return _z(history, hour, range(2, _DAY + 1, 2))


def z_of_a_day_at_least_1(history: History, hour: int) -> Scores:
    """Over the twelve spans of the day before, with a standard deviation of at least 1."""
    return _z(history, hour, range(2, _DAY + 1, 2), least=1.0)


def z_of_a_week(history: History, hour: int) -> Scores:
    """Over the 72 spans of six days."""
    return _z(history, hour, range(2, 6 * _DAY + 1, 2))


def z_of_the_hour(history: History, hour: int) -> Scores:
    """Over the same two hours of six days."""
    return _z(history, hour, range(_DAY, 6 * _DAY + 1, _DAY))


def most_read(history: History, hour: int) -> Scores:
    """The reads alone, as in the top list of two hours."""
    return {each.name: float(reads) for each, reads in _read(history, hour)}


FORMULAS: dict[str, Formula] = {
    "(c - e) / √(e + 4)": ours,
    "… at least the site's mean": with_site_mean,
    "… no least e": without_floor,
    "Wikitrends, 4 h before": wikitrends,
    "Wikitrends, a day before": wikitrends_of_a_day,
    "z-score, a day": z_of_a_day,
    "z-score, a day, deviation ≥ 1": z_of_a_day_at_least_1,
    "z-score, six days": z_of_a_week,
    "z-score, same hours of six days": z_of_the_hour,
    "most read": most_read,
}


def _read(history: History, hour: int) -> list[tuple[Article, int]]:
    """The articles with reads in the two hours, and these reads."""
    found = ((each, sum(each.reads[hour - 1 : hour + 1])) for each in history.articles)
    return [(each, reads) for each, reads in found if reads]


def _own_expectations(recent: RecentReads) -> list[tuple[str, int, float]]:
    """(article, c, e) with e from the article's own day alone."""
    found = []
    for name, reads in recent.latest.items():
        place = max(0, recent.young.get(name, 0) - (recent.start - 4 * _DAY))
        since = sum(recent.site_day[place:])
        day = recent.day.get(name, 0)
        found.append((name, reads, day * recent.site_latest / since if since else 0.0))
    return found


def _wikitrends(
    history: History, hour: int, before: Callable[[Sequence[int], int], float]
) -> Scores:
    return {
        each.name: abs(h2 - h1) * math.log((h2 + 1) / (h1 + 1))
        for each, h2 in _read(history, hour)
        for h1 in [before(each.reads, hour - 1)]
    }


def _z(history: History, hour: int, back: range, least: float = 0.0) -> Scores:
    """`back`: how many hours before the two hours each earlier span begins. `least`: the least
    standard deviation.
    """
    scores = {}
    for each, reads in _read(history, hour):
        spans = [sum(each.reads[hour - 1 - h : hour + 1 - h]) for h in back]
        mean = sum(spans) / len(spans)
        deviation = max(math.sqrt(sum((n - mean) ** 2 for n in spans) / len(spans)), least)
        scores[each.name] = (reads - mean) / (deviation or _NEARLY_0)
    return scores
