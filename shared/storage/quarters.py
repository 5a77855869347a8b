"""Quarters of an hour: the resolution of the time buckets. Pure.

A quarter is an int, the number of 15-minute steps since 1970 in UTC. Every time zone's offset has been a multiple of
15 minutes since 1972, so a local hour, day or month is always a whole number of quarters. `edges` are rising quarters:
n + 1 of them bound n ranges that follow each other.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

QUARTER = timedelta(minutes=15)
PER_DAY = 96
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = _EPOCH.date().toordinal()


def quarter_of(moment: datetime) -> int:
    """The quarter that an aware `moment` lies in."""
    return (moment - _EPOCH) // QUARTER


def start_of(quarter: int) -> datetime:
    """The moment at which `quarter` starts, UTC."""
    return _EPOCH + quarter * QUARTER


def day_name(day: int) -> str:
    """A UTC day, counted from 1970, as the buckets name it: `2026-11-23`."""
    return date.fromordinal(_EPOCH_DAY + day).isoformat()


def day_number(name: str) -> int:
    """The opposite of `day_name`."""
    return date.fromisoformat(name).toordinal() - _EPOCH_DAY


@dataclass(frozen=True, slots=True)
class Days:
    """The UTC days that some ranges touch, as the buckets name them."""

    first: str
    last: str
    cut: list[str]
    """Those that an edge cuts in two: their quarters are needed, of the others the whole day's reads will do."""

    @property
    def has_whole(self) -> bool:
        """True when a day between the first and the last is not cut."""
        return day_number(self.last) - day_number(self.first) + 1 > len(self.cut)


def days(edges: Sequence[int]) -> Days:
    """Which days the ranges between `edges` touch."""
    cut = sorted({edge // PER_DAY for edge in edges if edge % PER_DAY})
    return Days(
        day_name(edges[0] // PER_DAY),
        day_name((edges[-1] - 1) // PER_DAY),
        [day_name(day) for day in cut],
    )


def quarters(day: str, q: Mapping[str, int]) -> Iterable[tuple[int, int]]:
    """The (quarter, reads) of a bucket: its day and its `q`, `{"0": n … "95": n}`."""
    first = day_number(day) * PER_DAY
    return ((first + int(name), reads) for name, reads in q.items())


def add_up(edges: Sequence[int], parts: Iterable[tuple[int, int]]) -> list[int]:
    """The reads in each range between `edges`; a part is (a quarter, reads), and whole days stand at their first.

    What lies outside the edges is left out.
    """
    totals = [0] * (len(edges) - 1)
    for quarter, reads in parts:
        place = bisect_right(edges, quarter) - 1
        if 0 <= place < len(totals):
            totals[place] += reads
    return totals
