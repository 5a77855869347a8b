"""Calendar periods in a time zone, correct across changes of the clock. Pure."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from shared.storage.quarters import quarter_of, start_of

Step = Literal["hour", "day", "week", "month"]
Period = tuple[int, int]
"""The first quarter of an hour of a period, and the first one after it."""
PER_HOUR = 4
"""Quarters in an hour in which the clock does not move."""
_LONGEST = {
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
    "month": timedelta(days=31),
}
_DEFAULT = {"hour": timedelta(hours=24), "day": timedelta(days=30), "week": timedelta(weeks=26)}


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The first moment of `day` in `zone`, in UTC.
    If the clock skips midnight, the moment after the jump.
    """
    return datetime.combine(day, time(), zone).astimezone(UTC)


def year_before(day: date) -> date:
    """The same date a year earlier; of 29 February the 28th."""
    if (day.month, day.day) == (2, 29):
        day = day.replace(day=28)
    return day.replace(year=day.year - 1)


def reached(day: date, clock: timedelta, zone: ZoneInfo) -> int:
    """The first quarter of `day` at whose start its clock shows at least `clock`, the time since
    its midnight. A time that the clock skips counts as the moment of the jump, one that it repeats
    as its first occurrence.
    """
    wanted = datetime.combine(day, time()) + clock
    quarter = quarter_of(wanted.replace(tzinfo=zone).astimezone(UTC))
    # Python answers a skipped time with a moment after the jump, which may be later than it.
    while start_of(quarter - 1).astimezone(zone).replace(tzinfo=None) >= wanted:
        quarter -= 1
    return quarter


def site_periods(now: datetime, zone: ZoneInfo) -> dict[str, Period]:
    """today, yesterday, week (since Monday), month and year around `now`, in quarters.

    All but yesterday end with the end of today,
    so that reads of an ingest whose clock is ahead are included.
    """
    today = now.astimezone(zone).date()
    tomorrow = today + timedelta(days=1)
    bounds = {
        "today": (today, tomorrow),
        "yesterday": (today - timedelta(days=1), today),
        "week": (today - timedelta(days=today.weekday()), tomorrow),
        "month": (today.replace(day=1), tomorrow),
        "year": (today.replace(month=1, day=1), tomorrow),
    }
    return {
        name: (quarter_of(midnight(first, zone)), quarter_of(midnight(end, zone)))
        for name, (first, end) in bounds.items()
    }


def steps(step: Step, start: datetime, end: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """The moments (UTC) at which hours, days, weeks or months of `zone` start, from the one that
    contains `start` to the first one not before `end`. Two neighbours bound one point of a series.

    A repeated hour counts as two, a skipped one as none; a day may have 23 or 25 hours.
    """
    edges = _hours(start, zone) if step == "hour" else _dates(step, start, zone)
    last = None
    for edge in edges:
        if edge != last:  # a day that a country skipped has no length: it is no step
            yield edge
        if edge >= end:
            return
        last = edge


def least_steps(step: Step, start: datetime, end: datetime) -> int:
    """A lower bound for the number of `steps` between two moments, a few below it. It costs
    nothing, and the number itself as much as the steps.
    """
    number = (end - start) // _LONGEST[step]
    # A country has skipped a day, or moves its clock by half an hour twice a year.
    return max(1, number - number // 1000 - 2)


def back(step: Step, end: datetime, zone: ZoneInfo) -> datetime:
    """The default start of a series that ends at `end`: 24 hours, 30 days, 26 weeks or 12 months
    earlier.
    """
    if step != "month":
        return end - _DEFAULT[step]
    local = end.astimezone(zone).date()
    return midnight(local.replace(year=local.year - 1, day=1), zone)


def _dates(step: Step, start: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    day = start.astimezone(zone).date()
    if step == "month":
        day = day.replace(day=1)
    elif step == "week":
        day -= timedelta(days=day.weekday())
    while True:
        yield midnight(day, zone)
        # 32 days after the first of a month lie in the next one.
        day = (
            (day + timedelta(days=32)).replace(day=1)
            if step == "month"
            else day + timedelta(days=7 if step == "week" else 1)
        )


def hour_start(quarter: int, zone: ZoneInfo) -> int:
    """The first quarter of the hour of `zone` that contains `quarter`."""
    while _hour(quarter - 1, zone) == _hour(quarter, zone):
        quarter -= 1
    return quarter


def _hours(start: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    quarter = hour_start(quarter_of(start), zone)
    local = start_of(quarter).astimezone(zone)
    while True:
        yield start_of(quarter)
        later = start_of(quarter + PER_HOUR).astimezone(zone)
        if local.minute == 0 and later.utcoffset() == local.utcoffset():
            quarter, local = quarter + PER_HOUR, later
            continue
        # The clock moves in this hour.
        current = _hour(quarter, zone)
        while _hour(quarter, zone) == current:
            quarter += 1
        local = start_of(quarter).astimezone(zone)


def _hour(quarter: int, zone: ZoneInfo) -> tuple[date, int, timedelta | None]:
    local = start_of(quarter).astimezone(zone)
    return local.date(), local.hour, local.utcoffset()
