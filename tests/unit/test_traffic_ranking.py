"""Top lists of closed time and an open tail."""

import random

from services.stats.traffic.chunks import CHUNK
from services.stats.traffic.projections import add
from services.stats.traffic.ranking import Ranking
from services.stats.traffic.shares import add_quarters, by_section, reads_within


def everything(_article: str) -> bool:
    return True


async def test_most_reads_come_first_and_ties_by_id() -> None:
    ranking = Ranking({"b": 3, "a": 3, "c": 9})
    assert await ranking.top({}, 9, everything) == [("c", 9), ("a", 3), ("b", 3)]
    assert await ranking.top({}, 2, everything) == [("c", 9), ("a", 3)]


async def test_reads_of_the_tail_are_added() -> None:
    ranking = Ranking({"a": 3, "b": 2})
    assert await ranking.top({"b": 1, "new": 3}, 9, everything) == [("a", 3), ("b", 3), ("new", 3)]
    assert await ranking.top({"b": 9}, 1, everything) == [("b", 11)]
    assert await Ranking({}).top({"a": 1}, 9, everything) == [("a", 1)]


async def test_articles_that_are_not_listed_are_skipped() -> None:
    ranking = Ranking({"a": 9, "b": 8, "c": 7})
    assert await ranking.top({"a": 1, "x": 99}, 9, lambda each: each in {"b", "c"}) == [
        ("b", 8),
        ("c", 7),
    ]


async def test_the_list_is_not_looked_at_behind_its_limit() -> None:
    ranking = Ranking({f"a{n:04}": 10_000 - n for n in range(5_000)})
    asked: list[str] = []

    def listed(article: str) -> bool:
        asked.append(article)
        return True

    assert len(await ranking.top({"a0000": 1, "a4999": 1}, 10, listed)) == 10
    assert len(asked) <= 2 + 11


async def test_random_lists_are_those_of_a_plain_sort() -> None:
    chance = random.Random(3)
    for _ in range(60):
        names = [f"a{n}" for n in range(chance.randrange(1, 40))]
        base = {a: chance.randrange(1, 6) for a in names if chance.random() < 0.7}
        tail = {a: chance.randrange(0, 4) for a in names if chance.random() < 0.4}
        hidden = {a for a in names if chance.random() < 0.2}
        total = {a: base.get(a, 0) + tail.get(a, 0) for a in names if a not in hidden}
        plain = sorted(((-n, a) for a, n in total.items() if n))[:10]
        found = await Ranking(base).top(tail, 10, ({*names} - hidden).__contains__)
        assert found == [(a, -n) for n, a in plain]


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
