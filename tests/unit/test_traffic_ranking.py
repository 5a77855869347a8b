"""Top lists of closed time and an open tail."""

import random
from collections.abc import Collection
from dataclasses import replace

from services.stats.traffic.chunks import CHUNK
from services.stats.traffic.projections import add
from services.stats.traffic.ranking import Ranking
from services.stats.traffic.sections.listed import Listed, ListedArticles
from services.stats.traffic.shares import add_quarters, by_section, reads_within


def listing(sections: dict[str, str], hidden: Collection[str] = ()) -> ListedArticles:
    """Articles by id with their sections; those of `hidden` are not published."""
    return ListedArticles(
        {
            article: Listed(article not in hidden, section, baseline=0, published_in=0)
            for article, section in sections.items()
        }
    )


ALL = listing(dict.fromkeys(("a", "b", "c", "new"), "tin"))


async def test_most_reads_come_first_and_ties_by_id() -> None:
    ranking = Ranking({"b": 3, "a": 3, "c": 9})
    assert await ranking.top({}, 9, None, ALL) == [("c", 9), ("a", 3), ("b", 3)]
    assert await ranking.top({}, 2, None, ALL) == [("c", 9), ("a", 3)]


async def test_reads_of_the_tail_are_added() -> None:
    ranking = Ranking({"a": 3, "b": 2})
    assert await ranking.top({"b": 1, "new": 3}, 9, None, ALL) == [("a", 3), ("b", 3), ("new", 3)]
    assert await ranking.top({"b": 9}, 1, None, ALL) == [("b", 11)]
    assert await Ranking({}).top({"a": 1}, 9, None, ALL) == [("a", 1)]


async def test_articles_that_are_not_published_or_not_known_are_skipped() -> None:
    ranking = Ranking({"a": 9, "b": 8, "c": 7, "x": 99})
    listed = listing(dict.fromkeys("abc", "tin"), hidden="a")
    for section in (None, "tin"):
        assert await ranking.top({}, 9, section, listed) == [("b", 8), ("c", 7)]


async def test_a_section_has_its_own_articles_and_follows_the_catalogue() -> None:
    ranking = Ranking({"a": 9, "b": 8, "c": 7})
    listed = listing({"a": "tin", "b": "van-hoa", "c": "tin", "new": "tin"})
    assert await ranking.top({"c": 3, "new": 1}, 9, "tin", listed) == [
        ("c", 10),
        ("a", 9),
        ("new", 1),
    ]
    assert await ranking.top({}, 9, "van-hoa", listed) == [("b", 8)]
    assert await ranking.top({}, 9, "the-thao", listed) == []
    moved = replace(
        listing({"a": "van-hoa", "b": "van-hoa", "c": "tin"}), arrangement=listed.arrangement + 1
    )
    assert await ranking.top({}, 9, "van-hoa", moved) == [("a", 9), ("b", 8)]
    assert await ranking.top({}, 9, "tin", moved) == [("c", 7)]


class Asked(ListedArticles):
    """Notes how many articles are looked up."""

    times = 0

    def is_published(self, article: str) -> bool:
        type(self).times += 1
        return super().is_published(article)


async def test_the_list_is_not_looked_at_behind_its_limit() -> None:
    ranking = Ranking({f"a{n:04}": 10_000 - n for n in range(5_000)})
    listed = Asked(listing({f"a{n:04}": "tin" for n in range(5_000)}).articles)
    for section in (None, "tin"):
        Asked.times = 0
        assert len(await ranking.top({"a0000": 1, "a4999": 1}, 10, section, listed)) == 10
        assert Asked.times <= 2 + 11


async def test_random_lists_are_those_of_a_plain_sort() -> None:
    chance = random.Random(3)
    for _ in range(60):
        names = [f"a{n}" for n in range(chance.randrange(1, 40))]
        sections = {a: chance.choice(("tin", "van-hoa")) for a in names}
        base = {a: chance.randrange(1, 6) for a in names if chance.random() < 0.7}
        hidden = {a for a in names if chance.random() < 0.2}
        ranking, listed = Ranking(base), listing(sections, hidden)
        for section in (None, "tin", "van-hoa"):
            shown = {a for a in names if section in (None, sections[a])} - hidden
            tail = {a: chance.randrange(0, 4) for a in sorted(shown) if chance.random() < 0.4}
            total = {a: base.get(a, 0) + tail.get(a, 0) for a in shown}
            plain = sorted(((-n, a) for a, n in total.items() if n))[:10]
            assert await ranking.top(tail, 10, section, listed) == [(a, -n) for n, a in plain]


def test_sums_are_added_and_taken_away_and_nothing_is_left_of_zero() -> None:
    held = {"a": 3, "b": 1}
    add(held, {"b": 2, "c": 4})
    assert held == {"a": 3, "b": 3, "c": 4}
    add(held, {"a": 3, "c": 1}, -1)
    assert held == {"b": 3, "c": 3}


OPEN = {"a": {10: 9, 12: 2}, "b": {11: 4}}


def test_open_reads_are_added_up_by_article_and_quarter() -> None:
    found: dict[str, dict[int, int]] = {}
    for article, *part in (("a", 10, 1), ("a", 12, 2), ("b", 11, 4), ("a", 10, 8)):
        add_quarters(found, article, [(part[0], part[1])])
    assert found == OPEN
    assert reads_within(OPEN, 11, 13) == {"a": 2, "b": 4}
    assert reads_within(OPEN, 12, 13) == {"a": 2}
    assert reads_within(OPEN, 0, 10) == {}


async def test_open_reads_are_added_up_by_section() -> None:
    rows = {"a": {10: 1}, "b": {10: 2}, "c": {11: 4}, "x": {11: 8}}
    sections = {"a": "tin", "b": "tin", "c": "van-hoa"}
    assert await by_section(rows, lambda a: sections.get(a, "")) == {
        "tin": {10: 3},
        "van-hoa": {11: 4},
        "": {11: 8},
    }
    many = {f"a{n}": {10: 1, 11 + n % 2: 2} for n in range(3 * CHUNK + 1)}
    assert await by_section(many, lambda _: "tin") == {"tin": {10: 1501, 11: 1502, 12: 1500}}
