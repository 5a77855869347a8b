"""The trending articles of a view: those of the formula, in each section, and without a pause."""

import asyncio
import random
from datetime import UTC, datetime

from services.stats.traffic.chunks import CHUNK
from services.stats.traffic.course import Course, LongCourse
from services.stats.traffic.ranking import Ranking
from services.stats.traffic.sections.listed import Listed, ListedArticles, listed_article
from services.stats.traffic.shares import add_quarters
from services.stats.traffic.site_courses import SiteCourses
from services.stats.traffic.trending import RecentReads, Trend, rank, trending, trending_start
from services.stats.traffic.trends import DAY_BEFORE, LATEST, Trends, trend_spans, trends_at
from services.stats.traffic.windows import NEVER
from shared.storage.counts import NOTHING
from shared.storage.quarters import quarter_of

NOW = datetime(2026, 11, 23, 5, 7, tzinfo=UTC)
START = trending_start(NOW)
Rows = list[tuple[str, int, int]]


def totals(rows: Rows, first: int, end: int) -> dict[str, int]:
    found: dict[str, int] = {}
    for article, quarter, reads in rows:
        if first <= quarter < end:
            found[article] = found.get(article, 0) + reads
    return found


def made(rows: Rows, articles: dict[str, Listed], closed: int) -> Trends:
    """The trends of rows (article, quarter, reads), with time closed until the quarter `closed`."""
    spans = trend_spans(NOW)
    rankings = {
        name: Ranking(totals(rows, first, min(end, closed))) for name, (first, end) in spans.items()
    }
    tail: dict[str, dict[int, int]] = {}
    for article, quarter, reads in rows:
        if quarter >= closed:
            add_quarters(tail, article, [(quarter, reads)])
    quarters: dict[int, int] = {}
    for _, quarter, reads in rows:
        quarters[quarter] = quarters.get(quarter, 0) + reads
    course = LongCourse(Course.of(quarters), Course(0))
    site = SiteCourses(closed, 0, {}, {("reads", ""): course}, NOTHING, 0)
    trends = trends_at(NOW, rankings, tail, site, ListedArticles(articles))
    assert trends is not None
    return trends


def plain(rows: Rows, articles: dict[str, Listed]) -> list[Trend]:
    """All trends, by the formula alone."""
    begin = START - 96
    day, latest = totals(rows, begin, START), totals(rows, START, NEVER)
    known = {name: held.published_in for name, held in articles.items()}
    return trending(
        RecentReads(
            start=START,
            latest=latest,
            day=day,
            site_day=[
                sum(n for _, q, n in rows if q == quarter) for quarter in range(begin, START)
            ],
            site_latest=sum(latest.values()),
            young={name: q for name, q in known.items() if q is not None and q >= begin},
        )
    )


def some_rows(chance: random.Random, names: list[str]) -> Rows:
    return [
        (chance.choice(names), START + chance.randrange(-120, 20), chance.randrange(1, 30))
        for _ in range(len(names) * 6)
    ]


async def test_lists_are_those_of_the_formula_wherever_time_is_closed() -> None:
    chance = random.Random(3)
    names = [f"a{number}" for number in range(CHUNK + 60)]
    articles = {
        name: Listed(
            chance.random() < 0.8, chance.choice("xyz"), 0,
            chance.choice((None, START - 900, START - chance.randrange(-5, 120))),
        )
        for name in names[:-20]  # the others are not known
    }  # fmt: skip
    rows = some_rows(chance, names)
    expected = [
        each for each in plain(rows, articles)
        if each.article in articles and articles[each.article].published
    ]  # fmt: skip
    assert len(expected) > 100
    for closed in (START - 20, START - 4, START, START + 3):
        lists = await made(rows, articles, closed).lists()
        assert lists[None] == expected[:100]
        assert set(lists) == {None, "x", "y", "z"}
        for section in "xyz":
            inside = [each for each in expected if articles[each.article].section == section]
            assert lists[section] == inside[:100], (section, closed)


async def test_a_section_with_thousands_of_trends_has_the_first_hundred() -> None:
    names = [f"a{number:04}" for number in range(2500)]
    articles = {name: Listed(True, "x", 0, 0) for name in names}
    rows = [(name, START, 1 + number % 7) for number, name in enumerate(names)]
    lists = await made(rows, articles, START).lists()
    expected = sorted(plain(rows, articles), key=rank)[:100]
    assert lists == {None: expected, "x": expected}
    assert [each.article for each in expected[:2]] == ["a0006", "a0013"]


async def test_they_are_computed_once_however_many_ask() -> None:
    trends = made([("a", START, 5)], {"a": Listed(True, "x", 0, None)}, START)
    first, *others = await asyncio.gather(*(trends.lists() for _ in range(5)))
    assert all(each is first for each in others)
    assert await trends.lists() is first


async def test_a_caller_that_goes_away_takes_nothing_along() -> None:
    rows = some_rows(random.Random(1), [f"a{number}" for number in range(3000)])
    trends = made(rows, {}, START)
    asked = asyncio.create_task(trends.lists())
    await asyncio.sleep(0)
    asked.cancel()
    assert await trends.lists() == {None: []}


async def test_other_work_runs_between_chunks() -> None:
    chance = random.Random(2)
    names = [f"a{number}" for number in range(20 * CHUNK)]
    trends = made([(name, START, chance.randrange(1, 9)) for name in names], {}, START)
    asked, turns = asyncio.create_task(trends.lists()), 0
    while not asked.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns > 2 * 20  # once for each chunk of the tail, and of those that were read


def test_trends_wait_for_both_windows() -> None:
    site = SiteCourses(START, 0, {}, {}, NOTHING, 0)
    for ready in ({}, {DAY_BEFORE: Ranking({})}, {LATEST: Ranking({})}):
        assert trends_at(NOW, ready, {}, site, ListedArticles({})) is None


def test_the_windows_of_trends_meet_at_the_start() -> None:
    assert trend_spans(NOW) == {DAY_BEFORE: (START - 96, START), LATEST: (START, NEVER)}


def test_an_article_is_listed_with_the_quarter_of_its_publication() -> None:
    held = {"state": "published", "section": "a", "baseline": 7, "published_at": NOW}
    assert listed_article(held) == Listed(True, "a", 7, quarter_of(NOW))
    withdrawn = {**held, "state": "withdrawn", "counted_in": "b", "published_at": None}
    assert listed_article(withdrawn) == Listed(False, "b", 7, None)
