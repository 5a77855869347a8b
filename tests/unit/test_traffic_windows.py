"""The fixed windows, and which time is closed."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from services.stats.traffic.windows import FIXED, NEVER, closed_until, window_spans
from shared.storage.quarters import start_of

HANOI, UTC_ZONE = ZoneInfo("Asia/Ho_Chi_Minh"), ZoneInfo("UTC")
KATHMANDU, LORD_HOWE = ZoneInfo("Asia/Kathmandu"), ZoneInfo("Australia/Lord_Howe")
NOW = datetime(2026, 11, 23, 5, 7, tzinfo=UTC)  # Monday, 12:07 in Hanoi


def shown(quarter: int) -> str:
    return start_of(quarter).strftime("%Y-%m-%d %H:%M")


def test_each_fixed_window_begins_at_a_quarter() -> None:
    spans = window_spans(NOW, HANOI)
    assert tuple(spans) == FIXED
    assert {name: shown(first) for name, (first, _) in spans.items() if name != "all"} == {
        "1h": "2026-11-23 04:00",
        "6h": "2026-11-22 23:00",
        "24h": "2026-11-22 05:00",
        "7d": "2026-11-16 05:00",
        "30d": "2026-10-24 05:00",
        "90d": "2026-08-25 05:00",
        "12mo": "2025-11-23 05:00",
        "today": "2026-11-22 17:00",
        "yesterday": "2026-11-21 17:00",
        "week": "2026-11-22 17:00",
        "month": "2026-10-31 17:00",
        "year": "2025-12-31 17:00",
    }
    assert spans["all"] == (0, NEVER)


def test_a_rolling_window_has_no_end_and_a_calendar_one_ends_with_its_day() -> None:
    spans = window_spans(NOW, HANOI)
    assert {end for name, (_, end) in spans.items() if name[0].isdigit()} == {NEVER}
    ends = {n: shown(spans[n][1]) for n in ("today", "yesterday", "week", "month", "year")}
    assert ends.pop("yesterday") == "2026-11-22 17:00"
    assert set(ends.values()) == {"2026-11-23 17:00"}


@pytest.mark.parametrize(
    ("now", "zone", "start"),
    [
        ("2024-02-29T12:00:00", UTC_ZONE, "2023-02-28 12:00"),
        ("2026-11-23T12:14:59", UTC_ZONE, "2025-11-23 12:00"),
        ("2026-07-01T00:00:00", ZoneInfo("Europe/Berlin"), "2025-07-01 00:00"),
        # A year earlier the clocks were changed on another Sunday: the same local time.
        ("2026-03-29T12:00:00", ZoneInfo("Europe/Berlin"), "2025-03-29 13:00"),
        # 02:30, which the clock skipped a year earlier: from 02:00 to 03:00, at 01:00 UTC.
        ("2026-03-30T00:30:00", ZoneInfo("Europe/Berlin"), "2025-03-30 01:00"),
        # 02:30, which the clock showed twice a year earlier: the first time.
        ("2026-10-26T01:30:00", ZoneInfo("Europe/Berlin"), "2025-10-26 00:30"),
        # Samoa skipped 30 December 2011, from midnight to midnight, at 10:00 UTC.
        ("2012-12-30T05:00:00", ZoneInfo("Pacific/Apia"), "2011-12-30 10:00"),
    ],
)
def test_twelve_months_begin_at_the_same_time_a_year_before(
    now: str, zone: ZoneInfo, start: str
) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert shown(window_spans(moment, zone)["12mo"][0]) == start


@pytest.mark.parametrize(
    ("now", "zone", "closed"),
    [
        ("2026-11-23T05:07:00", HANOI, "2026-11-23 02:00"),
        ("2026-11-23T05:00:00", HANOI, "2026-11-23 02:00"),
        ("2026-11-23T04:59:59", HANOI, "2026-11-23 01:00"),
        ("2026-11-23T05:14:59", KATHMANDU, "2026-11-23 01:15"),
        ("2026-11-23T05:15:00", KATHMANDU, "2026-11-23 02:15"),
        # The hour from 01:00 to 02:30 summer time that loses half an hour.
        ("2026-10-03T18:29:00", LORD_HOWE, "2026-10-03 14:30"),
        ("2026-10-03T18:30:00", LORD_HOWE, "2026-10-03 15:30"),
        # The hour of 01:00 that gets half an hour more: 01:00+11 to 02:00+11, then 01:30+10:30.
        ("2026-04-04T18:00:00", LORD_HOWE, "2026-04-04 15:00"),
        ("2026-04-04T18:30:00", LORD_HOWE, "2026-04-04 15:30"),
    ],
)
def test_an_hour_is_closed_three_hours_after_its_end(now: str, zone: ZoneInfo, closed: str) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert shown(closed_until(moment, zone)) == closed
