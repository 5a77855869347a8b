"""Every exported figure is that of a plain list of reads, while buckets move to the archive and new
reads are counted.
"""

import asyncio
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from luotdoc_subscriber.base.metrics import new_registry
from services.counter.archive.store import ArchiveStore
from services.stats.exporting.places import ExportPlaces
from services.stats.exporting.reads import ReadsExport
from services.stats.exporting.store import DaysStore
from services.stats.metrics import StatsMetrics
from services.stats.periods import Period
from services.stats.traffic.archive_export import ARCHIVE_COLUMNS, EVERY_QUARTER
from shared.base.errors import Unavailable
from shared.storage.quarters import PER_DAY, day_name, quarter_of, start_of
from tests.integration.conftest import Emptied
from tests.support.plain_traffic import PlainRead, PlainTraffic, PlainWriter, random_reads
from tests.support.system import until

NOW = datetime(2026, 11, 23, 5, 7, tzinfo=UTC)
TODAY = quarter_of(NOW)
KINDS = ("reader", "batch", "bot", "reload", "prefetch", "origin", "limit", "other")
ARTICLES = ["0", "00123", "a", "a0", "aa", "b", "c1", "d", "zz"]

Figures = Counter[tuple[str, int, str]]
"""Reads by article, quarter and class."""


class Exporting:
    """A database with reads, their plain list, and an export of it."""

    def __init__(self, emptied: Emptied) -> None:
        self.plain = PlainTraffic()
        self.db = emptied.db
        self.writer = PlainWriter(emptied.client, emptied.db, self.plain)
        self.mover = ArchiveStore(emptied.client, emptied.db)
        self.store = DaysStore(emptied.client, emptied.db)
        self.places = ExportPlaces(StatsMetrics(new_registry()))
        self.export = ReadsExport(self.store, self.places, lambda: NOW)

    async def rows(
        self, span: Period = EVERY_QUARTER, article: str | None = None
    ) -> list[dict[str, Any]]:
        rows = self.export.rows(span, ZoneInfo("UTC"), article)
        return [dict(zip(ARCHIVE_COLUMNS, row, strict=True)) async for row in rows if row]

    async def move_old(self) -> int:
        """Move everything that is older than 100 days, in any order."""
        found = self.db.buckets.find({"day": {"$lt": "2026-08-01"}, "article": {"$ne": "*"}})
        months = sorted({(each["article"], each["day"][:7]) async for each in found})
        random.Random(1).shuffle(months)
        return sum([await self.mover.move(article, month) for article, month in months])


def figures(
    reads: list[PlainRead], span: Period = EVERY_QUARTER, article: str | None = None
) -> Figures:
    found: Figures = Counter()
    for read in reads:
        if span[0] <= read.quarter < span[1] and article in (None, read.article):
            found[read.article, read.quarter, read.kind] += read.number
    return found


def exported(rows: list[dict[str, Any]]) -> Figures:
    """The figures of rows, each of which must add up, name its moment twice and have reads."""
    found: Figures = Counter()
    for row in rows:
        assert row["reads"] == row["reader"] + row["batch"]
        quarter = quarter_of(datetime.fromisoformat(row["start"]))
        assert row["time"] == start_of(quarter).timestamp() * 1000
        numbers = {kind: row[kind] for kind in KINDS if row[kind]}
        assert numbers
        for kind, number in numbers.items():
            found[row["article"], quarter, kind] += number
    places = [(row["article"], row["time"]) for row in rows]
    assert places == sorted(set(places))
    return found


@pytest.fixture
async def exporting(emptied: Emptied) -> Exporting:
    """A portal of 420 days."""
    one, chance = Exporting(emptied), random.Random(7)
    oldest = TODAY - 420 * PER_DAY
    for slot in range(4):
        reads = random_reads(chance, NOW, ARTICLES, 150, oldest=oldest)
        reads += [
            PlainRead(
                chance.choice(ARTICLES),
                chance.randrange(oldest, TODAY),
                chance.randrange(1, 9),
                chance.choice(KINDS),
            )
            for _ in range(250)
        ]
        await one.writer.count(reads, NOW, slot)
    return one


async def test_every_exported_figure_is_that_of_a_plain_list(exporting: Exporting) -> None:
    chance, compared = random.Random(3), 0
    for moved in (False, True):
        if moved:
            assert await exporting.move_old() > 500
        for _ in range(40):
            first = TODAY - chance.randrange(0, 430 * PER_DAY)
            span = chance.choice(
                (EVERY_QUARTER, (first, first + chance.randrange(1, 200 * PER_DAY)))
            )
            article = chance.choice((None, None, *ARTICLES))
            found = exported(await exporting.rows(span, article))
            assert found == figures(exporting.plain.reads, span, article), (span, article)
            compared += len(found)
    print(f"\n{compared} exported figures: 0 differ")
    assert compared > 10_000


async def test_figures_stay_exact_while_buckets_move_and_reads_are_counted(
    exporting: Exporting,
) -> None:
    """Each article's rows are those of the plain list after one and the same flush."""
    lengths, done = [len(exporting.plain.reads)], asyncio.Event()

    async def count() -> None:
        """Each flush counts a read of the past, one of now, and a filtered one."""
        for number in range(10_000):
            article = ARTICLES[number % len(ARTICLES)]
            old = TODAY - (110 + number * 7 % 300) * PER_DAY
            reads = [PlainRead(article, quarter, 1) for quarter in (old, TODAY)]
            reads.append(PlainRead(article, TODAY - number % 9, 2, "bot"))
            await exporting.writer.count(reads, NOW, number % 16)
            lengths.append(len(exporting.plain.reads))
            if done.is_set():
                return

    async def move() -> int:
        moved = 0
        while not done.is_set():
            moved += await exporting.move_old()
        return moved

    counting, moving = asyncio.create_task(count()), asyncio.create_task(move())
    compared = exports = 0
    while exports < 8 or len(lengths) < 60:
        at = len(lengths) - 1
        rows = await exporting.rows()
        seen = len(lengths)  # the export may have seen a flush that is not in the list yet
        await until(lambda length=seen: len(lengths) > length, 5, "one more flush")
        flushes = [figures(exporting.plain.reads[:length]) for length in lengths[at:]]
        found = exported(rows)
        for article in ARTICLES:
            own = {key: n for key, n in found.items() if key[0] == article}
            states = [{k: n for k, n in each.items() if k[0] == article} for each in flushes]
            assert own in states, article
            compared += len(own)
        exports += 1
    done.set()
    _, moved = await asyncio.gather(counting, moving)
    assert moved > 500
    print(
        f"\n{compared} figures in {exports} exports during {len(lengths) - 1} flushes and the move "
        f"of {moved} buckets: 0 differ"
    )


async def test_the_next_article_is_found_in_indexes_alone(exporting: Exporting) -> None:
    """MongoDB jumps from one article to the next, over those without reads in the span."""
    await exporting.move_old()
    await exporting.db.buckets.insert_many(
        [
            {"_id": f"b{n:04}/2026-11-01/0", "article": f"b{n:04}", "day": "2026-11-01", "slot": 0}
            for n in range(2000)
        ]
    )
    span = (TODAY - 3 * PER_DAY, TODAY)
    first, last = (day_name(quarter // PER_DAY) for quarter in (span[0], span[1] - 1))
    plan = await exporting.db.command(
        "explain",
        {
            "find": "buckets",
            "filter": {"article": {"$gt": "b"}, "day": {"$gte": first, "$lte": last}},
            "projection": {"_id": 0, "article": 1},
            "sort": {"article": 1},
            "hint": {"article": 1, "day": 1},
            "limit": 1,
        },
    )
    stats = plan["executionStats"]
    assert stats["totalDocsExamined"] == 0
    assert stats["totalKeysExamined"] < 2 * 2100
    async with exporting.store.snapshot() as session:
        found = await exporting.store.next_article(session, "b", span, archived=False)
    later = sorted(key[0] for key in figures(exporting.plain.reads, span) if key[0] > "b")
    assert found == later[0]


async def test_a_third_export_is_refused_and_a_place_is_free_again(exporting: Exporting) -> None:
    one, other = (exporting.export.rows(EVERY_QUARTER, ZoneInfo("UTC")) for _ in range(2))
    await anext(one)
    await anext(other)
    with pytest.raises(Unavailable, match="2 exports run") as refused:
        await exporting.rows()
    assert refused.value.retry_after == 10
    await one.aclose()
    assert await exporting.rows((TODAY, TODAY + 1), "zz") is not None
    await other.aclose()


async def test_an_export_that_ends_early_leaves_no_cursor(exporting: Exporting) -> None:
    async def cursors() -> int:
        status = await exporting.db.client.admin.command("serverStatus")
        return int(status["metrics"]["cursor"]["open"]["total"])

    reads = [PlainRead("a", TODAY - n * PER_DAY, 1) for n in range(400)]
    await exporting.writer.count(reads, NOW, 1)
    before = await cursors()
    async with exporting.store.snapshot() as session:
        days = exporting.store.days(session, "a", EVERY_QUARTER, archived=True)
        await anext(days)
        during = await cursors()
        await days.aclose()

    async def closed() -> bool:
        return await cursors() == before

    assert during > before
    # PyMongo's first attempt carries the session's snapshot, which MongoDB refuses; its next one,
    # of every second, does not.
    await until(closed, 5, "the cursor is closed")


async def test_an_article_that_was_never_read_has_no_rows(exporting: Exporting) -> None:
    assert await exporting.rows(EVERY_QUARTER, "nothing") == []
    assert await exporting.rows((TODAY + 1000, TODAY + 2000)) == []
    old = NOW - timedelta(days=430)
    assert await exporting.rows((0, quarter_of(old))) == []
