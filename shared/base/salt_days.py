"""The days of salts, which are also those of unique readers. Pure.

Such a day is the site's, and begins at 04:00 in its time zone: hashes of two days can't be
compared. It is numbered from 1970.
"""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

TURN = time(4)
"""Local time at which a salt's day begins. Fewest visits cross it."""
_EPOCH_DAY = date(1970, 1, 1).toordinal()


def day_of(moment: datetime, zone: ZoneInfo) -> date:
    """The day whose salt is used at `moment`."""
    local = moment.astimezone(zone)
    return local.date() if local.time() >= TURN else local.date() - timedelta(days=1)


def begin_of(day: date, zone: ZoneInfo) -> datetime:
    """The moment at which a salt's day begins."""
    return datetime.combine(day, TURN, zone)


def salt_day_number(day: date) -> int:
    """The number of a day, as batches have it."""
    return day.toordinal() - _EPOCH_DAY


def salt_day(number: int) -> date:
    """The day with a number."""
    return date.fromordinal(number + _EPOCH_DAY)
