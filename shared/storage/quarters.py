"""Quarters of an hour: the resolution of the time buckets. Pure.

A quarter is an int: the number of 15-minute steps since 1970 in UTC. Since 1972 every time zone's
offset has been a multiple of 15 minutes, so a local hour, day or month is a whole number of
quarters. `edges` are quarters in rising order: n + 1 of them bound n consecutive ranges.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

QUARTER = timedelta(minutes=15)
PER_DAY = 96

LATE = timedelta(hours=2)
"""A flush that adds to a quarter which ended so long ago also writes a late marker (`counts.late`),
by counter's clock."""
CLOSED = timedelta(hours=3)
"""stats closes an hour so long after its end, by its own clock: what it has added up is then final
but for late markers.

No read can hide between the two. Take a read that is missing from a closed hour: its flush
committed after stats' snapshot. The flush read its clock at most 90 s before the commit, because
MongoDB ends older transactions (after 60 s, looking each 30 s). So that clock showed at least
`CLOSED`, less 90 s and less what it was behind stats' clock, after the hour's end. That is more
than `LATE` unless the clocks differ by more than an hour less 90 s: so the marker is written, in
the same transaction. A primary that has just lost its majority may answer from a snapshot older
than the question; its age, some 10 s, counts like a difference of the clocks."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = _EPOCH.date().toordinal()


def quarter_of(moment: datetime) -> int:
    """The quarter that contains the aware datetime `moment`."""
    return (moment - _EPOCH) // QUARTER


def start_of(quarter: int) -> datetime:
    """The moment at which `quarter` starts, UTC."""
    return _EPOCH + quarter * QUARTER


def late_before(moment: datetime) -> int:
    """The quarter before which all are late at `moment`: they ended `LATE` ago or longer."""
    return quarter_of(moment - LATE)


def day_name(day: int) -> str:
    """The name in buckets, such as `2026-11-23`, of a UTC day counted from 1970."""
    return date.fromordinal(_EPOCH_DAY + day).isoformat()


def day_number(name: str) -> int:
    """The UTC day, counted from 1970, of a name such as `2026-11-23`."""
    return date.fromisoformat(name).toordinal() - _EPOCH_DAY


def quarters(day: str, q: Mapping[str, int]) -> Iterable[tuple[int, int]]:
    """The (quarter, reads) of a bucket: its day and its `q`, `{"0": n … "95": n}`."""
    first = day_number(day) * PER_DAY
    return ((first + int(name), reads) for name, reads in q.items())


def add_up(edges: Sequence[int], parts: Iterable[tuple[int, int]]) -> list[int]:
    """The reads in each range between `edges`.
    A part is (quarter, reads); a whole day's is at its first quarter.

    Parts outside the edges are left out.
    """
    totals = [0] * (len(edges) - 1)
    for quarter, reads in parts:
        place = bisect_right(edges, quarter) - 1
        if 0 <= place < len(totals):
            totals[place] += reads
    return totals
