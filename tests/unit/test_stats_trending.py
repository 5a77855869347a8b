"""The score of trending articles, by hand."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from services.stats.traffic.trending import RecentReads, trend_score, trending, trending_start
from shared.storage.quarters import start_of

START = 1_900_000


def found(
    latest: Mapping[str, int],
    day: Mapping[str, int] | None = None,
    *,
    site_day: Any = (10,) * 96,
    site_latest: int | None = None,
    young: Mapping[str, int] | None = None,
) -> dict[str, tuple[float, float]]:
    """Each article's (score, e), rounded, in order."""
    trends = trending(
        RecentReads(
            start=START,
            latest=latest,
            day=day or {},
            site_day=site_day,
            site_latest=sum(latest.values()) if site_latest is None else site_latest,
            young=young or {},
        )
    )
    assert all(each.reads == latest[each.article] for each in trends)
    return {each.article: (round(each.score, 3), round(each.expected, 3)) for each in trends}


def test_the_score_is_the_distance_in_standard_deviations() -> None:
    assert trend_score(17, 5.0) == 4.0  # 12 / √9
    assert trend_score(2, 0.0) == 1.0
    assert trend_score(0, 12.0) == -3.0


def test_the_two_hours_begin_at_a_quarter() -> None:
    for now in (
        datetime(2026, 11, 23, 14, 0, tzinfo=UTC),
        datetime(2026, 11, 23, 14, 14, 59, 999, tzinfo=UTC),
    ):
        assert start_of(trending_start(now)) == datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def test_what_is_expected_follows_the_sites_course() -> None:
    # The site had 960 reads in the day and has 480 in the two hours: half of the day's reads.
    assert found({"ls0001": 45}, {"ls0001": 10}, site_latest=480) == {
        "ls0001": (round(40 / 3, 3), 5.0)
    }
    # At night it has 48: a twentieth.
    assert found({"ls0001": 1}, {"ls0001": 10}, site_latest=48) == {
        "ls0001": (round(0.5 / 4.5**0.5, 3), 0.5)
    }


def test_an_article_that_only_follows_the_site_is_not_trending() -> None:
    assert found({"ls0001": 50}, {"ls0001": 100}, site_latest=480) == {}
    assert found({"ls0001": 49}, {"ls0001": 100}, site_latest=480) == {}


def test_the_most_unusual_comes_first_and_ties_go_by_id() -> None:
    latest = {"b": 20, "c": 20, "a": 20, "big": 1000}
    assert list(found(latest, {"big": 950}, site_latest=960)) == ["a", "b", "c", "big"]


def test_three_reads_of_a_forgotten_article_are_less_than_a_real_rise() -> None:
    latest = {"forgotten": 3, "rising": 60}
    assert list(found(latest, {"rising": 30}, site_latest=960)) == ["rising", "forgotten"]


def test_a_young_article_is_expected_to_have_the_mean_of_the_other_young_ones() -> None:
    latest = {"new1": 30, "new2": 21, "old1": 9}
    young = {"new1": START - 2, "new2": START + 1, "new3": START - 96}
    # e of new1 is (21 + 0) / 2 = 10.5, but the mean of the three that were read is 20; e of new2
    # is max((30 + 0) / 2, 20) = 20.
    assert found(latest, young=young) == {
        "new1": (round(10 / 24**0.5, 3), 20.0),
        "new2": (round(1 / 24**0.5, 3), 20.0),
        "old1": (4.5, 0.0),
    }
    latest |= {"new2": 90}
    assert found(latest, young=young)["new2"] == (round((90 - 43) / 47**0.5, 3), 43.0)
    assert "new1" not in found(latest, young=young)  # (90 + 0) / 2 = 45


def test_young_articles_without_reads_lower_the_mean_of_the_young_ones() -> None:
    latest = {"new1": 30, "new2": 20, **{f"old{n}": 1 for n in range(50)}}
    young = {"new1": START - 2, "new2": START + 1, "new3": START - 96}
    # The mean of all that were read is 100 / 52; e of new1 is (20 + 0) / 2.
    trends = found(latest, young=young)
    assert trends["new1"] == (round(20 / 14**0.5, 3), 10.0)
    assert trends["new2"] == (round(5 / 19**0.5, 3), 15.0)


def test_an_article_published_as_the_day_begins_has_the_whole_day() -> None:
    course = (100, *(0,) * 94, 100)
    latest = {"new1": 50, **{f"old{n}": 1 for n in range(50)}}
    published = {"new1": START - 96}, {"new1": START - 95}
    e = [
        found(latest, {"new1": 40}, site_day=course, young=young)["new1"][1] for young in published
    ]
    assert e == [20.0, 40.0]  # 40 · 100 / 200 or 100


def test_a_young_article_without_company_is_expected_to_have_the_sites_mean() -> None:
    assert found({"new1": 30, "old1": 10}, young={"new1": START}) == {
        "new1": (round(10 / 24**0.5, 3), 20.0),
        "old1": (5.0, 0.0),
    }
    assert found({"new1": 30}, young={"new1": START}) == {}


def test_a_young_articles_day_counts_from_its_publication() -> None:
    # Published when 12 of the 96 quarters were left: 120 of the site's reads, not 960.
    day, latest = {"new1": 6}, {"new1": 44, **{f"o{n}": 1 for n in range(43)}}
    assert found(latest, day, site_latest=240, young={"new1": START - 12})["new1"] == (8.0, 12.0)
    assert found(latest, day, site_latest=240)["new1"] == (round(42.5 / 5.5**0.5, 3), 1.5)


@pytest.mark.parametrize("published", [START, START + 8, START + 1000])
def test_reads_before_the_publication_expect_nothing(published: int) -> None:
    """An editor has moved the time of publication forward."""
    latest = {"new1": 12, **{f"o{n}": 1 for n in range(8)}}
    assert found(latest, {"new1": 50}, site_latest=18, young={"new1": published})["new1"] == (
        round(10 / 6**0.5, 3),
        2.0,
    )


def test_without_reads_nothing_is_trending() -> None:
    assert found({}) == {}
    assert found({}, {"ls0001": 7}, young={"ls0001": START}) == {}


def test_a_site_that_was_not_read_for_a_day_expects_nothing() -> None:
    assert found({"ls0001": 2}, site_day=(0,) * 96) == {"ls0001": (1.0, 0.0)}
