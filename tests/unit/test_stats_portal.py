"""What stats stores for render's pages: of one moment, when it has changed, and never too old."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from luotdoc_subscriber.base.metrics import new_registry
from services.stats.metrics import StatsMetrics
from services.stats.portal.writer import PortalWriter, article_lists, site_figures
from services.stats.traffic.course import Course, LongCourse
from services.stats.traffic.keeper import Keeper
from services.stats.traffic.ranking import Ranking
from services.stats.traffic.sections.listed import Listed, ListedArticles
from services.stats.traffic.site_buckets import READS
from services.stats.traffic.site_courses import SiteCourses
from services.stats.traffic.trends import DAY_BEFORE, LATEST, trends_at
from services.stats.traffic.view import View
from services.stats.traffic.windows import NEVER
from shared.storage.counts import Total
from shared.storage.quarters import quarter_of
from shared.storage.versions import Document

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
MIDNIGHT = datetime(2026, 11, 24, tzinfo=HANOI)
"""The begin of a Tuesday."""
NOBODY: Any = None


def at(hours: float) -> datetime:
    """A moment, in hours from midnight."""
    return MIDNIGHT + timedelta(hours=hours)


def view(now: datetime, reads: Mapping[float, int], counted: Total | None = None) -> View:
    """A view of a site with `reads` in the quarters that begin so many hours from midnight."""
    quarters: dict[int, int] = {}
    for hours, number in reads.items():
        quarters[quarter_of(at(hours))] = number
    course = LongCourse(Course.of(quarters), Course(0))
    counted = counted or Total(0, sum(reads.values()))
    site = SiteCourses(0, 0, {}, {READS: course}, counted, 1)
    return View(now, site, {}, {}, {}, ListedArticles({}), None, None)


def with_articles(held: View, reads: Mapping[str, int], withdrawn: str = "") -> View:
    """The view with reads by article, all in the last two hours."""
    listed = ListedArticles(
        {a: Listed(a != withdrawn, "tin", 0, quarter_of(at(-48))) for a in [*reads, withdrawn]}
    )
    rankings = {"24h": Ranking(dict(reads)), "1h": Ranking({})}
    rankings |= {LATEST: Ranking(dict(reads)), DAY_BEFORE: Ranking({})}
    site = replace(held.site, closed=quarter_of(held.as_of))
    trends = trends_at(held.as_of, rankings, {}, site, listed)
    spans = {"24h": (0, NEVER), "1h": (0, NEVER)}
    return replace(
        held, site=site, spans=spans, rankings=rankings, listed=listed, trends=trends, tail={}
    )


class Showing(Keeper):
    """A keeper whose views the test makes, and a writer with what it has stored."""

    def __init__(self) -> None:
        metrics = StatsMetrics(new_registry())
        super().__init__(
            NOBODY, NOBODY, NOBODY, NOBODY, metrics, lambda: self.now, HANOI, lambda: self.seconds
        )
        self.now, self.seconds = at(12), 1000.0
        self.readers: int | None = 7
        self.written: list[dict[str, Document]] = []
        self.writer = PortalWriter(
            self, lambda: self.readers, self._note, HANOI, lambda: self.seconds
        )

    async def _note(self, documents: Mapping[str, Document], as_of: datetime) -> None:
        self.written.append({name: {**each, "as_of": as_of} for name, each in documents.items()})

    async def pass_by(self, seconds: int) -> list[list[str]]:
        """The ids that are stored in each step that stores any, while a view is made again and
        again without any change.
        """
        before = len(self.written)
        for _ in range(seconds):
            self.now += timedelta(seconds=1)
            self.seconds += 1
            if self.view:
                self.view = replace(self.view, as_of=self.now)
            await self.writer.step()
        return [[*each] for each in self.written[before:]]


def test_the_site_s_figures_are_those_of_the_calendar_in_its_zone() -> None:
    reads = {-24: 1, -23.75: 2, -0.25: 4, 0: 8, 11: 16, -24 * 23: 32, -24 * 23.5: 64, -24 * 300: 1}
    held = view(at(12), reads, Total(2, 200))
    assert site_figures(held, HANOI) == {
        "counted": 200,
        "generation": 2,
        "today": 24,
        "yesterday": 7,
        "week": 31,
        "month": 63,
        "year": 128,
    }


def test_a_day_turns_at_midnight() -> None:
    reads = {-1: 5, -0.25: 2, 0: 1}
    seen = {}
    for second in (-1, 0):
        figures = site_figures(view(MIDNIGHT + timedelta(seconds=second), reads), HANOI)
        seen[second] = figures["today"], figures["yesterday"], figures["week"]
    # A read of an ingest whose clock is ahead is one of tomorrow until the day turns.
    assert seen == {-1: (7, None, 7), 0: (1, 7, 8)}


def test_a_yesterday_before_the_first_read_is_not_known() -> None:
    """The day of the first read begins at 07:00 in Hanoi, with the day in UTC."""
    for first, known in ((6, 0), (8, None), (-10, 1), (-20, 1)):
        figures = site_figures(view(at(12), {first: 1}), HANOI)
        assert figures["yesterday"] == known, first
    never = site_figures(view(at(12), {}), HANOI)
    assert (never["today"], never["yesterday"]) == (0, None)


async def test_lists_have_published_articles_in_the_order_of_the_answers() -> None:
    reads = {"a": 5, "b": 9, "c": 5, "gone": 100}
    held = with_articles(view(at(12), {10: 119}), reads, withdrawn="gone")
    found = await article_lists(held)
    assert found["top:24h"] == {"items": [["b", 9], ["a", 5], ["c", 5]]}
    assert [article for article, _ in found["trending"]["items"]] == ["b", "a", "c"]
    assert {*found} == {"top:24h", "trending"}  # other windows are not ready, or not for pages
    many = {f"a{number:03}": 1 for number in range(150)}
    found = await article_lists(with_articles(view(at(12), {10: 150}), many))
    assert len(found["top:24h"]["items"]) == 100
    assert await article_lists(view(at(12), {})) == {}


async def test_what_has_not_changed_is_stored_again_each_twenty_seconds() -> None:
    one = Showing()
    assert await one.pass_by(3) == []  # there is no view yet
    one.view = with_articles(view(one.now, {10: 9}), {"a": 9})
    assert await one.pass_by(1) == [["site", "online", "top:24h", "trending"]]
    assert await one.pass_by(19) == []
    assert await one.pass_by(1) == [["site", "online", "top:24h", "trending"]]
    last = one.written[-1]
    assert (last["site"]["today"], last["site"]["as_of"]) == (9, one.now)
    assert last["online"] == {"online": 7, "as_of": one.now}
    assert len(await one.pass_by(60)) == 3


async def test_what_has_changed_is_stored_within_seconds() -> None:
    one = Showing()
    one.view = view(one.now, {10: 9})
    assert await one.pass_by(1) == [["site", "online"]]
    one.readers = 8
    assert await one.pass_by(4) == []
    assert await one.pass_by(1) == [["online"]]
    assert one.written[-1]["online"]["online"] == 8
    one.view = with_articles(view(one.now, {10: 9}), {"a": 9})
    assert await one.pass_by(5) == [["top:24h", "trending"]]
    one.view = with_articles(view(one.now, {10: 10}), {"b": 10})
    stored = [name for each in await one.pass_by(6) for name in each]
    assert sorted(stored) == ["site", "top:24h", "trending"]


async def test_readers_online_that_are_not_known_are_left_to_another_stats() -> None:
    one = Showing()
    one.view, one.readers = view(one.now, {10: 9}), None
    assert await one.pass_by(30) == [["site"], ["site"]]


async def test_a_day_turn_is_stored_within_seconds() -> None:
    one = Showing()
    one.now = MIDNIGHT - timedelta(seconds=3)
    one.view = view(one.now, {-2: 4})
    await one.pass_by(1)
    assert one.written[-1]["site"]["today"] == 4
    await one.pass_by(8)
    site = one.written[-1]["site"]
    assert (site["today"], site["yesterday"], site["week"]) == (0, 4, 4)
    assert site["as_of"].astimezone(UTC) < MIDNIGHT + timedelta(seconds=6)


async def test_an_old_view_is_not_stored_as_a_new_one() -> None:
    one = Showing()
    one.view = view(one.now, {10: 9})
    one.now += timedelta(seconds=61)
    await one.writer.step()
    assert one.written == []
    one.now -= timedelta(seconds=2)
    await one.writer.step()
    assert len(one.written) == 1
