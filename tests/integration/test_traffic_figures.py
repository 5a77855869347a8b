"""Comparisons, what is not known, trending articles, classes and sources are those of a plain list
of reads (`tests.support.traffic_oracle`), which the counter's own flush has written: hostile
histories in several zones, looked at where a figure is most likely to be wrong.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest

from luotdoc_events.events import ArticlePublished, ArticleWithdrawn
from services.counter.store import CounterStore
from services.stats.answers import SeriesPoints
from services.stats.catalogue import change
from services.stats.parameters import SeriesParameters, TopParameters, TrendingParameters
from services.stats.traffic.compare import ComparedBy
from shared.base.errors import Problem
from shared.rabbit.batch import Batch, batch_id
from tests.integration.conftest import Emptied
from tests.integration.test_traffic_oracle import gauge
from tests.support.plain_traffic import PlainTraffic, PlainWriter
from tests.support.reporting import Reporting, reporting
from tests.support.traffic_histories import (
    TrafficHistory,
    flushes,
    hostile_history,
    read_groups,
    read_sources,
)
from tests.support.traffic_oracle import (
    CLASSES,
    DEVICES,
    NOT_KNOWN,
    PEOPLE,
    REFERRERS,
    ArticleChange,
    Read,
    TrafficOracle,
)
from tests.support.wall_clock import ODD_ZONES, PERIODS

WAYS: tuple[ComparedBy, ...] = get_args(ComparedBy)
NAMES = ("total", *PERIODS)
STEPS = {"hour": 60, "day": 700, "week": 3000, "month": 20_000}
"""By step: the hours of the longest series that is asked for."""


@dataclass
class Replay:
    """A history that is counted, and stats over it."""

    emptied: Emptied
    history: TrafficHistory
    now: datetime
    seconds: float = 0.0
    figures: int = 0
    revisions: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        client, db = self.emptied.client, self.emptied.db
        self.counter = CounterStore(client, db, lambda: self.now)
        self.stats = self.new()
        self.oracle: TrafficOracle = self.history.oracle()
        self.mover = PlainWriter(client, db, PlainTraffic())
        self.flushes: Iterator[tuple[datetime, list[Read]]] = iter(flushes(self.history.reads))
        self.changes: Iterator[ArticleChange] = iter(self.history.changes)
        self.next_flush, self.next_change = next(self.flushes, None), next(self.changes, None)
        self.sequence = 0

    def new(self) -> Reporting:
        """A stats that has just started."""
        client, db = self.emptied.client, self.emptied.db
        zone = ZoneInfo(self.history.zone)
        return reporting(client, db, lambda: self.now, zone, lambda: self.seconds)

    async def until(self, moment: datetime) -> None:
        """Count and publish all that is due at `moment`, with the clock of each."""
        while self.next_flush and self.next_flush[0] <= moment:
            self.now, reads = self.next_flush
            await self._count(reads)
            self.next_flush = next(self.flushes, None)
        while self.next_change and self.next_change.at <= moment:
            self.now = max(self.now, self.next_change.at)
            await self._publish(self.next_change)
            self.next_change = next(self.changes, None)
        self.now = moment

    async def _count(self, reads: list[Read]) -> None:
        self.sequence += 1
        name, minted = batch_id("e1", self.sequence), round(self.now.timestamp() * 1000)
        sources = tuple(read_sources(reads))
        batch = Batch(name, minted, read_groups(reads), sources=sources)
        flushed = await self.counter.flush([batch], self.sequence % 3)
        assert flushed.fresh == 1

    async def _publish(self, due: ArticleChange) -> None:
        fields: dict[str, Any] = {
            "id": due.article, "revision": self._revision(due.article), "slug": "s",
            "url": f"https://example.vn/{due.article}", "section": due.section, "body_html": "",
            "title": f"Bài {due.article}", "published_at": due.published_at,
            "modified_at": due.at, "reads_baseline": due.baseline,
        }  # fmt: skip
        assert await self.stats.store.apply(change(ArticlePublished.model_validate(fields)))
        if due.state == "withdrawn":
            gone = {"withdrawn_at": due.at, "revision": self._revision(due.article)}
            event = ArticleWithdrawn.model_validate(fields | gone)
            assert await self.stats.store.apply(change(event))

    def _revision(self, article: str) -> int:
        self.revisions[article] = self.revisions.get(article, 0) + 1
        return self.revisions[article]

    async def archive(self) -> None:
        """Move the months of articles that are old enough to the archive."""
        old = self.now - timedelta(days=131)
        months = {
            (read.article, f"{read.accepted:%Y-%m}")
            for read in self.history.reads
            if read.accepted < old and read.counted <= self.now and read.article
        }
        for article, month in sorted(months):
            await self.mover.archive(article, month)

    async def settled(self) -> None:
        """Let stats make what it has to make, as its background task would."""
        for _ in range(400):
            self.seconds += 100
            await self.stats.keeper.step()
            if gauge(self.stats, "luotdoc_traffic_projections_missing") == 0:
                break
        else:
            raise AssertionError("projections are missing")
        self.seconds += 100

    def same(self, found: Any, plain: Any, what: object) -> None:
        """Compare one figure, or several."""
        assert found == plain, (what, self.now.isoformat(), self.history.zone)
        self.figures += len(found) if isinstance(found, dict | list) else 1

    def same_beside(self, found: Any, by: str, plain: Any, what: str) -> None:
        """Compare the `compared` of an answer."""
        assert (found.by, found.through) == (by, _text(_through(self.now)))
        pairs = {name: getattr(found, name) for name in PERIODS}
        for name, pair in pairs.items():
            self.same([pair.reads, pair.before], list(plain[name]), (what, by, name))


def _through(now: datetime) -> datetime:
    return now.replace(minute=now.minute - now.minute % 15, second=0, microsecond=0)


def _text(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def _compare_periods(replay: Replay) -> None:
    reports, oracle, now = replay.stats.reports, replay.oracle, replay.now
    site = await reports.site()
    replay.same(site.since, _text(oracle.since(now)), "since")
    assert site.compared is None
    known, sections = oracle.catalogue(now), oracle.sections(now)
    for by in WAYS:
        beside = (await reports.site(by)).compared
        replay.same_beside(beside, by, oracle.compared(now, by), "site")
        for article in known:
            found = await reports.article(article, by)
            plain = oracle.article(article, now)
            assert plain is not None
            replay.same(found.counted, plain["counted"], article)
            replay.same({n: getattr(found, n) for n in PERIODS},
                        {n: plain[n] for n in PERIODS}, article)  # fmt: skip
            replay.same_beside(
                found.compared, by, oracle.compared(now, by, article=article), article
            )
        for section in sections:
            beside = (await reports.section(section, by)).compared
            plain_beside = oracle.compared(now, by, section=section)
            replay.same_beside(beside, by, plain_beside, section)


async def _compare_kinds(replay: Replay) -> None:
    reports, oracle, now = replay.stats.reports, replay.oracle, replay.now
    classes, sources = await reports.classes(), await reports.sources()
    assert [(each.class_, each.people) for each in classes.classes] == [
        (kind, kind in PEOPLE) for kind in CLASSES
    ]
    assert [each.referrer for each in sources.referrers] == [*REFERRERS, "not_known"]
    assert [each.device for each in sources.devices] == [*DEVICES, "not_known"]
    for rows, plain, what in (
        (classes.classes, oracle.classes(now), "class"),
        (sources.referrers, oracle.referrers(now), "referrer"),
        (sources.devices, oracle.devices(now), "device"),
    ):
        for row in rows:
            told = row.model_dump(by_alias=True)
            kind = NOT_KNOWN if told[what] == "not_known" else told[what]
            figures = {name: told[name] for name in NAMES}
            replay.same(figures, {name: plain[name][kind] for name in NAMES}, (what, kind))


async def _compare_trending(replay: Replay) -> int:
    """The number of trends."""
    oracle, now, number = replay.oracle, replay.now, 0
    for section in (None, *oracle.sections(now)):
        query = TrendingParameters(section=section, limit=100)
        found = await replay.stats.reports.trending(query)
        plain = oracle.trending(now, section or "")
        replay.same(
            [(i.article, i.title, i.reads, i.expected, i.score) for i in found.items],
            [
                (t.article, f"Bài {t.article}", t.reads, round(t.expected, 2), round(t.score, 2))
                for t in plain
            ],
            ("trending", section),
        )
        number += len(plain)
        few = await replay.stats.reports.trending(query.model_copy(update={"limit": 2}))
        assert few.items == found.items[:2]
        top = await replay.stats.reports.top(TopParameters(window="12mo", section=section))
        replay.same(
            [(item.article, item.reads) for item in top.items],
            oracle.top("12mo", now, section or "")[:10],
            ("12mo", section),
        )
    return number


async def _compare_series(replay: Replay, random: Random) -> int:
    """The number of points whose reads are not known."""
    oracle, now = replay.oracle, replay.now
    step = random.choice(list(STEPS))
    end = now + timedelta(hours=random.randrange(-STEPS[step], 40))
    start = end - timedelta(hours=random.randrange(1, STEPS[step]))
    zone = random.choice((replay.history.zone, *ODD_ZONES))
    kind = random.choice(CLASSES)
    asked: list[dict[str, str]] = [{}, {"class": kind}]
    if known := sorted(oracle.catalogue(now)):
        article = random.choice(known)
        asked += [{"article": article}, {"article": article, "class": kind}]
        asked.append({"section": random.choice(oracle.sections(now))})
    number = 0
    for chosen in asked:
        query = SeriesParameters.model_validate(
            {"step": step, "from": start.isoformat(), "to": end.isoformat(), "tz": zone, **chosen}
        )
        body = await replay.stats.reports.series(query)
        points = SeriesPoints.model_validate_json(body).points
        plain = oracle.series(
            step, start, end, now, zone=zone, article=chosen.get("article", ""),
            section=chosen.get("section", ""), kind=chosen.get("class", ""),
        )  # fmt: skip
        replay.same(
            [(point.time, point.reads) for point in points],
            [(round(moment.timestamp() * 1000), reads) for moment, reads in plain],
            (step, start, end, zone, chosen),
        )
        assert [datetime.fromisoformat(point.start).timestamp() * 1000 for point in points] == [
            point.time for point in points
        ]
        number += sum(reads is None for _, reads in plain)
    return number


@pytest.mark.parametrize(
    ("zone", "end", "days"),
    [  # the clock moves shortly before each end but the first
        ("Asia/Kathmandu", "2026-11-25T05:07", 1),
        ("Asia/Ho_Chi_Minh", "2028-03-01T03:00", 9),
        ("Australia/Lord_Howe", "2026-10-05T02:10", 9),
        ("Pacific/Apia", "2012-01-02T05:00", 9),
        ("America/Havana", "2026-11-02T12:00", 9),
    ],
)
async def test_comparisons_trends_and_kinds_are_those_of_a_plain_list(
    emptied: Emptied, zone: str, end: str, days: int
) -> None:
    last, random = datetime.fromisoformat(end).replace(tzinfo=UTC), Random(zone)
    history = hostile_history(3, zone, last, days, reads=600)
    looks = [look for number, look in enumerate(history.looks) if number % 3 == 0 or look == last]
    replay = Replay(emptied, history, looks[0])
    trends = unknown = 0
    for number, look in enumerate(looks):
        await replay.until(look)
        if number % 4 == 3:
            replay.stats = replay.new()
        if number % 3 == 2:
            await replay.archive()
        await replay.settled()
        await _compare_periods(replay)
        await _compare_kinds(replay)
        trends += await _compare_trending(replay)
        unknown += await _compare_series(replay, random)
    assert trends > (30 if days == 1 else 10)
    assert unknown > 50
    archived = await emptied.db.archive.count_documents({})
    assert archived > 3
    print(
        f"\n{zone}: {replay.figures} figures at {len(looks)} moments, {trends} trends, "
        f"{unknown} points not known, {archived} archived months: 0 differ"
    )


async def test_what_a_section_has_not_is_not_found(emptied: Emptied) -> None:
    now = datetime(2026, 11, 23, 5, 7, tzinfo=UTC)
    replay = Replay(emptied, hostile_history(1, "UTC", now, days=1, reads=1), now)
    with pytest.raises(Problem, match="no article is in this section"):
        await replay.stats.reports.trending(TrendingParameters(section="x"))
    with pytest.raises(Problem, match="no article is in this section"):
        await replay.stats.reports.section("x", "previous")
    with pytest.raises(Problem, match="no article has this id"):
        await replay.stats.reports.article("x", "previous")
    assert (await replay.stats.reports.trending(TrendingParameters())).items == []
