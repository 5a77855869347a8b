"""Periods and the periods before, in any zone, against an oracle that looks at the clock on the
wall of every quarter of an hour.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.stats.traffic.compare import ComparedBy, compared_periods
from shared.storage.quarters import quarter_of, start_of

DAY = timedelta(days=1)
QUARTER = timedelta(minutes=15)
# Until 2011 Newfoundland's clock moved at 00:01, within a quarter of an hour.
MOMENTS = st.datetimes(datetime(2013, 1, 1), datetime(2037, 12, 1), timezones=st.just(UTC))  # noqa: DTZ001
HARD = [
    *("Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Cairo", "Europe/Berlin"),
    *("America/Asuncion", "America/Nuuk", "Asia/Beirut", "Pacific/Chatham", "Asia/Pyongyang"),
    *("America/Havana", "Africa/Casablanca", "Asia/Gaza", "Antarctica/Troll", "Atlantic/Azores"),
]
ZONES = st.sampled_from(HARD) | st.sampled_from(sorted(available_timezones()))
WAYS: list[ComparedBy] = ["previous", "last_week", "last_year"]
NAMES = ("today", "yesterday", "week", "month", "year")


@cache
def wall(quarter: int, zone: str) -> datetime:
    """What the clock shows at the start of a quarter."""
    return start_of(quarter).astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def first_showing(wanted: datetime, zone: str) -> int:
    """The first quarter whose clock shows `wanted` or later."""
    near = quarter_of(wanted.replace(tzinfo=UTC))
    return next(q for q in range(near - 200, near + 200) if wall(q, zone) >= wanted)


def naive(now: datetime, zone: str, by: ComparedBy, name: str) -> tuple[tuple[int, int], ...]:
    """The two spans of a period, from a list of all dates of three years and their labels."""
    through = quarter_of(now)
    today = wall(through, zone).date()
    midnight = first_showing(datetime.combine(today, time()), zone)
    passed = [wall(q, zone) + QUARTER for q in range(midnight, through)]
    shown = max([*passed, wall(through, zone)]) - datetime.combine(today, time())

    def begin(day: date) -> int:
        return first_showing(datetime.combine(day, time()), zone)

    def span(days: list[date], end: int) -> tuple[int, int]:
        first = begin(min(days))
        return first, max(first, end)

    dates = [today + n * DAY for n in range(-800, 400)]
    label, place = LABELS[name]
    current = [day for day in dates if label(day) == label(today)]
    if name == "yesterday":
        current = [today - DAY]
        before = [earlier_date(today - DAY, by)]
        return span(current, begin(today)), span(before, begin(before[0] + DAY))
    if name == "today":
        before = [earlier_date(today, by)]
        same: list[date] = before
    elif name == "week":
        weeks = 52 if by == "last_year" else 1
        before = [day - 7 * weeks * DAY for day in current]
        same = [day for day in before if place(day) == place(today)]
    elif by == "last_week":
        before = [day - 7 * DAY for day in current]
        same = [today - 7 * DAY]
    else:
        months = 12 if name == "year" or by == "last_year" else 1
        wanted = months_before(today, months)
        before = [day for day in dates if label(day) == label(wanted)]
        same = [day for day in before if place(day) == place(today)]
    if same:
        end = first_showing(datetime.combine(same[0], time()) + shown, zone)
    else:  # all dates that come before it in the period count, and nothing of the next one
        end = begin(max(day for day in before if place(day) < place(today)) + DAY)
    return span(current, through), span(before, min(end, begin(max(before) + DAY)))


LABELS: dict[str, tuple[Callable[[date], object], Callable[[date], tuple[int, ...]]]] = {
    "today": (lambda day: day, lambda day: ()),
    "yesterday": (lambda day: day, lambda day: ()),
    "week": (lambda day: day.isocalendar()[:2], lambda day: (day.weekday(),)),
    "month": (lambda day: (day.year, day.month), lambda day: (day.day,)),
    "year": (lambda day: day.year, lambda day: (day.month, day.day)),
}
"""For each period: what all its dates have in common, and a date's place in it."""


def earlier_date(day: date, by: ComparedBy) -> date:
    if by == "previous":
        return day - DAY
    if by == "last_week":
        return day - 7 * DAY
    dates = [day - n * DAY for n in range(364, 368)]
    leap = (day.month, day.day) == (2, 29)
    wanted = (2, 28) if leap else (day.month, day.day)
    return next(each for each in dates if (each.month, each.day) == wanted)


def months_before(day: date, months: int) -> date:
    """Some date of the month so many months earlier."""
    number = day.year * 12 + day.month - 1 - months
    return date(number // 12, number % 12 + 1, 1)


@settings(max_examples=150)
@given(now=MOMENTS, zone=ZONES, by=st.sampled_from(WAYS))
@example(now=datetime(2028, 2, 29, 12, tzinfo=UTC), zone="Asia/Ho_Chi_Minh", by="last_year")
@example(now=datetime(2027, 3, 31, 12, tzinfo=UTC), zone="Asia/Ho_Chi_Minh", by="previous")
@example(now=datetime(2026, 10, 25, 1, 40, tzinfo=UTC), zone="Europe/Berlin", by="previous")
@example(now=datetime(2026, 4, 4, 15, 20, tzinfo=UTC), zone="Australia/Lord_Howe", by="last_week")
@example(now=datetime(2012, 1, 1, 3, tzinfo=UTC), zone="Pacific/Apia", by="previous")
def test_spans_are_those_of_the_clock_on_the_wall(now: datetime, zone: str, by: ComparedBy) -> None:
    pairs = compared_periods(now, ZoneInfo(zone), by)
    assert tuple(pairs) == NAMES
    for name, pair in pairs.items():
        assert (pair.current, pair.before) == naive(now, zone, by, name), name


def moves(zone: str) -> list[int]:
    """The quarters of 2013 to 2036 at whose start the zone's clock has just moved."""
    found = []
    first, end = (quarter_of(datetime(year, 1, 1, tzinfo=UTC)) for year in (2013, 2037))
    for day in range(first, end, 96):
        if wall(day + 96, zone) - wall(day, zone) != DAY:
            found += [
                q for q in range(day + 1, day + 97) if wall(q, zone) - wall(q - 1, zone) != QUARTER
            ]
    return found


@pytest.mark.parametrize("zone", HARD)
def test_around_each_move_of_the_clock(zone: str) -> None:
    """On the day of a move, a day, a week, a month and a year after it."""
    for move in moves(zone)[-6:]:
        for days in (0, 1, 7, 31, 365):
            for quarters in range(-9, 10, 3):
                now = start_of(move + days * 96 + quarters) + timedelta(minutes=7)
                for by in WAYS:
                    pair = compared_periods(now, ZoneInfo(zone), by)["today"]
                    assert (pair.current, pair.before) == naive(now, zone, by, "today")


@settings(max_examples=60)
@given(now=MOMENTS, zone=ZONES, by=st.sampled_from(WAYS))
def test_what_is_compared_with_never_shrinks_within_a_period(
    now: datetime, zone: str, by: ComparedBy
) -> None:
    spans = [compared_periods(now + n * QUARTER, ZoneInfo(zone), by) for n in range(100)]
    for a, b in pairwise(spans):
        for name in NAMES:
            if a[name].current[0] == b[name].current[0]:
                assert a[name].before[0] == b[name].before[0]
                assert a[name].before[1] <= b[name].before[1]
