"""The clock, which is injected, so that tests can set the time."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""A function that answers the current time as an aware UTC datetime."""


def now() -> datetime:
    """The current time in UTC, cut to milliseconds, because MongoDB stores no more."""
    return from_millis(time.time_ns() // 1_000_000)


def from_millis(milliseconds: int) -> datetime:
    """Milliseconds since 1970 as an aware UTC datetime."""
    seconds, rest = divmod(milliseconds, 1000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest * 1000)


def to_millis(moment: datetime) -> int:
    """An aware datetime as milliseconds since 1970."""
    return int(moment.timestamp() * 1000 + 0.5)


def rfc3339(moment: datetime) -> str:
    """An aware datetime as RFC 3339 in UTC with milliseconds: `2026-11-23T07:05:00.000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
