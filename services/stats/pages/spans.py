"""The periods that a page can show: their steps, and those of the period before. Pure.

Edges are quarters in rising order, as in `shared.storage.quarters`; neighbours bound a step.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from services.stats.periods import Step, midnight, steps
from shared.storage.quarters import PER_DAY, quarter_of, start_of

PERIODS = ("24h", "7d", "30d", "90d", "12mo", "all")
"""The windows of top lists that a page can show."""
DEFAULT_PERIOD = "7d"
_DAYS = {"24h": 1, "7d": 7, "30d": 30, "90d": 90, "12mo": 365}
_STACK_STEPS: dict[str, Step] = {
    "24h": "hour", "7d": "day", "30d": "day", "90d": "week", "12mo": "month", "all": "month",
}  # fmt: skip
MOST_DAYS, MOST_WEEKS = 400, 260
"""Upper bounds for the points of a course by day and by week; a longer one is by months."""
MOST_MONTHS = 240
LEAST_HEAT_DAYS, MOST_HEAT_DAYS = 7, 90
"""Bounds for the days of a heat map, whatever the period."""


@dataclass(frozen=True, slots=True)
class Steps:
    """Equal steps of time, and those of the period before; `before` is empty if there is none."""

    step: Step
    edges: Sequence[int]
    before: Sequence[int] = ()


@lru_cache(maxsize=1024)
def hours_of_day(day: date, zone: ZoneInfo) -> Sequence[int]:
    """The quarters at which the hours of a day begin, and the one after it."""
    first, end = midnight(day, zone), midnight(day + timedelta(days=1), zone)
    return tuple(map(quarter_of, steps("hour", first, end, zone)))


@lru_cache(maxsize=1024)
def clock_hours(day: date, zone: ZoneInfo) -> Sequence[int]:
    """What the clock shows at the beginning of each hour of a day, 0 to 23."""
    return [start_of(each).astimezone(zone).hour for each in hours_of_day(day, zone)[:-1]]


@lru_cache(maxsize=32)
def day_edges(first: date, number: int, zone: ZoneInfo) -> Sequence[int]:
    """The quarters at which `number` days begin, and the one after them."""
    return tuple(
        quarter_of(midnight(first + timedelta(days=each), zone)) for each in range(number + 1)
    )


def hour_edges(first: date, number: int, zone: ZoneInfo) -> Sequence[int]:
    """The quarters at which the hours of `number` days begin, and the one after them."""
    found: list[int] = []
    for each in range(number):
        hours = hours_of_day(first + timedelta(days=each), zone)
        found += hours[1:] if found else hours
    return found


def local_date(now: datetime, zone: ZoneInfo) -> date:
    """The date of `zone` at `now`."""
    return now.astimezone(zone).date()


def today_steps(now: datetime, zone: ZoneInfo) -> Steps:
    """The hours of today, and those of the same weekday a week before."""
    today = local_date(now, zone)
    return Steps("hour", hours_of_day(today, zone), hours_of_day(today - timedelta(7), zone))


def period_steps(period: str, now: datetime, zone: ZoneInfo, first: date) -> Steps:
    """The steps of a period that ends now. `first` is the day of the first known read, at which
    `all` begins.
    """
    if period == "24h":
        start = now - timedelta(hours=23)
        edges = tuple(map(quarter_of, steps("hour", start, now, zone)))
        return Steps("hour", edges, [edge - PER_DAY for edge in edges])
    if period == "all":
        return long_steps(first, now, zone)
    number = _DAYS[period]
    begin = local_date(now, zone) - timedelta(days=number - 1)
    earlier = begin - timedelta(days=number)
    if period == "7d":
        return Steps("hour", hour_edges(begin, 7, zone), hour_edges(earlier, 7, zone))
    return Steps("day", day_edges(begin, number, zone), day_edges(earlier, number, zone))


def long_steps(first: date, now: datetime, zone: ZoneInfo) -> Steps:
    """The days from `first` until now; weeks or months if there are too many."""
    end = local_date(now, zone)
    number = max(1, (end - first).days + 1)
    if number <= MOST_DAYS:
        return Steps("day", day_edges(end - timedelta(days=number - 1), number, zone))
    step: Step = "week" if number <= 7 * MOST_WEEKS else "month"
    return Steps(step, _long_edges(step, first, end, zone))


@lru_cache(maxsize=32)
def _long_edges(step: Step, first: date, end: date, zone: ZoneInfo) -> Sequence[int]:
    edges = steps(step, midnight(first, zone), midnight(end + timedelta(days=1), zone), zone)
    return tuple(map(quarter_of, edges))[-MOST_MONTHS - 1 :]


def year_steps(now: datetime, zone: ZoneInfo) -> Steps:
    """The days of the last 365, and of those before."""
    return period_steps("12mo", now, zone, local_date(now, zone))


def stack_steps(period: str, now: datetime, zone: ZoneInfo, first: date) -> Steps:
    """The few steps of a period in which classes are stacked."""
    step, end = _STACK_STEPS[period], local_date(now, zone)
    if step == "hour":
        return Steps(step, period_steps(period, now, zone, first).edges)
    begin = first if period == "all" else end - timedelta(days=_DAYS[period] - 1)
    return Steps(step, _long_edges(step, min(begin, end), end, zone))


def heat_days(period: str, now: datetime, zone: ZoneInfo, first: date) -> int:
    """The number of days of a period's heat map."""
    known = (local_date(now, zone) - first).days + 1
    days = _DAYS.get(period, known)
    return min(max(days, LEAST_HEAT_DAYS), MOST_HEAT_DAYS)


def day_span(edges: Sequence[int], zone: ZoneInfo) -> tuple[date, date]:
    """The first date that a series touches, and the first one after it."""
    last = start_of(edges[-1] - 1).astimezone(zone).date()
    return start_of(edges[0]).astimezone(zone).date(), last + timedelta(days=1)


def is_over(edges: Sequence[int], now: datetime) -> list[bool]:
    """Whether each step has ended at `now`."""
    current = quarter_of(now)
    return [end <= current for _, end in pairwise(edges)]


async def warm_hours(now: datetime, zone: ZoneInfo, days: int, in_a_turn: int) -> None:
    """Look up the hours of the last days, which take long, so that they are known. Other work runs
    in between.
    """
    today = local_date(now, zone)
    for each in range(days):
        clock_hours(today - timedelta(days=each), zone)
        if each % in_a_turn == in_a_turn - 1:
            await asyncio.sleep(0)
