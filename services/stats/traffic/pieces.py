"""Which projections a span of time consists of. Pure.

A projection stands for a closed hour, day or month of the site's zone. What no projection covers is
a `RAW` piece, which is added up from buckets and archive.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Literal
from zoneinfo import ZoneInfo

from services.stats import periods
from services.stats.periods import Period
from shared.storage.quarters import PER_DAY, quarter_of, start_of

HOURS_KEPT = 35 * PER_DAY
"""Quarters for which hours are kept after their end."""
PieceKind = Literal["hour", "day", "month"]
RAW: Literal["raw"] = "raw"
KINDS: tuple[PieceKind, ...] = ("month", "day", "hour")


@dataclass(frozen=True, slots=True)
class Piece:
    """A span of time from the quarter `first` until before `end`: a projection's, or raw."""

    kind: PieceKind | Literal["raw"]
    first: int
    end: int

    def id(self, zone: ZoneInfo) -> str:
        """The id of its projection: `hour/<first quarter>`, `day/2026-11-23`, `month/2026-11`."""
        if self.kind == "hour":
            return f"hour/{self.first}"
        day = start_of(self.first).astimezone(zone).date().isoformat()
        return f"{self.kind}/{day[:7] if self.kind == 'month' else day}"

    @property
    def days(self) -> range:
        """The UTC days that it touches, counted from 1970."""
        return range(self.first // PER_DAY, (self.end - 1) // PER_DAY + 1)


def whole(kind: PieceKind, span: Period, zone: ZoneInfo) -> list[Piece]:
    """The hours, days or months of `zone` that lie whole in `span`, in order."""
    first, end = span
    if first >= end:
        return []
    edges = _edges(kind, start_of(first), start_of(end), zone)
    return [Piece(kind, a, b) for a, b in pairwise(edges) if first <= a and b <= end]


def _edges(kind: PieceKind, first: datetime, end: datetime, zone: ZoneInfo) -> Iterator[int]:
    return (quarter_of(moment) for moment in periods.steps(kind, first, end, zone))


def cover(span: Period, zone: ZoneInfo) -> list[Piece]:
    """`span` in as few pieces as possible: raw up to the first whole hour, day or month, then the
    longest projections, whose last ones are hours. The span must end with an hour of `zone`.

    The start of a span with a whole day is raw up to the first midnight: one sum over the buckets
    of that day is cheaper than its hours.
    """
    first, end = span
    for kind in ("day", "hour"):
        if parts := whole(kind, span, zone):
            start = parts[0].first
            return [*_raw(first, start), *_filled((start, end), zone)]
    return _raw(first, end)


def _raw(first: int, end: int) -> list[Piece]:
    return [Piece(RAW, first, end)] if first < end else []


def _filled(span: Period, zone: ZoneInfo) -> list[Piece]:
    """`span`, which begins with a day or an hour, in months, days and hours."""
    found: list[Piece] = []
    gaps = [span]
    for kind in KINDS:
        left: list[Period] = []
        for first, end in gaps:
            parts = whole(kind, (first, end), zone)
            found += parts
            left += [(first, parts[0].first), (parts[-1].end, end)] if parts else [(first, end)]
        gaps = [gap for gap in left if gap[0] < gap[1]]
    found += [Piece(RAW, first, end) for first, end in gaps]
    return sorted(found, key=lambda piece: piece.first)


def projected(first_read: int, closed: int, zone: ZoneInfo) -> list[Piece]:
    """Every projection that there must be while time is closed until the quarter `closed`:
    days and months since the quarter `first_read`, and hours of the last 35 days. The latest of
    each kind first; days come before the months that are made from them.
    """
    days = whole("day", (_begin("day", first_read, zone), closed), zone)
    months = whole("month", (month_start(first_read, zone), closed), zone)
    since = max(first_read, closed - HOURS_KEPT)
    hours = whole("hour", (_begin("hour", since, zone), closed), zone)
    return [*reversed(days), *reversed(months), *reversed(hours)]


def month_start(quarter: int, zone: ZoneInfo) -> int:
    """The first quarter of the month of `zone` that contains `quarter`."""
    return _begin("month", quarter, zone)


def _begin(kind: PieceKind, quarter: int, zone: ZoneInfo) -> int:
    moment = start_of(quarter)
    return quarter_of(next(periods.steps(kind, moment, moment, zone)))
