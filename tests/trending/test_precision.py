"""The formula of trending articles beside others, on the simulated portal of `make trending-check`:
one history at each difficulty, with a fixed seed.
"""

from random import Random

import pytest

from tests.trending.__main__ import complaints
from tests.trending.formulas import recent_reads
from tests.trending.plot import svg
from tests.trending.portal import (
    DIFFICULTIES,
    OTHERS,
    PORTAL,
    WARM_UP_HOURS,
    Difficulty,
    poisson,
    simulate,
)
from tests.trending.precision import POSSIBLE, Precision, first, precisions

SMALL = OTHERS[0]


@pytest.mark.parametrize("difficulty", DIFFICULTIES, ids=lambda each: each.name)
def test_ours_finds_more_bursts_than_wikitrends_and_z_scores(difficulty: Difficulty) -> None:
    found = precisions(PORTAL, difficulty, seed=1, days=1)
    print({name: round(each.bursting, 2) for name, each in found.items()})
    assert complaints(found) == []
    assert found[POSSIBLE].bursting == 1.0


def test_a_seed_gives_the_same_history_and_another_one_another() -> None:
    a, b, c = (simulate(SMALL, DIFFICULTIES[2], seed, days=0) for seed in (1, 1, 2))
    assert a == b
    assert a.site != c.site


def test_bursts_are_in_the_reads_and_have_the_size_that_was_drawn() -> None:
    history = simulate(SMALL, DIFFICULTIES[0], 1, days=0)
    bursts = [each for each in history.articles if len(each.bursts) == 1 and each.bursts[0] < 140]
    sizes = [sum(each.extra.values()) for each in bursts]
    assert min(sizes) >= 60
    assert max(sizes) > 2000  # 2000 in the first two hours, and more afterwards
    read = sum(each.reads[hour] for each in bursts for hour in each.extra)
    meant = sum(sizes) + sum(sum(each.usual.values()) for each in bursts)
    assert read == pytest.approx(meant, rel=0.05)


def test_a_burst_is_on_until_it_brings_less_than_the_article_has_without_it() -> None:
    history = simulate(SMALL, DIFFICULTIES[0], 1, days=0)
    article = next(each for each in history.articles if each.bursts and each.bursts[0] > 60)
    hour = int(article.bursts[0])
    article.bursts, article.extra, article.usual = [hour + 0.5], {hour: 9, hour + 1: 8}, {}
    article.usual = {hour: 3.0, hour + 1: 13.0, hour + 2: 9.0}

    def of(at: int) -> tuple[bool, bool]:
        return article.name in history.bursting(at), article.name in history.beginning(at)

    assert [of(hour + n) for n in range(-1, 4)] == [
        (False, False),
        (True, True),  # 9 beside 3
        (True, True),  # 17 beside 16
        (False, False),  # 8 beside 22
        (False, False),
    ]


def test_the_product_is_asked_with_what_it_would_know() -> None:
    history = simulate(SMALL, DIFFICULTIES[1], 1, days=0)
    hour = WARM_UP_HOURS - 1
    recent = recent_reads(history, hour)
    assert recent.site_latest == sum(recent.latest.values())
    assert sum(recent.site_day) == sum(recent.day.values())
    assert len(recent.site_day) == 96
    assert 5 < len(recent.young) < 30


def test_poisson_has_its_mean_and_its_variance() -> None:
    random = Random(1)
    for mean in (0.3, 7.0, 200.0):
        drawn = [poisson(random, mean) for _ in range(20_000)]
        middle = sum(drawn) / len(drawn)
        assert middle == pytest.approx(mean, rel=0.03)
        assert sum((n - middle) ** 2 for n in drawn) / len(drawn) == pytest.approx(mean, rel=0.05)


def test_the_first_are_those_with_the_highest_scores_ties_by_id() -> None:
    scores = {f"a{n:02}": 1.0 for n in range(40)} | {"z": 2.0}
    assert first(scores) == {"z", *(f"a{n:02}" for n in range(29))}


def test_a_lead_that_is_too_small_is_a_complaint() -> None:
    ours, theirs = Precision(0.5, 0), Precision(0.43, 0)
    found = {"(c - e) / √(e + 4)": ours, "Wikitrends, x": theirs, "z-score, x": Precision(0.2, 0)}
    assert complaints(found) == ["ours 0.50, Wikitrends, x 0.43"]
    assert complaints(found | {"Wikitrends, x": Precision(0.41, 0)}) == []


def test_the_picture_has_a_bar_for_each_formula_and_difficulty() -> None:
    results = {
        level: {"a < b": Precision(0.5, 0.25), POSSIBLE: Precision(1, 1)}
        for level in ("easy", "medium", "hard")
    }
    drawn = svg(results, "a title")
    assert drawn.count('width="285.0"') == 3  # half of 860 - 250 - 40
    assert "a &lt; b" in drawn
    assert "possible" not in drawn
