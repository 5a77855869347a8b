"""Each period beside the period before, by hand."""

from datetime import UTC, datetime
from typing import get_args
from zoneinfo import ZoneInfo

import pytest

from services.stats.periods import site_periods
from services.stats.traffic.compare import ComparedBy, compared_periods
from shared.storage.quarters import start_of

HANOI = "Asia/Ho_Chi_Minh"


def spans(name: str, now: str, by: ComparedBy, zone: str = HANOI) -> tuple[str, str]:
    """The current and the earlier span of a period in local time. `now` is local, or UTC with Z."""
    moment = datetime.fromisoformat(now)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(zone))
    pair = compared_periods(moment, ZoneInfo(zone), by)[name]

    def local(quarter: int) -> str:
        return start_of(quarter).astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M")

    current, before = (
        f"{local(first)} – {local(end)}" for first, end in (pair.current, pair.before)
    )
    return current, before


NOW = "2026-11-25T14:36:05"  # a Wednesday


@pytest.mark.parametrize(
    ("name", "by", "before"),
    [
        ("today", "previous", "2026-11-24 00:00 – 2026-11-24 14:30"),
        ("today", "last_week", "2026-11-18 00:00 – 2026-11-18 14:30"),
        ("today", "last_year", "2025-11-25 00:00 – 2025-11-25 14:30"),
        ("yesterday", "previous", "2026-11-23 00:00 – 2026-11-24 00:00"),
        ("yesterday", "last_week", "2026-11-17 00:00 – 2026-11-18 00:00"),
        ("yesterday", "last_year", "2025-11-24 00:00 – 2025-11-25 00:00"),
        ("week", "previous", "2026-11-16 00:00 – 2026-11-18 14:30"),
        ("week", "last_week", "2026-11-16 00:00 – 2026-11-18 14:30"),
        ("week", "last_year", "2025-11-24 00:00 – 2025-11-26 14:30"),
        ("month", "previous", "2026-10-01 00:00 – 2026-10-25 14:30"),
        ("month", "last_week", "2026-10-25 00:00 – 2026-11-18 14:30"),
        ("month", "last_year", "2025-11-01 00:00 – 2025-11-25 14:30"),
        ("year", "previous", "2025-01-01 00:00 – 2025-11-25 14:30"),
        ("year", "last_week", "2025-12-25 00:00 – 2026-11-18 14:30"),
        ("year", "last_year", "2025-01-01 00:00 – 2025-11-25 14:30"),
    ],
)
def test_what_an_ordinary_afternoon_is_compared_with(
    name: str, by: ComparedBy, before: str
) -> None:
    assert spans(name, NOW, by)[1] == before


@pytest.mark.parametrize(
    ("name", "current"),
    [
        ("today", "2026-11-25 00:00 – 2026-11-25 14:30"),
        ("yesterday", "2026-11-24 00:00 – 2026-11-25 00:00"),
        ("week", "2026-11-23 00:00 – 2026-11-25 14:30"),
        ("month", "2026-11-01 00:00 – 2026-11-25 14:30"),
        ("year", "2026-01-01 00:00 – 2026-11-25 14:30"),
    ],
)
def test_the_current_side_ends_at_the_last_quarter(name: str, current: str) -> None:
    ways = get_args(ComparedBy)
    assert ways == ("previous", "last_week", "last_year")
    for by in ways:
        assert spans(name, NOW, by)[0] == current


def test_at_midnight_both_sides_are_empty() -> None:
    assert spans("today", "2026-11-25T00:14:59", "previous") == (
        "2026-11-25 00:00 – 2026-11-25 00:00",
        "2026-11-24 00:00 – 2026-11-24 00:00",
    )
    assert spans("month", "2026-12-01T00:00:00", "previous") == (
        "2026-12-01 00:00 – 2026-12-01 00:00",
        "2026-11-01 00:00 – 2026-11-01 00:00",
    )


def test_a_shorter_month_before_counts_in_full_from_its_end_on() -> None:
    february = "2027-02-01 00:00 – 2027-03-01 00:00"
    assert spans("month", "2027-03-28T23:59:00", "previous")[1] == (
        "2027-02-01 00:00 – 2027-02-28 23:45"
    )
    for now in ("2027-03-29T00:00:00", "2027-03-29T12:00:00", "2027-03-31T23:59:00"):
        assert spans("month", now, "previous")[1] == february
    # After a short month the longer one ends early, too: on the same day.
    assert spans("month", "2027-02-28T23:59:00", "previous")[1] == (
        "2027-01-01 00:00 – 2027-01-28 23:45"
    )


def test_29_february_beside_a_common_year() -> None:
    now = "2028-02-29T12:00:00"
    assert spans("today", now, "last_year")[1] == "2027-02-28 00:00 – 2027-02-28 12:00"
    assert spans("month", now, "last_year")[1] == "2027-02-01 00:00 – 2027-03-01 00:00"
    assert spans("year", now, "last_year")[1] == "2027-01-01 00:00 – 2027-03-01 00:00"
    assert spans("year", now, "previous")[1] == "2027-01-01 00:00 – 2027-03-01 00:00"
    assert spans("yesterday", "2028-03-01T12:00:00", "last_year")[1] == (
        "2027-02-28 00:00 – 2027-03-01 00:00"
    )
    # A year later the leap day lies within.
    assert spans("year", "2029-03-01T12:00:00", "last_year")[1] == (
        "2028-01-01 00:00 – 2028-03-01 12:00"
    )


def test_weeks_across_the_years_end() -> None:
    assert spans("week", "2027-01-01T12:00:00", "last_year") == (
        "2026-12-28 00:00 – 2027-01-01 12:00",
        "2025-12-29 00:00 – 2026-01-02 12:00",
    )


def test_the_local_date_decides_not_utcs() -> None:
    assert spans("today", "2026-11-24T17:20:00Z", "previous")[1] == (
        "2026-11-24 00:00 – 2026-11-24 00:15"
    )
    assert spans("today", "2026-11-24T18:20:00Z", "previous", "Asia/Kathmandu") == (
        "2026-11-25 00:00 – 2026-11-25 00:00",
        "2026-11-24 00:00 – 2026-11-24 00:00",
    )


def quarters(name: str, now: str, by: ComparedBy, zone: str) -> tuple[float, float]:
    """The hours of each side."""
    pair = compared_periods(datetime.fromisoformat(now), ZoneInfo(zone), by)[name]
    (a, b), (c, d) = pair.current, pair.before
    return (b - a) / 4, (d - c) / 4


@pytest.mark.parametrize(
    ("now", "hours"),
    [
        ("2026-03-30T01:30+02:00", (1.5, 1.5)),
        ("2026-03-30T02:00+02:00", (2, 2)),
        ("2026-03-30T02:30+02:00", (2.5, 2)),  # yesterday's clock went from 2:00 to 3:00
        ("2026-03-30T03:00+02:00", (3, 2)),
        ("2026-03-30T12:00+02:00", (12, 11)),
        ("2026-03-29T01:45+01:00", (1.75, 1.75)),
        ("2026-03-29T03:00+02:00", (2, 3)),  # today's clock has just done so
        ("2026-03-29T12:00+02:00", (11, 12)),
        ("2026-10-26T02:30+01:00", (2.5, 2.5)),  # yesterday repeated the hour: its first time
        ("2026-10-26T03:00+01:00", (3, 4)),
        ("2026-10-26T12:00+01:00", (12, 13)),
        ("2026-10-25T02:45+02:00", (2.75, 2.75)),
        ("2026-10-25T02:00+01:00", (3, 3)),  # the hour is repeated
        ("2026-10-25T02:45+01:00", (3.75, 3)),
        ("2026-10-25T03:00+01:00", (4, 3)),
        ("2026-10-25T12:00+01:00", (13, 12)),
    ],
)
def test_days_on_which_berlins_clock_moves(now: str, hours: tuple[float, float]) -> None:
    assert quarters("today", now, "previous", "Europe/Berlin") == hours


def test_lord_howes_clock_moves_by_half_an_hour() -> None:
    zone = "Australia/Lord_Howe"
    assert quarters("today", "2026-10-05T02:15+11:00", "previous", zone) == (2.25, 2)
    assert quarters("today", "2026-10-05T12:00+11:00", "previous", zone) == (12, 11.5)
    assert quarters("today", "2026-04-05T01:45+10:30", "previous", zone) == (2.25, 2)
    assert quarters("today", "2026-04-05T02:00+10:30", "previous", zone) == (2.5, 2)


def test_a_midnight_that_the_clock_skips() -> None:
    cairo = "Africa/Cairo"  # 2026-04-24 began at 01:00
    assert spans("today", "2026-04-25T00:30:00", "previous", cairo)[1] == (
        "2026-04-24 01:00 – 2026-04-24 01:00"
    )
    assert spans("today", "2026-04-25T02:30:00", "previous", cairo)[1] == (
        "2026-04-24 01:00 – 2026-04-24 02:30"
    )
    assert spans("today", "2026-04-24T01:00:00", "previous", cairo) == (
        "2026-04-24 01:00 – 2026-04-24 01:00",
        "2026-04-23 00:00 – 2026-04-23 01:00",
    )


def test_the_day_that_samoa_skipped_is_empty() -> None:
    apia = "Pacific/Apia"
    assert quarters("today", "2011-12-31T12:00+14:00", "previous", apia) == (12, 0)
    assert quarters("yesterday", "2012-01-01T12:00+14:00", "previous", apia) == (24, 0)
    assert quarters("week", "2012-01-01T12:00+14:00", "previous", apia) == (132, 156)
    assert quarters("today", "2012-12-30T12:00+14:00", "last_year", apia) == (12, 0)


@pytest.mark.parametrize("by", ["previous", "last_week", "last_year"])
def test_the_periods_begin_as_in_the_sites_figures(by: ComparedBy) -> None:
    now = datetime(2026, 11, 25, 7, 36, tzinfo=UTC)
    pairs = compared_periods(now, ZoneInfo(HANOI), by)
    periods = site_periods(now, ZoneInfo(HANOI))
    assert list(pairs) == list(periods)
    assert [pair.current[0] for pair in pairs.values()] == [first for first, _ in periods.values()]
