"""The fixed windows of top lists, and which time is closed. Pure.

A window is a period of quarters. The rolling ones begin at the quarter of an hour that contains
their start and have no end, so that reads of an ingest whose clock is ahead are included.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from services.stats.periods import Period, hour_start, site_periods
from shared.storage.quarters import CLOSED, quarter_of

NEVER = 1 << 40
"""The end of a window that has none, as a quarter."""

ROLLING = {
    "1h": timedelta(hours=1),
    "6h": timedelta(hours=6),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
    "90d": timedelta(days=90),
}
TWELVE_MONTHS, EVER = "12mo", "all"
CALENDAR = ("today", "yesterday", "week", "month", "year")
FIXED = (*ROLLING, TWELVE_MONTHS, *CALENDAR, EVER)
"""The windows that are kept in memory."""


def window_spans(now: datetime, zone: ZoneInfo) -> dict[str, Period]:
    """The span of each window of `FIXED` at `now`, in the site's zone."""
    starts = {name: quarter_of(now - length) for name, length in ROLLING.items()}
    starts[TWELVE_MONTHS] = quarter_of(_year_before(now, zone))
    starts[EVER] = 0
    spans = {name: (start, NEVER) for name, start in starts.items()} | site_periods(now, zone)
    return {name: spans[name] for name in FIXED}


def _year_before(now: datetime, zone: ZoneInfo) -> datetime:
    """The same time of the day a year earlier; of 29 February, on the 28th."""
    local = now.astimezone(zone)
    if (local.month, local.day) == (2, 29):
        local = local.replace(day=28)
    return local.replace(year=local.year - 1, fold=0)


def closed_until(now: datetime, zone: ZoneInfo) -> int:
    """The quarter before which every hour of `zone` is closed at `now`."""
    return hour_start(quarter_of(now - CLOSED), zone)
