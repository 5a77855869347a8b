"""Every figure of the traffic store is that of a plain list of reads: random reads, late ones and
ones from the far past, moves to the archive, articles that change their section or are withdrawn,
in several zones and by two processes that write projections.

FIGURES is the number of figures that each test compares at least; default 3000.
"""

import os
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from luotdoc_events.events import ArticlePublished, ArticleWithdrawn
from services.stats.answers import SeriesPoints
from services.stats.catalogue import change
from services.stats.parameters import SeriesParameters, TopParameters
from services.stats.traffic.windows import FIXED
from shared.storage.quarters import quarter_of
from tests.integration.conftest import Emptied
from tests.support.plain_traffic import (
    PlainArticle,
    PlainTraffic,
    PlainWriter,
    calendar_periods,
    random_reads,
    rolling_windows,
)
from tests.support.reporting import Reporting, reporting
from tests.support.traffic_oracle import calendar_steps

FIGURES = int(os.environ.get("FIGURES", "3000"))
SECTIONS = ("tin", "van-hoa", "the-thao", "kinh-te")
ZONES = ("Asia/Ho_Chi_Minh", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns", "UTC")
KINDS = ("reader", "batch", "bot", "reload", "other", None)


@dataclass
class Portal:
    """Plain traffic, a database that counts it, and several stats over it."""

    emptied: Emptied
    zone: ZoneInfo
    now: datetime
    chance: random.Random
    seconds: float = 0.0
    compared: int = 0
    plain: PlainTraffic = field(default_factory=PlainTraffic)
    revisions: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.oldest = quarter_of(self.now - timedelta(days=420))
        self.writer = PlainWriter(self.emptied.client, self.emptied.db, self.plain)
        self.stats = [self.new() for _ in range(2)]

    def new(self) -> Reporting:
        """A process that has just started."""
        client, db = self.emptied.client, self.emptied.db
        return reporting(client, db, lambda: self.now, self.zone, lambda: self.seconds)

    async def publish(self, article: str, section: str) -> None:
        known = self.plain.articles.setdefault(article, PlainArticle(section))
        known.section, known.published = section, True
        known.baseline = self.chance.choice((0, 0, 100))
        fields: dict[str, Any] = {
            "id": article, "revision": self._next(article), "url": f"https://example.vn/{article}",
            "slug": "s", "section": section, "title": f"$Bài {article}", "body_html": "",
            "published_at": self.now, "modified_at": self.now, "reads_baseline": known.baseline,
        }  # fmt: skip
        assert await self.stats[0].store.apply(change(ArticlePublished.model_validate(fields)))

    async def withdraw(self, article: str) -> None:
        self.plain.articles[article].published = False
        event = ArticleWithdrawn(
            id=article,
            revision=self._next(article),
            url="https://example.vn/",
            withdrawn_at=self.now,
        )
        assert await self.stats[0].store.apply(change(event))

    def _next(self, article: str) -> int:
        self.revisions[article] = self.revisions.get(article, 0) + 1
        return self.revisions[article]

    async def settled(self, stats: Reporting) -> None:
        """Let a process make what it has to make, as its background task would."""
        for _ in range(400):
            self.seconds += 100
            await stats.keeper.step()
            if gauge(stats, "luotdoc_traffic_projections_missing") == 0:
                break
        else:
            raise AssertionError("projections are missing")
        self.seconds += 100

    def same(self, found: Any, plain: Any, what: object) -> None:
        assert found == plain, (what, self.now.isoformat(), self.zone.key)
        self.compared += len(found) if isinstance(found, list) else 1


def gauge(stats: Reporting, name: str) -> float:
    """The value of a metric without labels."""
    value = stats.registry.get_sample_value(name)
    assert value is not None, name
    return value


async def compare(portal: Portal, stats: Reporting) -> None:
    """Ask one process for everything, and compare it with the plain list."""
    portal.seconds += 100
    await stats.keeper.refreshed()
    periods = calendar_periods(portal.now, portal.zone)
    await _compare_site(portal, stats, periods)
    for article in portal.plain.articles:
        found = (await stats.reports.article(article)).model_dump()
        portal.same(found["counted"], portal.plain.total(article=article), article)
        for name, span in periods.items():
            portal.same(found[name], portal.plain.total(*span, article=article), (article, name))
    await _compare_sections(portal, stats, periods)
    await _compare_tops(portal, stats, periods)
    for _ in range(12):
        await _compare_series(portal, stats)


async def _compare_site(
    portal: Portal, stats: Reporting, periods: dict[str, tuple[int, int]]
) -> None:
    site = (await stats.reports.site()).model_dump()
    portal.same(site["counted"], portal.plain.total(), "counted")
    baseline = sum(each.baseline for each in portal.plain.articles.values())
    portal.same((site["baseline"], site["total"] - site["counted"]), (baseline, baseline), "site")
    for name, span in periods.items():
        portal.same(site[name], portal.plain.total(*span), name)


async def _compare_sections(
    portal: Portal, stats: Reporting, periods: dict[str, tuple[int, int]]
) -> None:
    articles = portal.plain.articles.values()
    held = sorted({each.section for each in articles})
    found = await stats.reports.sections()
    assert [each.section for each in found.sections] == held
    for each in found.sections:
        name, told = each.section, each.model_dump()
        published = sum(a.published for a in articles if a.section == name)
        portal.same(told["articles"], published, name)
        portal.same(told["counted"], portal.plain.total(section=name), name)
        for period, span in periods.items():
            plain = portal.plain.total(*span, section=name)
            portal.same(told[period], plain, (name, period))


async def _compare_tops(
    portal: Portal, stats: Reporting, periods: dict[str, tuple[int, int]]
) -> None:
    windows = rolling_windows(portal.now, portal.zone) | periods
    assert set(FIXED) <= windows.keys()
    for window, span in windows.items():
        for section in (None, *sorted({a.section for a in portal.plain.articles.values()})):
            top = await stats.reports.top(TopParameters(window=window, section=section, limit=100))
            found = [(item.article, item.reads) for item in top.items]
            portal.same(found, portal.plain.top(*span, section), (window, section))


async def _compare_series(portal: Portal, stats: Reporting) -> None:
    chance, chosen = portal.chance, dict[str, str | None]()
    step = chance.choice(("hour", "day", "week", "month"))
    end = portal.now + timedelta(hours=chance.randrange(-3000, 30))
    length = {"hour": 60, "day": 900, "week": 4000, "month": 9000}[step]
    start = end - timedelta(hours=chance.randrange(1, length))
    match chance.randrange(4):
        case 0:
            chosen = {
                "section": chance.choice(
                    sorted({a.section for a in portal.plain.articles.values()})
                )
            }
        case 1:
            chosen = {"article": chance.choice(sorted(portal.plain.articles))}
            chosen |= {"class": chance.choice(KINDS)}
        case 2:
            chosen = {"class": chance.choice(KINDS)}
    query = SeriesParameters.model_validate(
        {"step": step, "from": start.isoformat(), "to": end.isoformat(),
         "tz": chance.choice(ZONES), **chosen}
    )  # fmt: skip
    found = SeriesPoints.model_validate_json(await stats.reports.series(query))
    starts = [quarter_of(datetime.fromisoformat(point.start)) for point in found.points]
    zone = query.tz or portal.zone.key
    expected = list(calendar_steps(step, start, end, zone))
    assert starts == [each.start for each in expected], query
    plain = [
        portal.plain.total(a, b, article=query.article, section=query.section, kind=query.class_)
        or (0 if portal.plain.is_known(a, b, portal.now) else None)
        for a, b in ((each.start, each.stop) for each in expected)
    ]
    portal.same([point.reads for point in found.points], plain, query)


async def _live(portal: Portal, articles: list[str]) -> None:
    """A while of the portal's life."""
    chance = portal.chance
    portal.now += chance.choice(
        (timedelta(minutes=7), timedelta(hours=1), timedelta(hours=5), timedelta(days=1, hours=3))
    )
    for _ in range(chance.randrange(1, 4)):
        reads = random_reads(chance, portal.now, articles, 40, oldest=portal.oldest)
        await portal.writer.count(reads, portal.now, chance.randrange(16))
    if chance.random() < 0.5:
        await portal.publish(chance.choice(articles[:-1]), chance.choice(SECTIONS))
    if chance.random() < 0.2:
        await portal.withdraw(chance.choice(sorted(portal.plain.articles)))
    for article in articles:
        old = portal.now - timedelta(days=chance.randrange(130, 420))
        await portal.writer.archive(article, f"{old:%Y-%m}")


@pytest.mark.parametrize(
    ("zone", "now"),
    [
        ("Asia/Ho_Chi_Minh", "2026-11-22T15:50:00"),
        ("Asia/Kathmandu", "2026-12-30T17:00:00"),
        ("Australia/Lord_Howe", "2026-10-02T20:00:00"),
        ("Pacific/Apia", "2011-12-28T08:00:00"),
    ],
)
async def test_every_figure_is_that_of_a_plain_list(emptied: Emptied, zone: str, now: str) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    portal = Portal(emptied, ZoneInfo(zone), moment, random.Random(zone))
    articles = [f"a{number}" for number in range(14)]
    for article in articles[:-1]:  # the last one is never published
        await portal.publish(article, portal.chance.choice(SECTIONS))
    rounds = 0
    while portal.compared < FIGURES:
        rounds += 1
        await _live(portal, articles)
        if rounds % 3 == 0:
            portal.stats[rounds % 2] = portal.new()
        stats = portal.stats[portal.chance.randrange(2)]
        if portal.chance.random() < 0.7:
            await portal.settled(stats)
        await _compare_or_wait(portal, stats)
    held = await emptied.db.projections.count_documents({"kind": {"$in": ["hour", "day", "month"]}})
    assert held > 0
    assert [gauge(each, "luotdoc_traffic_projections_wrong") for each in portal.stats] == [0, 0]
    print(
        f"\n{zone}: {portal.compared} figures in {rounds} rounds, {len(portal.plain.reads)} groups "
        f"of reads, {held} projections: 0 differ"
    )


async def _compare_or_wait(portal: Portal, stats: Reporting) -> None:
    """Sections are compared once those that changed are moved, and not before too many days are
    made: the process says itself that they are not ready.
    """
    portal.seconds += 100
    if await stats.sections.moving(1) or (await stats.keeper.refreshed()).courses is None:
        await portal.settled(stats)
    await compare(portal, stats)
