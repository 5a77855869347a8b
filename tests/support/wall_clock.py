"""Calendars as people read them: what the clock on the wall shows at the start of each quarter of
an hour, and nothing else. Slow, and without any code of the product, so that it can judge it.

A quarter is the number of 15-minute steps since 1970 in UTC. Valid from 2012 on: until 2011
Newfoundland's clock moved within a quarter.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
QUARTER = timedelta(minutes=15)
ODD_ZONES = (
    *("Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Cairo", "Europe/Berlin"),
    *("America/Asuncion", "America/Nuuk", "Asia/Beirut", "Pacific/Chatham", "Asia/Pyongyang"),
    *("America/Havana", "Africa/Casablanca", "Asia/Gaza", "Antarctica/Troll", "Atlantic/Azores"),
)
"""Zones with odd offsets, and with moves by half an hour, at midnight, or across a whole day."""
PERIODS = ("today", "yesterday", "week", "month", "year")
Span = tuple[int, int]
"""The first quarter, and the first one after the last."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def quarter_at(moment: datetime) -> int:
    """The quarter that contains an aware datetime."""
    return (moment - _EPOCH) // QUARTER


def start_at(quarter: int) -> datetime:
    """The moment at which a quarter starts, in UTC."""
    return _EPOCH + quarter * QUARTER


@lru_cache(maxsize=1_000_000)
def wall(quarter: int, zone: str) -> datetime:
    """What the clock of `zone` shows at the start of a quarter, without an offset."""
    return start_at(quarter).astimezone(ZoneInfo(zone)).replace(tzinfo=None)


@lru_cache(maxsize=100_000)
def first_showing(wanted: datetime, zone: str) -> int:
    """The first quarter at whose start the clock shows `wanted` or later."""
    near = quarter_at(wanted.replace(tzinfo=UTC))
    return next(q for q in range(near - 200, near + 200) if wall(q, zone) >= wanted)


def begin(day: date, zone: str) -> int:
    """The first quarter of a date."""
    return first_showing(datetime.combine(day, time()), zone)


def clock_moves(zone: str, first: int, end: int) -> list[int]:
    """The quarters between `first` and `end` at whose start the clock has just moved."""
    return [
        quarter
        for day in range(first, end, 96)
        if wall(day + 96, zone) - wall(day, zone) != DAY
        for quarter in range(day + 1, day + 97)
        if wall(quarter, zone) - wall(quarter - 1, zone) != QUARTER
    ]


@lru_cache(maxsize=10_000)
def compared(now: datetime, zone: str, by: str, name: str) -> tuple[Span, Span]:
    """A period of `PERIODS` until the last quarter's start before `now`, and the one that it is
    compared with: `previous`, `last_week` or `last_year`, until the same place on the calendar and
    on the clock. From a list of all dates of three years and their labels.
    """
    through = quarter_at(now)
    today = wall(through, zone).date()
    if name == "yesterday":
        current, before = today - DAY, _earlier_date(today - DAY, by)
        return (
            (begin(current, zone), begin(today, zone)),
            (begin(before, zone), begin(before + DAY, zone)),
        )
    current_dates, before_dates = _dates(today, by, name)
    return (
        _span(min(current_dates), through, zone),
        _span(min(before_dates), _same_moment(through, by, name, before_dates, zone), zone),
    )


def _span(first: date, end: int, zone: str) -> Span:
    quarter = begin(first, zone)
    return quarter, max(quarter, end)


def _dates(today: date, by: str, name: str) -> tuple[list[date], list[date]]:
    """All dates of the current period, and of the earlier one."""
    dates = [today + n * DAY for n in range(-800, 400)]
    label, _ = LABELS[name]
    current = [day for day in dates if label(day) == label(today)]
    if name == "today":
        return current, [_earlier_date(today, by)]
    if name == "week" or by == "last_week":
        weeks = 52 if by == "last_year" else 1
        return current, [day - 7 * weeks * DAY for day in current]
    months = 12 if name == "year" or by == "last_year" else 1
    wanted = _months_before(today, months)
    return current, [day for day in dates if label(day) == label(wanted)]


def _same_moment(through: int, by: str, name: str, before: list[date], zone: str) -> int:
    today = wall(through, zone).date()
    midnight = begin(today, zone)
    passed = [wall(quarter, zone) + QUARTER for quarter in range(midnight, through)]
    shown = max([*passed, wall(through, zone)]) - datetime.combine(today, time())
    _, place = LABELS[name]
    if name in ("month", "year") and by == "last_week":
        same = [today - 7 * DAY]
    else:
        same = [day for day in before if place(day) == place(today)]
    if same:
        end = first_showing(datetime.combine(same[0], time()) + shown, zone)
    else:  # all dates that come before it in the period count, and nothing of the next one
        end = begin(max(day for day in before if place(day) < place(today)) + DAY, zone)
    return min(end, begin(max(before) + DAY, zone))


LABELS: dict[str, tuple[Callable[[date], object], Callable[[date], tuple[int, ...]]]] = {
    "today": (lambda day: day, lambda day: ()),
    "week": (lambda day: day.isocalendar()[:2], lambda day: (day.weekday(),)),
    "month": (lambda day: (day.year, day.month), lambda day: (day.day,)),
    "year": (lambda day: day.year, lambda day: (day.month, day.day)),
}
"""For each period: what all its dates have in common, and a date's place in it."""


def _earlier_date(day: date, by: str) -> date:
    if by == "previous":
        return day - DAY
    if by == "last_week":
        return day - 7 * DAY
    wanted = (2, 28) if (day.month, day.day) == (2, 29) else (day.month, day.day)
    dates = [day - n * DAY for n in range(364, 368)]
    return next(each for each in dates if (each.month, each.day) == wanted)


def _months_before(day: date, months: int) -> date:
    """Some date of the month so many months earlier."""
    number = day.year * 12 + day.month - 1 - months
    return date(number // 12, number % 12 + 1, 1)
