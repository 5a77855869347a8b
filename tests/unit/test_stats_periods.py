"""Calendar periods in time zones."""

from datetime import UTC, date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from services.stats.periods import Step, back, midnight, site_periods, steps
from shared.storage.quarters import start_of

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
BERLIN = ZoneInfo("Europe/Berlin")
KATHMANDU = ZoneInfo("Asia/Kathmandu")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def shown(step: Step, start: str, end: str, zone: ZoneInfo) -> list[str]:
    """The edges in local time; `start` and `end` are UTC."""
    return [
        moment.astimezone(zone).isoformat(timespec="minutes")
        for moment in steps(step, utc(start), utc(end), zone)
    ]


def period(name: str, now: str, zone: ZoneInfo) -> tuple[str, str]:
    first, end = site_periods(utc(now), zone)[name]
    return tuple(start_of(edge).strftime("%Y-%m-%d %H:%M") for edge in (first, end))  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("now", "first", "end"),
    [
        ("2026-11-23T16:59:59", "2026-11-22 17:00", "2026-11-23 17:00"),
        ("2026-11-23T17:00:00", "2026-11-23 17:00", "2026-11-24 17:00"),
    ],
)
def test_a_day_in_hanoi_begins_at_17_utc(now: str, first: str, end: str) -> None:
    assert period("today", now, HANOI) == (first, end)


def test_yesterday_ends_where_today_begins() -> None:
    assert period("yesterday", "2026-11-23T17:00:00", HANOI) == (
        "2026-11-22 17:00",
        "2026-11-23 17:00",
    )


def test_yesterday_may_have_25_hours() -> None:
    assert period("yesterday", "2026-10-26T12:00:00", BERLIN) == (
        "2026-10-24 22:00",
        "2026-10-25 23:00",
    )


@pytest.mark.parametrize(
    ("now", "monday"),
    [
        ("2026-11-22T16:00:00", "2026-11-15 17:00"),  # still Sunday in Hanoi
        ("2026-11-22T17:00:00", "2026-11-22 17:00"),  # Monday has begun
        ("2026-11-25T03:00:00", "2026-11-22 17:00"),
        ("2027-01-01T03:00:00", "2026-12-27 17:00"),  # a week across the year's end
    ],
)
def test_the_week_begins_on_monday(now: str, monday: str) -> None:
    assert period("week", now, HANOI)[0] == monday


def test_month_and_year_begin_in_the_sites_time() -> None:
    assert period("month", "2026-12-31T17:00:00", HANOI) == ("2026-12-31 17:00", "2027-01-01 17:00")
    assert period("year", "2026-12-31T16:59:00", HANOI) == ("2025-12-31 17:00", "2026-12-31 17:00")


def test_kathmandu_is_a_quarter_off() -> None:
    assert period("today", "2026-11-23T12:00:00", KATHMANDU) == (
        "2026-11-22 18:15",
        "2026-11-23 18:15",
    )
    assert shown("hour", "2026-11-23T00:10:00", "2026-11-23T01:15:00", KATHMANDU) == [
        "2026-11-23T05:00+05:45",
        "2026-11-23T06:00+05:45",
        "2026-11-23T07:00+05:45",
    ]


def test_the_hour_that_the_clock_skips_is_no_step() -> None:
    assert shown("hour", "2026-03-29T00:00:00", "2026-03-29T02:00:00", BERLIN) == [
        "2026-03-29T01:00+01:00",
        "2026-03-29T03:00+02:00",
        "2026-03-29T04:00+02:00",
    ]


def test_the_hour_that_the_clock_repeats_is_two_steps() -> None:
    assert shown("hour", "2026-10-24T23:30:00", "2026-10-25T02:00:00", BERLIN) == [
        "2026-10-25T01:00+02:00",
        "2026-10-25T02:00+02:00",
        "2026-10-25T02:00+01:00",
        "2026-10-25T03:00+01:00",
    ]


def test_a_clock_that_moves_by_half_an_hour() -> None:
    lord_howe = ZoneInfo("Australia/Lord_Howe")
    assert shown("hour", "2026-10-03T14:30:00", "2026-10-03T16:00:00", lord_howe) == [
        "2026-10-04T01:00+10:30",
        "2026-10-04T02:30+11:00",
        "2026-10-04T03:00+11:00",
    ]


def test_a_clock_that_moves_by_a_quarter() -> None:
    assert shown("hour", "1985-12-31T17:30:00", "1985-12-31T19:30:00", KATHMANDU) == [
        "1985-12-31T23:00+05:30",
        "1986-01-01T00:15+05:45",
        "1986-01-01T01:00+05:45",
        "1986-01-01T02:00+05:45",
    ]


def test_days_of_23_and_25_hours() -> None:
    assert list(steps("day", utc("2026-03-28T23:00:00"), utc("2026-03-29T22:00:00"), BERLIN)) == [
        utc("2026-03-28T23:00:00"),
        utc("2026-03-29T22:00:00"),
    ]
    assert list(steps("day", utc("2026-10-24T22:00:00"), utc("2026-10-25T23:00:00"), BERLIN)) == [
        utc("2026-10-24T22:00:00"),
        utc("2026-10-25T23:00:00"),
    ]


def test_a_day_without_midnight_begins_after_the_jump() -> None:
    cairo = ZoneInfo("Africa/Cairo")
    assert (
        midnight(date(2026, 4, 24), cairo).astimezone(cairo).isoformat()
        == "2026-04-24T01:00:00+03:00"
    )


def test_a_day_that_a_country_skipped_is_no_step() -> None:
    apia = ZoneInfo("Pacific/Apia")
    assert shown("day", "2011-12-29T12:00:00", "2012-01-01T00:00:00", apia) == [
        "2011-12-29T00:00-10:00",
        "2011-12-31T00:00+14:00",
        "2012-01-01T00:00+14:00",
        "2012-01-02T00:00+14:00",
    ]


def test_months_have_their_own_lengths() -> None:
    assert shown("month", "2024-01-15T00:00:00", "2024-03-31T17:00:00", HANOI) == [
        "2024-01-01T00:00+07:00",
        "2024-02-01T00:00+07:00",
        "2024-03-01T00:00+07:00",
        "2024-04-01T00:00+07:00",
    ]
    lengths = [
        (b - a).days
        for a, b in pairwise(
            steps("month", utc("2026-01-31T16:00:00"), utc("2026-04-30T17:00:00"), HANOI)
        )
    ]
    assert lengths == [31, 28, 31, 30]


def test_the_ends_are_moved_out_to_whole_steps() -> None:
    assert shown("day", "2026-11-23T03:00:00", "2026-11-23T03:00:01", HANOI) == [
        "2026-11-23T00:00+07:00",
        "2026-11-24T00:00+07:00",
    ]


def test_how_far_back_a_series_goes_unless_told() -> None:
    end = utc("2026-11-23T05:00:00")
    assert back("hour", end, HANOI) == utc("2026-11-22T05:00:00")
    assert back("day", end, HANOI) == utc("2026-10-24T05:00:00")
    assert back("month", end, HANOI) == utc("2025-10-31T17:00:00")


def test_a_week_is_a_step_that_begins_on_monday() -> None:
    assert shown("week", "2026-11-18T00:00:00", "2026-11-23T00:00:00", HANOI) == [
        "2026-11-16T00:00+07:00",
        "2026-11-23T00:00+07:00",
        "2026-11-30T00:00+07:00",
    ]
    assert shown("week", "2026-11-22T16:59:00", "2026-11-22T17:00:00", HANOI) == [
        "2026-11-16T00:00+07:00",
        "2026-11-23T00:00+07:00",
    ]


def test_weeks_begin_26_weeks_before_their_end() -> None:
    assert back("week", utc("2026-11-23T05:00:00"), HANOI) == utc("2026-05-25T05:00:00")
