"""The fixed windows of top lists, and which time is closed. Pure.

A window is a period of quarters. The rolling ones begin at the quarter of an hour that contains
their start and have no end, so that reads of an ingest whose clock is ahead are included.
"""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from services.stats.periods import Period, hour_start, reached, site_periods, year_before
from shared.storage.quarters import CLOSED, quarter_of, start_of

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
    starts[TWELVE_MONTHS] = _twelve_months_before(now, zone)
    starts[EVER] = 0
    spans = {name: (start, NEVER) for name, start in starts.items()} | site_periods(now, zone)
    return {name: spans[name] for name in FIXED}


def _twelve_months_before(now: datetime, zone: ZoneInfo) -> int:
    """The quarter at whose start the clock showed, a year earlier, what it showed at the start of
    this one; of 29 February, on the 28th. A time that the clock skipped counts as the moment of the
    jump, as in comparisons (`services/stats/traffic/compare.py`).
    """
    shown = start_of(quarter_of(now)).astimezone(zone).replace(tzinfo=None)
    clock = shown - datetime.combine(shown.date(), time())
    return reached(year_before(shown.date()), clock, zone)


def closed_until(now: datetime, zone: ZoneInfo) -> int:
    """The quarter before which every hour of `zone` is closed at `now`."""
    return hour_start(quarter_of(now - CLOSED), zone)
