"""Time, injected, so that tests can say what time it is."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Answers the present moment, aware, UTC."""


def now() -> datetime:
    """The present moment in UTC, cut to milliseconds: what MongoDB keeps and what we compare with."""
    return from_millis(time.time_ns() // 1_000_000)


def from_millis(milliseconds: int) -> datetime:
    """Milliseconds since 1970 as an aware UTC time."""
    seconds, rest = divmod(milliseconds, 1000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest * 1000)


def to_millis(moment: datetime) -> int:
    """An aware time as milliseconds since 1970."""
    return int(moment.timestamp() * 1000 + 0.5)


def rfc3339(moment: datetime) -> str:
    """An aware time as RFC 3339 in UTC with milliseconds: `2026-11-23T07:05:00.000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
