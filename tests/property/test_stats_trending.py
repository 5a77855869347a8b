"""The score of trending articles, over generated traffic."""

import math
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.stats.traffic.trending import RecentReads, trend_score, trending

START = 1_900_000
ARTICLES = [f"a{n}" for n in range(8)]
READS = st.dictionaries(st.sampled_from(ARTICLES), st.integers(1, 2000))
YOUNG = st.dictionaries(st.sampled_from(ARTICLES), st.integers(START - 96, START + 20))


@st.composite
def traffic(draw: Any) -> RecentReads:
    latest, day = draw(READS), draw(READS)
    course = draw(st.lists(st.integers(0, 500), min_size=96, max_size=96))
    course[draw(st.integers(0, 95))] += sum(day.values())  # the site has each article's reads
    return RecentReads(
        start=START,
        latest=latest,
        day=day,
        site_day=course,
        site_latest=sum(latest.values()),
        young=draw(YOUNG),
    )


@given(reads=st.integers(0, 10**7), expected=st.floats(0, 1e7), more=st.floats(0.01, 1e4))
def test_the_score_rises_with_reads_and_falls_with_what_is_expected(
    reads: int, expected: float, more: float
) -> None:
    assert trend_score(reads + 1, expected) > trend_score(reads, expected)
    assert trend_score(reads, expected + more) < trend_score(reads, expected)
    assert (trend_score(reads, expected) > 0) == (reads > expected)


@given(traffic())
def test_each_trend_is_above_what_is_expected_in_order(recent: RecentReads) -> None:
    trends = trending(recent)
    assert [(-each.score, each.article) for each in trends] == sorted(
        (-each.score, each.article) for each in trends
    )
    for each in trends:
        assert each.reads == recent.latest[each.article] > each.expected >= 0
        assert math.isclose(each.score, (each.reads - each.expected) / math.sqrt(each.expected + 4))


@given(traffic())
def test_the_order_of_the_articles_changes_nothing(recent: RecentReads) -> None:
    turned = replace(
        recent,
        latest=dict(reversed(list(recent.latest.items()))),
        day=dict(reversed(list(recent.day.items()))),
        young=dict(reversed(list(recent.young.items()))),
    )
    assert trending(turned) == trending(recent)


@given(traffic(), st.sampled_from(ARTICLES), st.integers(1, 1000))
def test_more_reads_of_its_own_never_lower_an_articles_score(
    recent: RecentReads, article: str, more: int
) -> None:
    """Not even when the site grows with them: the site has at least the article's own reads."""
    recent = replace(recent, latest={article: 1, **recent.latest})
    recent = replace(recent, site_latest=sum(recent.latest.values()))
    risen = {**recent.latest, article: recent.latest[article] + more}

    def score(latest: dict[str, int]) -> float:
        changed = replace(recent, latest=latest, site_latest=sum(latest.values()))
        return {each.article: each.score for each in trending(changed)}.get(article, 0.0)

    assert score(risen) >= score(dict(recent.latest)) - 1e-9


@given(traffic(), st.sampled_from(ARTICLES))
def test_a_young_article_never_scores_higher_than_an_old_one_with_its_reads(
    recent: RecentReads, article: str
) -> None:
    old = replace(recent, young={})
    young = replace(recent, young={article: START - 96})

    def score(changed: RecentReads) -> float:
        return {each.article: each.score for each in trending(changed)}.get(article, 0.0)

    assert score(young) <= score(old)


@given(traffic(), st.integers(2, 9))
def test_a_busier_day_of_the_whole_site_changes_no_expectation(
    recent: RecentReads, factor: int
) -> None:
    """Yesterday was a holiday: everything had a part of its reads."""
    grown = replace(
        recent,
        day={name: reads * factor for name, reads in recent.day.items()},
        site_day=[reads * factor for reads in recent.site_day],
    )
    for a, b in zip(trending(recent), trending(grown), strict=True):
        assert a.article == b.article
        assert math.isclose(a.expected, b.expected)
