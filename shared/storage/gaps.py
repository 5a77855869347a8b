"""Gaps in the sequences of epochs, and up to which moment the counts are complete. Pure.

`shared.storage.books` reads what this module judges.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from luotdoc_subscriber.base.clock import from_millis

LIVE = timedelta(seconds=60)
"""An epoch that was seen within this time is running."""
SPACING = timedelta(seconds=10)
"""Upper bound for the time between two batches of an ingest:
a second of idleness, and its timeout for a confirm."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """One epoch in the books, added up over the slots."""

    name: str
    batches: int
    """Number of counted batches."""
    top: int
    """The highest sequence number seen, counted or parked."""
    first_minted_at: datetime
    last_minted_at: datetime
    """Times of the first and the last counted batch."""
    parked: int
    """Number of parked batches, those declared lost included."""

    @property
    def missing(self) -> int:
        """Number of batches up to `top` that are neither counted nor parked."""
        return max(0, self.top + 1 - self.batches - self.parked)


@dataclass(frozen=True, slots=True)
class Whole:
    """The complete part of an epoch: every batch below number `until` is counted or parked.

    `minted_at` is the time of the last counted one of them.
    """

    until: int
    minted_at: datetime


@dataclass(frozen=True, slots=True)
class Gap:
    """The gap of an epoch that has ended: `missing` batches that were never seen, although later
    ones were.
    """

    epoch: str
    missing: int
    last_seen: datetime
    """Time at which the epoch's last counted batch was minted."""


@dataclass(frozen=True, slots=True)
class OpenGap:
    """The gap of a running epoch. No batch from before `since` is missing."""

    epoch: str
    missing: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Hole:
    """One missing sequence number of an epoch.
    Its batch was minted before `before`, the time of the next batch seen.
    """

    sequence: int
    before: datetime


@dataclass(slots=True)
class Descent:
    """Searches an epoch's first missing batch from the top down,
    because the ledger's oldest entries expire.
    """

    top: int
    missing: int
    parked: frozenset[int]
    _next: int = field(init=False)
    _found: int = field(init=False)
    _sorted: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self._next, self._found = self.top, 0
        self._sorted = sorted(self.parked)

    def _parked_through(self, sequence: int) -> int:
        return bisect_right(self._sorted, sequence)

    def step(self, sequence: int, minted_at: datetime) -> Whole | None:
        """Take the ledger's next lower entry.
        Answers the complete part once all missing numbers are above it; the search ends then.
        """
        # Counts with the parked numbers, which are few.
        # A loop over the numbers between two entries could be 10¹² long.
        holes = (
            self._next
            - sequence
            - (self._parked_through(self._next) - self._parked_through(sequence))
        )
        self._found += holes
        self._next = sequence - 1
        if self._found < self.missing:
            return None
        first = sequence + 1
        while first in self.parked:
            first += 1
        return Whole(first, minted_at)


def ascend(whole: Whole, entries: Iterable[tuple[int, datetime]], parked: frozenset[int]) -> Whole:
    """Extend the complete part by the ledger's next entries,
    in rising order, up to the first missing number.
    """
    until, minted_at = whole.until, whole.minted_at
    for sequence, minted in entries:
        while until in parked:
            until += 1
        if sequence != until:
            break
        until, minted_at = sequence + 1, minted
    return Whole(until, minted_at)


def earliest(epoch: Epoch) -> datetime:
    """A moment before which no batch of `epoch` is missing,
    wherever its gap is, even if its first batches are.
    """
    try:
        return epoch.first_minted_at - SPACING * (epoch.missing + epoch.parked + 1)
    except OverflowError:
        return from_millis(0)  # a sequence that no ingest has reached


def complete(epoch: Epoch, whole: Whole | None) -> datetime:
    """A moment: every read that `epoch` accepted before it is counted or parked.

    `whole` is the known complete part of an epoch with missing batches, None if none is known.
    """
    if not epoch.missing:
        return epoch.last_minted_at
    return min(whole.minted_at, epoch.last_minted_at) if whole else earliest(epoch)


def gaps(epochs: Iterable[Epoch], now: datetime) -> list[Gap]:
    """The gaps of epochs that have ended, not seen in the minute before `now`, sorted by name."""
    ended = (e for e in epochs if e.missing and e.last_minted_at < now - LIVE)
    return [Gap(e.name, e.missing, e.last_minted_at) for e in sorted(ended, key=lambda e: e.name)]


def holes(
    top: int, last: datetime, seen: Iterable[tuple[int, datetime]], parked: frozenset[int]
) -> list[Hole]:
    """The numbers up to `top` that are neither parked nor in `seen`, which is in rising order.

    `last` is the time given to numbers above all of `seen`.
    """
    found, begin = list[Hole](), 0
    for sequence, minted_at in [*seen, (top + 1, last)]:
        found += [
            Hole(number, minted_at) for number in range(begin, sequence) if number not in parked
        ]
        begin = sequence + 1
    return found
