"""Which projections a span of time consists of."""

import random
from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from services.stats.periods import hour_start
from services.stats.traffic.pieces import Piece, cover, projected, whole
from shared.storage.quarters import quarter_of, start_of

HANOI, KATHMANDU = ZoneInfo("Asia/Ho_Chi_Minh"), ZoneInfo("Asia/Kathmandu")
LORD_HOWE, APIA = ZoneInfo("Australia/Lord_Howe"), ZoneInfo("Pacific/Apia")


def at(text: str) -> int:
    return quarter_of(datetime.fromisoformat(text).replace(tzinfo=UTC))


def covered(first: str, end: str, zone: ZoneInfo) -> list[str]:
    """The ids of the pieces; a raw one as its number of quarters."""
    return [
        f"raw {piece.end - piece.first}" if piece.kind == "raw" else piece.id(zone)
        for piece in cover((at(first), at(end)), zone)
    ]


def test_a_span_is_raw_to_the_first_midnight_then_months_days_and_hours() -> None:
    assert covered("2026-09-29T05:15", "2026-11-02T19:00", HANOI) == [
        "raw 47",
        "day/2026-09-30",
        "month/2026-10",
        "day/2026-11-01",
        "day/2026-11-02",
        f"hour/{at('2026-11-02T17:00')}",
        f"hour/{at('2026-11-02T18:00')}",
    ]


def test_a_span_within_a_day_is_a_cut_hour_and_hours() -> None:
    assert covered("2026-11-23T05:15", "2026-11-23T08:00", HANOI) == [
        "raw 3",
        f"hour/{at('2026-11-23T06:00')}",
        f"hour/{at('2026-11-23T07:00')}",
    ]
    assert covered("2026-11-23T05:00", "2026-11-23T06:00", HANOI) == [
        f"hour/{at('2026-11-23T05:00')}"
    ]


def test_a_span_within_an_hour_is_raw_and_an_empty_one_is_nothing() -> None:
    assert covered("2026-11-23T05:15", "2026-11-23T05:45", HANOI) == ["raw 2"]
    assert covered("2026-11-23T05:15", "2026-11-23T05:15", HANOI) == []
    assert covered("2026-11-23T05:30", "2026-11-23T05:15", HANOI) == []


def test_hours_and_days_of_kathmandu_begin_at_the_third_quarter() -> None:
    assert covered("2026-11-21T18:15", "2026-11-22T19:15", KATHMANDU) == [
        "day/2026-11-22",
        f"hour/{at('2026-11-22T18:15')}",
    ]


def test_an_hour_may_have_two_quarters_where_the_clock_moves_by_half_an_hour() -> None:
    april = whole("hour", (at("2026-04-04T14:00"), at("2026-04-04T16:30")), LORD_HOWE)
    assert [piece.end - piece.first for piece in april] == [4, 2, 4]
    october = whole("hour", (at("2026-10-03T14:30"), at("2026-10-03T16:00")), LORD_HOWE)
    assert [piece.end - piece.first for piece in october] == [4, 2]


def test_a_day_that_a_country_skipped_is_no_piece() -> None:
    assert covered("2011-12-29T10:00", "2012-01-01T10:00", APIA) == [
        "day/2011-12-29",
        "day/2011-12-31",
        "day/2012-01-01",
    ]


def test_a_piece_knows_the_utc_days_that_it_touches() -> None:
    assert list(Piece("day", 96 * 5 + 68, 96 * 6 + 68).days) == [5, 6]
    assert list(Piece("day", 96 * 5, 96 * 6).days) == [5]


@pytest.mark.parametrize("zone", [HANOI, KATHMANDU, LORD_HOWE, ZoneInfo("America/St_Johns")])
def test_every_quarter_of_a_random_span_is_covered_once(zone: ZoneInfo) -> None:
    chance = random.Random(7)
    for _ in range(6):
        first = at("2026-03-01T00:00") + chance.randrange(96 * 40)
        end = max(first, hour_start(first + chance.randrange(96 * 70), zone))
        pieces = cover((first, end), zone)
        assert sum(piece.end - piece.first for piece in pieces) == end - first
        assert all(one.end == other.first for one, other in pairwise(pieces))
        assert len({piece.id(zone) for piece in pieces}) == len(pieces)
        assert sum(piece.kind == "raw" for piece in pieces) <= 1


def test_every_closed_hour_day_and_month_is_expected() -> None:
    found = projected(at("2026-09-30T16:00"), at("2026-11-02T19:00"), HANOI)
    names = [piece.id(HANOI) for piece in found]
    assert names[0] == "day/2026-11-02"
    assert [name for name in names if name.startswith("month")] == [
        "month/2026-10",
        "month/2026-09",
    ]
    days = [name for name in names if name.startswith("day")]
    assert (days[0], days[-1], len(days)) == ("day/2026-11-02", "day/2026-09-30", 34)
    hours = [name for name in names if name.startswith("hour")]
    assert hours[0] == f"hour/{at('2026-11-02T18:00')}"
    assert hours[-1] == f"hour/{at('2026-09-30T16:00')}"
    assert names.index(days[-1]) < names.index("month/2026-10")


def test_hours_are_expected_for_35_days() -> None:
    closed = at("2026-11-02T19:00")
    found = [
        piece for piece in projected(at("2020-01-01T00:00"), closed, HANOI) if piece.kind == "hour"
    ]
    assert (len(found), start_of(found[-1].first)) == (840, start_of(closed - 35 * 96))
