"""The archive's days as rows."""

from collections.abc import AsyncGenerator, Iterable
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.stats.traffic.archive_export import (
    ARCHIVE_COLUMNS,
    ArticleDay,
    archive_rows,
    bucket_day,
    days_of_archive,
    merged_days,
)
from shared.storage.quarters import day_number

UTC_ZONE = ZoneInfo("UTC")


class Stream:
    """A stream of days, and whether it was closed."""

    def __init__(self, days: Iterable[ArticleDay]) -> None:
        self._days, self.closed = days, False

    async def days(self) -> AsyncGenerator[ArticleDay, None]:
        try:
            for day in self._days:
                yield day
        finally:
            self.closed = True


def stream(*days: ArticleDay) -> AsyncGenerator[ArticleDay, None]:
    return Stream(days).days()


def day(article: str, name: str, reads: int = 1) -> ArticleDay:
    return ArticleDay(article, name, {"5": reads}, {})


async def merged(*streams: AsyncGenerator[ArticleDay, None]) -> list[tuple[str, str, int]]:
    return [(each.article, each.day, each.q["5"]) async for each in merged_days(*streams)]


def rows(day: ArticleDay, zone: ZoneInfo = UTC_ZONE, **span: Any) -> list[dict[str, Any]]:
    """The rows by column, without what is 0."""
    found = [
        dict(zip(ARCHIVE_COLUMNS, row, strict=True)) for row in archive_rows(day, zone, **span)
    ]
    return [
        {name: value for name, value in row.items() if value not in (0, "UTC")} for row in found
    ]


def test_each_quarter_with_reads_is_a_row_in_order() -> None:
    found = rows(ArticleDay("ls0001", "2026-11-23", {"10": 3, "9": 2}, {"bot": {"95": 4}}))
    assert [(row["start"], row["time"]) for row in found] == [
        ("2026-11-23T02:15:00+00:00", 1795400100000),
        ("2026-11-23T02:30:00+00:00", 1795401000000),
        ("2026-11-23T23:45:00+00:00", 1795477500000),
    ]
    counts = [{k: v for k, v in row.items() if k not in ("start", "time")} for row in found]
    assert counts == [
        {"article": "ls0001", "reads": 2, "reader": 2},
        {"article": "ls0001", "reads": 3, "reader": 3},
        {"article": "ls0001", "bot": 4},
    ]


def test_batch_reads_are_counted_and_apart() -> None:
    (found,) = rows(ArticleDay("ls0001", "2026-11-23", {"9": 5}, {"batch": {"9": 2}}))
    assert (found["reads"], found["reader"], found["batch"]) == (5, 3, 2)


def test_a_class_of_a_later_release_is_other() -> None:
    by = {kind: {"9": 2} for kind in ("satellite", "reads", "time", "reader", "other")}
    (found,) = rows(ArticleDay("ls0001", "2026-11-23", {"9": 1}, by))
    assert (found["reads"], found["reader"], found["other"]) == (1, 1, 10)
    assert found["time"] == 1795400100000


def test_starts_are_in_the_zone_that_is_asked_for() -> None:
    kathmandu = ZoneInfo("Asia/Kathmandu")
    (found,) = rows(ArticleDay("ls0001", "2026-11-23", {"73": 1}, {}), zone=kathmandu)
    assert (found["start"], found["zone"]) == ("2026-11-24T00:00:00+05:45", "Asia/Kathmandu")


def test_a_span_cuts_a_day() -> None:
    whole = ArticleDay("ls0001", "2026-11-23", {str(n): 1 for n in range(96)}, {"bot": {"11": 4}})
    first = day_number("2026-11-23") * 96
    found = rows(whole, span=(first + 9, first + 12))
    assert [(row["start"], row.get("bot")) for row in found] == [
        ("2026-11-23T02:15:00+00:00", None),
        ("2026-11-23T02:30:00+00:00", None),
        ("2026-11-23T02:45:00+00:00", 4),
    ]
    assert len(rows(whole, span=(first - 5, first + 96))) == 96
    assert rows(whole, span=(first + 96, first + 200)) == []


async def test_streams_are_one_sorted_stream_with_equal_days_added_up() -> None:
    archive = stream(day("a", "2026-01-05", 10), day("a", "2026-01-06", 20), day("b", "2026-01-05"))
    buckets = stream(
        *(day("a", "2026-01-06", 1), day("a", "2026-01-06", 2)),  # late reads, in two slots
        *(day("a", "2026-01-07", 4), day("c", "2026-01-01", 8)),
    )
    assert await merged(archive, buckets, stream()) == [
        ("a", "2026-01-05", 10),
        ("a", "2026-01-06", 23),
        ("a", "2026-01-07", 4),
        ("b", "2026-01-05", 1),
        ("c", "2026-01-01", 8),
    ]
    assert await merged() == []


async def test_classes_are_added_up_by_quarter() -> None:
    one = ArticleDay("a", "2026-01-06", {"1": 1, "2": 2}, {"bot": {"1": 1}, "batch": {"1": 1}})
    two = ArticleDay("a", "2026-01-06", {"2": 5}, {"bot": {"1": 4, "3": 1}, "limit": {"0": 7}})
    (found,) = [each async for each in merged_days(stream(one), stream(two))]
    assert found == ArticleDay(
        "a",
        "2026-01-06",
        {"1": 1, "2": 7},
        {"bot": {"1": 5, "3": 1}, "batch": {"1": 1}, "limit": {"0": 7}},
    )
    assert one.q == {"1": 1, "2": 2}


@pytest.mark.parametrize("later", [("a", "2026-01-04"), ("A", "2026-01-06")])
async def test_a_stream_that_is_not_sorted_is_a_fault(later: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="not sorted"):
        await merged(stream(day("a", "2026-01-05"), day(*later)))


async def test_streams_are_closed_when_the_days_are() -> None:
    streams = [Stream([day(f"a{n}", "2026-01-05") for n in range(9)]) for _ in range(2)]
    found = merged_days(*(each.days() for each in streams))
    await anext(found)
    assert not any(each.closed for each in streams)
    await found.aclose()
    assert all(each.closed for each in streams)


def test_days_are_read_from_documents() -> None:
    archived = {
        "article": "ls0001",
        "month": "2026-02",
        "days": {
            "11": {"reads": 3, "q": {"7": 3}, "filtered": {}, "by": {}},
            "02": {"filtered": {"bot": 1}, "by": {"bot": {"8": 1}}},
        },
    }
    assert list(days_of_archive(archived)) == [
        ArticleDay("ls0001", "2026-02-02", {}, {"bot": {"8": 1}}),
        ArticleDay("ls0001", "2026-02-11", {"7": 3}, {}),
    ]
    bucket = {"article": "ls0001", "day": "2026-02-02", "slot": 3, "reads": 1, "q": {"0": 1}}
    assert bucket_day(bucket) == ArticleDay("ls0001", "2026-02-02", {"0": 1}, {})
    by = {"bot": {"95": 2}}
    assert bucket_day(bucket | {"by": by}) == ArticleDay("ls0001", "2026-02-02", {"0": 1}, by)
