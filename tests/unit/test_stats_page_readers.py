"""Unique readers on the pages: what is exact, estimated, and not known."""

from datetime import UTC, date, datetime, timedelta

import pytest

from services.stats.pages.blocks import Block, Known
from services.stats.pages.languages import LANGUAGES
from services.stats.pages.reader_blocks import (
    known_since,
    readers_block,
    readers_days,
    readers_query,
    readers_tile,
)
from services.stats.pages.spans import MOST_DAYS
from services.stats.readers.answers import Readers, ReadersOfDay, ReadersPoint, ReadersSeries
from services.stats.readers.parameters import readers_span
from shared.base.salt_days import begin_of, day_of
from tests.support.page_figures import HANOI, NO_READERS, NOW
from tests.unit.test_stats_pages import cells

VI, EN = LANGUAGES["vi"], LANGUAGES["en"]
MOMENT = Known(NOW, None, HANOI)
NIGHT = datetime(2026, 11, 22, 19, 30, tzinfo=UTC)  # 02:30 of Monday: still Sunday's day


def of_day(number: int | None, error: float | None = None) -> ReadersOfDay:
    return ReadersOfDay(number=number, error=error)


def readers(**known: object) -> Readers:
    return NO_READERS.model_copy(update=known)


def series(*numbers: int | None, mean: float | None = None) -> ReadersSeries:
    """The readers of the last days until that of `NOW`; from 1001 on they are estimated."""
    first = day_of(NOW, HANOI) - timedelta(days=len(numbers) - 1)
    days = [first + timedelta(days=each) for each in range(len(numbers))]
    points = [
        ReadersPoint(
            day=day.isoformat(), start=begin_of(day, HANOI).isoformat(), time=0, readers=number,
            error=0.02 if number and number > 1000 else None,
        )
        for day, number in zip(days, numbers, strict=True)
    ]  # fmt: skip
    return ReadersSeries(points=points, mean=mean, since="", as_of="")


def block(*numbers: int | None, mean: float | None = None) -> Block:
    return readers_block("trong 7 ngày qua", series(*numbers, mean=mean), MOMENT, VI)


def test_estimated_readers_have_their_error_beside_them_and_exact_ones_have_none() -> None:
    known = readers(
        today=of_day(7666, 0.02), yesterday=of_day(12345, 0.02), mean_7d=11200.4, mean_30d=99.5
    )
    tile = readers_tile(known, MOMENT, VI)
    assert (tile.number, tile.margin, tile.note) == (
        "7.666",
        "±2\N{NO-BREAK SPACE}%",
        "từ 4 giờ sáng ngày 23/11",
    )
    assert tile.lines == (
        "hôm qua: 12.345 ±2\N{NO-BREAK SPACE}%",
        "trung bình mỗi ngày, đến hôm qua: 11.200 (7 ngày), 99,5 (30 ngày)",
    )
    exact = readers_tile(readers(today=of_day(1000), yesterday=of_day(998)), MOMENT, EN)
    assert (exact.number, exact.margin, exact.note) == ("1,000", "", "since 4:00 on 23 Nov")
    assert exact.lines == ("yesterday: 998",)


def test_readers_of_today_are_those_since_four_also_at_night() -> None:
    night = Known(NIGHT, None, HANOI)
    tile = readers_tile(readers(today=of_day(0)), night, VI)
    assert (tile.number, tile.note) == ("0", "từ 4 giờ sáng ngày 22/11")
    assert readers_days("7d", NIGHT, HANOI, date(2020, 1, 1)) == (
        date(2026, 11, 16),
        date(2026, 11, 23),
    )


def test_a_day_that_is_not_known_is_not_zero() -> None:
    assert readers_tile(readers(yesterday=of_day(5)), MOMENT, VI).number == ""
    rows = cells(block(None, 0, 1000, 1001))[1:]
    assert rows == [
        ["20/11/2026", "—", "—"],
        ["21/11/2026", "0", "chính xác"],
        ["22/11/2026", "1.000", "chính xác"],
        ["23/11/2026", "1.001", "±2\N{NO-BREAK SPACE}%"],
    ]


def test_days_of_readers_are_never_added_up() -> None:
    made = block(700, 500, 600, mean=600.0)
    assert "Cao nhất 700 vào 21/11/2026. Trung bình mỗi ngày, trừ hôm nay: 600." in made.plot
    assert "1.800" not in made.plot + made.table + made.note
    assert VI.say("described_none") in block(0, None, 0).plot
    assert "Trên 1.000 người" in made.note
    assert "không quá ±2\N{NO-BREAK SPACE}%" in made.note


def test_a_course_of_readers_has_its_csv_and_today_is_not_over() -> None:
    made = readers_block("", series(3, 4), MOMENT, VI, article="a1")
    assert made.csv == "/stats/readers?from=2026-11-22&to=2026-11-24&article=a1&format=csv"
    assert ("open", "hôm nay chưa hết") in made.legend
    assert made.plot.count('class="open"') == 1


@pytest.mark.parametrize(
    ("period", "first", "days"),
    [
        ("24h", date(2020, 1, 1), 7),
        ("7d", date(2020, 1, 1), 7),
        ("12mo", date(2020, 1, 1), 365),
        ("all", date(2026, 11, 23), 7),
        ("all", date(2026, 10, 15), 40),
        ("all", date(2020, 1, 1), MOST_DAYS),
        ("all", date(2026, 12, 1), 7),  # a clock that was wrong
    ],
)
def test_the_days_of_readers_end_with_today_and_can_be_asked_for(
    period: str, first: date, days: int
) -> None:
    begin, end = readers_days(period, NOW, HANOI, first)
    assert ((end - begin).days, end) == (days, date(2026, 11, 24))
    assert readers_span(readers_query(begin, end), date(2026, 11, 23)) == (begin, end)


def test_readers_are_known_since_the_day_of_the_first_batch() -> None:
    assert known_since(NO_READERS, HANOI) is None
    assert known_since(readers(since="2026-11-22T19:30:00.000Z"), HANOI) == date(2026, 11, 22)
