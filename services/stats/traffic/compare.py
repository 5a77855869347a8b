"""Each calendar period beside an earlier one, up to the same moment of it. Pure.

Both sides end at `through`, the start of the current quarter of an hour, and at its counterpart in
the earlier period. So both are whole quarters and the comparison is exact. Periods are dates of a
time zone; quarters are those of `shared.storage.quarters`.

    by           today              yesterday        week              month         year
    previous     yesterday          the day before   last week         last month    last year
    last_week    7 days earlier     7 days earlier   last week         7 days earlier, both ends
    last_year    same date          same date        52 weeks earlier  same month    last year

The counterpart of a moment has the same place in its period (weekday, day of the month, or date)
and the same time on the clock:

- A date that the earlier period lacks (30 February, or 29 February in a common year) counts as its
  next midnight; of today and yesterday, 29 February is compared with the 28th.
- A time that the earlier day's clock skips counts as the moment of the jump, one that it repeats as
  its first occurrence.
- While today's clock repeats an hour, its counterpart is the end of that hour. So what is compared
  with never shrinks.
- A day that a country skipped has no quarters: its span is empty, and its reads are 0.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from services.stats.periods import Period, midnight, reached, year_before
from shared.storage.quarters import QUARTER, quarter_of, start_of

ComparedBy = Literal["previous", "last_week", "last_year"]
_DAY, _WEEK = timedelta(days=1), timedelta(days=7)
_YEAR_OF_WEEKS = 52 * _WEEK
"""Keeps the weekdays: a week is compared with a week."""


@dataclass(frozen=True, slots=True)
class PeriodPair:
    """A period and the earlier one that it is compared with, each as (first quarter, first quarter
    after it). Equal quarters are an empty span, such as at midnight.
    """

    current: Period
    before: Period

    @property
    def periods(self) -> tuple[Period, Period]:
        """Both."""
        return self.current, self.before


@dataclass(frozen=True, slots=True)
class _Earlier:
    """The period before: its first date, and the counterpart of today in it."""

    first: date
    same: date
    missing: bool = False
    """True if the counterpart does not exist: then `same` is the date after it."""


def compared_periods(now: datetime, zone: ZoneInfo, by: ComparedBy) -> dict[str, PeriodPair]:
    """today, yesterday, week (since Monday), month and year at `now`, each until `through`, beside
    the period before. Yesterday and what it is compared with are whole days.
    """
    through = quarter_of(now)
    today = start_of(through).astimezone(zone).date()
    clock = _clock(through, zone)
    pairs = {}
    for name, first in _firsts(today).items():
        earlier = _earlier(name, today, by)
        if name == "yesterday":
            pairs[name] = PeriodPair(_day(first, zone), _day(earlier.first, zone))
        else:
            pairs[name] = PeriodPair(
                _until(_quarter(first, zone), through),
                _until(_quarter(earlier.first, zone), _counterpart(earlier, clock, zone)),
            )
    return pairs


def _firsts(today: date) -> dict[str, date]:
    """The first date of each period."""
    return {
        "today": today,
        "yesterday": today - _DAY,
        "week": today - timedelta(days=today.weekday()),
        "month": today.replace(day=1),
        "year": today.replace(month=1, day=1),
    }


def _earlier(name: str, today: date, by: ComparedBy) -> _Earlier:
    """The period with which `name` is compared."""
    first = _firsts(today)[name]
    if name == "week" or by == "last_week":
        back = _YEAR_OF_WEEKS if by == "last_year" else _WEEK
        return _Earlier(first - back, today - back)
    if name in ("today", "yesterday"):
        day = first - _DAY if by == "previous" else year_before(first)
        return _Earlier(day, day)
    if name == "month" and by == "previous":
        start = (first - _DAY).replace(day=1)
        return _placed(start, start, today.day)
    start = first.replace(year=first.year - 1)
    return _placed(start, start.replace(month=today.month), today.day)


def _placed(start: date, month: date, day: int) -> _Earlier:
    """A period whose counterpart of today is a day of `month`, which may not have it."""
    after = _next_month(month)
    if day > (after - _DAY).day:
        return _Earlier(start, after, missing=True)
    return _Earlier(start, month.replace(day=day))


def _next_month(first: date) -> date:
    # 32 days after the first of a month lie in the next one.
    return (first + timedelta(days=32)).replace(day=1)


def _counterpart(earlier: _Earlier, clock: timedelta, zone: ZoneInfo) -> int:
    """The quarter at which the earlier period is where the current one is."""
    return reached(earlier.same, timedelta(0) if earlier.missing else clock, zone)


def _day(day: date, zone: ZoneInfo) -> Period:
    return _quarter(day, zone), _quarter(day + _DAY, zone)


def _until(first: int, end: int) -> Period:
    return first, max(first, end)


def _quarter(day: date, zone: ZoneInfo) -> int:
    return quarter_of(midnight(day, zone))


def _local(quarter: int, zone: ZoneInfo) -> datetime:
    return start_of(quarter).astimezone(zone)


def _clock(through: int, zone: ZoneInfo) -> timedelta:
    """The latest time that the clock has shown today until `through`, as time since its midnight.
    While an hour is repeated that is the end of this hour.
    """
    local, passed = _local(through, zone), timedelta(0)
    quarter = through
    while local.fold:
        quarter, passed = quarter - 1, QUARTER
        local = _local(quarter, zone)
    naive = local.replace(tzinfo=None)
    today = _local(through, zone).date()
    return naive + passed - datetime.combine(today, time())
