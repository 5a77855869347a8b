"""Periods and the periods before, in any zone, against an oracle that looks at the clock on the
wall of every quarter of an hour.
"""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.stats.traffic.compare import ComparedBy, compared_periods
from shared.storage.quarters import quarter_of, start_of
from tests.support.wall_clock import ODD_ZONES, PERIODS, QUARTER, clock_moves, compared

MOMENTS = st.datetimes(datetime(2013, 1, 1), datetime(2037, 12, 1), timezones=st.just(UTC))  # noqa: DTZ001
ZONES = st.sampled_from(ODD_ZONES) | st.sampled_from(sorted(available_timezones()))
WAYS: list[ComparedBy] = ["previous", "last_week", "last_year"]


@settings(max_examples=150)
@given(now=MOMENTS, zone=ZONES, by=st.sampled_from(WAYS))
@example(now=datetime(2028, 2, 29, 12, tzinfo=UTC), zone="Asia/Ho_Chi_Minh", by="last_year")
@example(now=datetime(2027, 3, 31, 12, tzinfo=UTC), zone="Asia/Ho_Chi_Minh", by="previous")
@example(now=datetime(2026, 10, 25, 1, 40, tzinfo=UTC), zone="Europe/Berlin", by="previous")
@example(now=datetime(2026, 4, 4, 15, 20, tzinfo=UTC), zone="Australia/Lord_Howe", by="last_week")
@example(now=datetime(2012, 1, 1, 3, tzinfo=UTC), zone="Pacific/Apia", by="previous")
def test_spans_are_those_of_the_clock_on_the_wall(now: datetime, zone: str, by: ComparedBy) -> None:
    pairs = compared_periods(now, ZoneInfo(zone), by)
    assert tuple(pairs) == PERIODS
    for name, pair in pairs.items():
        assert (pair.current, pair.before) == compared(now, zone, by, name), name


SINCE, UNTIL = (quarter_of(datetime(year, 1, 1, tzinfo=UTC)) for year in (2013, 2037))


@pytest.mark.parametrize("zone", ODD_ZONES)
def test_around_each_move_of_the_clock(zone: str) -> None:
    """On the day of a move, a day, a week, a month and a year after it."""
    for move in clock_moves(zone, SINCE, UNTIL)[-6:]:
        for days in (0, 1, 7, 31, 365):
            for quarters in range(-9, 10, 3):
                now = start_of(move + days * 96 + quarters) + timedelta(minutes=7)
                for by in WAYS:
                    pair = compared_periods(now, ZoneInfo(zone), by)["today"]
                    assert (pair.current, pair.before) == compared(now, zone, by, "today")


@settings(max_examples=60)
@given(now=MOMENTS, zone=ZONES, by=st.sampled_from(WAYS))
def test_what_is_compared_with_never_shrinks_within_a_period(
    now: datetime, zone: str, by: ComparedBy
) -> None:
    spans = [compared_periods(now + n * QUARTER, ZoneInfo(zone), by) for n in range(100)]
    for a, b in pairwise(spans):
        for name in PERIODS:
            if a[name].current[0] == b[name].current[0]:
                assert a[name].before[0] == b[name].before[0]
                assert a[name].before[1] <= b[name].before[1]
