"""The books of counting: which batches are missing, and up to which moment the counts are complete.

The batches of one epoch (one run of one ingest) are numbered without gaps. So a number that is
neither counted nor parked is a batch in flight; if it stays missing, it is a gap. An idle ingest
sends an empty batch every second. So an epoch that was not seen for a minute has ended, and if no
epoch was seen, no ingest reaches RabbitMQ.

The books don't cover two cases: batches with a client's key, which have no sequence, and an ingest
that is cut off from RabbitMQ for more than a minute, until its spool is forwarded.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from shared.base.clock import from_millis
from shared.rabbit.batch import KEYED, batch_id
from shared.storage.types import Database, Document, Session

LIVE = timedelta(seconds=60)
"""An epoch that was seen within this time is running."""
LOST = "lost"
"""Reason of a note in `parked` about a batch that an operator has declared lost. The note has no
reads and closes the gap. If the batch arrives after all, the flush that counts it deletes the
note."""
SPACING = timedelta(seconds=10)
"""Upper bound for the time between two batches of an ingest:
a second of idleness, and its timeout for a confirm."""

LOOK_BACK = 200_000
"""Upper bound for the ledger entries that one search for a gap reads:
a quarter of an hour of the busiest ingest."""

CHUNK = 500


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
    parked: int = 0
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
    """The gap of an epoch: `missing` batches that were never seen, although later ones were."""

    epoch: str
    missing: int
    last_seen: datetime
    """Time at which the epoch's last counted batch was minted."""
    since: datetime | None = None
    """For a running epoch: no batch from before this moment is missing.
    None for an epoch that has ended."""


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
    _found: int = field(init=False, default=0)
    _sorted: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self._next = self.top
        self._sorted = sorted(self.parked)

    def _parked_through(self, sequence: int) -> int:
        return bisect_right(self._sorted, sequence)

    def step(self, sequence: int, minted_at: datetime) -> Whole | None:
        """Take the ledger's next lower entry.
        Answers the complete part once all missing numbers are above it.
        """
        # Counts with the parked numbers, which are few.
        # A loop over the numbers between two entries could be 10¹² long.
        holes = self._next - sequence - (self._parked_through(self._next) - self._parked_through(sequence))
        self._found += holes
        self._next = sequence - 1
        if holes <= 0 or self._found < self.missing:
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


def holes(top: int, last: datetime, seen: Iterable[tuple[int, datetime]], parked: frozenset[int]) -> list[Hole]:
    """The numbers up to `top` that are neither parked nor in `seen`, which is in rising order.

    `last` is the time given to numbers above all of `seen`.
    """
    found, begin = list[Hole](), 0
    for sequence, minted_at in [*seen, (top + 1, last)]:
        found += [Hole(number, minted_at) for number in range(begin, sequence) if number not in parked]
        begin = sequence + 1
    return found


class Books:
    """Reads the books. Use one object per process: it caches each epoch's complete part, so that a
    gap that stays open costs one query and not a scan of the ledger.

    Every method takes a session from `mongo.snapshot`,
    so that books, parked and ledger are read as of one moment.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._whole: dict[str, Whole] = {}

    async def complete_through(self, session: Session, now: datetime) -> datetime | None:
        """A moment: every numbered read accepted before it is counted or parked.

        It is the earliest one of the epochs seen in the minute before `now`; None if none was seen.
        """
        pages = self._db.books.find({"last_minted_at": {"$gte": now - LIVE}}, {"epoch": 1}, session=session)
        names = sorted({page["epoch"] for page in await pages.to_list(None)} - {KEYED})
        known, self._whole = self._whole, {}
        answers = []
        for epoch in await self._epochs(session, names) if names else []:
            whole = await self._find_whole(session, epoch, known.get(epoch.name))
            if whole:
                self._whole[epoch.name] = whole
            answers.append(complete(epoch, whole))
        return min(answers, default=None)

    async def missing(self, session: Session, now: datetime) -> tuple[int, list[Gap]]:
        """The number of missing batches of all epochs,
        and the gaps of those that have ended by `now`.

        The cost grows with the number of epochs.
        """
        epochs = await self._epochs(session, None)
        return sum(epoch.missing for epoch in epochs), gaps(epochs, now)

    async def running_gaps(self, session: Session, now: datetime) -> list[Gap]:
        """The gaps, open for more than a minute, of epochs that run at `now`, sorted by name."""
        found = []
        for epoch in await self._epochs(session, None):
            if epoch.missing and epoch.last_minted_at >= now - LIVE:
                whole = self._whole.get(epoch.name) or await self._find_whole(session, epoch, None)
                since = complete(epoch, whole)
                if since < now - LIVE:
                    found.append(Gap(epoch.name, epoch.missing, epoch.last_minted_at, since))
        return sorted(found, key=lambda gap: gap.epoch)

    async def lost(self, session: Session) -> int:
        """Number of batches that operators declared lost and that have not arrived since."""
        return int(await self._db.parked.count_documents({"reason": LOST}, session=session))

    async def epoch(self, session: Session, name: str) -> Epoch | None:
        """One epoch, or None if no batch of it was ever counted."""
        found = await self._epochs(session, [name])
        return found[0] if found else None

    async def holes(self, session: Session, epoch: Epoch) -> list[Hole]:
        """The missing numbers of `epoch`. The ledger must still hold all its counted batches."""
        parked = await self._parked_numbers(session, epoch.name)
        ids = {"$gte": batch_id(epoch.name, 0), "$lte": batch_id(epoch.name, epoch.top)}
        ledger: Any = self._db.ledger.find({"_id": ids}, {"minted_at": 1}, session=session).sort("_id", 1)
        seen = [_numbered(entry) async for entry in ledger]
        return holes(epoch.top, epoch.last_minted_at, seen, parked)

    async def late_holes(self, session: Session, epoch: Epoch) -> list[Hole]:
        """The missing numbers of `epoch` if the ledger may have forgotten its first batches.

        Above the lowest number in the ledger they are exact. Further missing batches are among the
        forgotten numbers, it is not known which; they are too old to be counted silently. The
        lowest unparked numbers stand for them.
        """
        found = await self.holes(session, epoch)
        lowest: Any = self._db.ledger.find({"_id": {"$gte": batch_id(epoch.name, 0)}}, session=session)
        first = [_numbered(entry) async for entry in lowest.sort("_id", 1).limit(1)]
        begin = first[0][0] if first and first[0][0] <= epoch.top else epoch.top + 1
        above = [hole for hole in found if hole.sequence > begin]
        below = [hole for hole in found if hole.sequence < begin]
        return below[: max(0, epoch.missing - len(above))] + above

    async def _parked_numbers(self, session: Session, name: str) -> frozenset[int]:
        aside = self._db.parked.find({"epoch": name}, {"seq": 1}, session=session)
        return frozenset([entry["seq"] async for entry in aside])

    async def _epochs(self, session: Session, names: list[str] | None) -> list[Epoch]:
        # A page's id is <epoch>/<slot>, and "0" follows "/" in ASCII:
        # the range finds every slot of an epoch.
        pages = [{"_id": {"$gte": f"{name}/", "$lt": f"{name}0"}} for name in names or ()]
        books: list[Document] = [
            # A page with duplicates only has no times and no sequence.
            {"$match": {"batches": {"$gt": 0}} | ({"$or": pages} if pages else {"epoch": {"$ne": KEYED}})},
            {
                "$group": {
                    "_id": "$epoch",
                    "batches": {"$sum": "$batches"},
                    "top": {"$max": "$max_seq"},
                    "first": {"$min": "$first_minted_at"},
                    "last": {"$max": "$last_minted_at"},
                }
            },
        ]
        parked: list[Document] = [
            {"$match": {"epoch": {"$in": names} if names else {"$ne": None}}},
            {"$group": {"_id": "$epoch", "batches": {"$sum": 1}, "top": {"$max": "$seq"}}},
        ]
        found = await self._db.books.aggregate(books, session=session).to_list(None)
        aside = await self._db.parked.aggregate(parked, session=session).to_list(None)
        return [_epoch(row, next((p for p in aside if p["_id"] == row["_id"]), None)) for row in found]

    async def _find_whole(self, session: Session, epoch: Epoch, known: Whole | None) -> Whole | None:
        if not epoch.missing:
            return Whole(epoch.top + 1, epoch.last_minted_at)
        parked = await self._parked_numbers(session, epoch.name)
        bottom = batch_id(epoch.name, known.until if known else 0)
        ids = {"$gte": bottom, "$lte": batch_id(epoch.name, epoch.top)}
        ledger: Any = self._db.ledger.find({"_id": ids}, {"minted_at": 1}, session=session)
        ledger = ledger.sort("_id", 1 if known else -1).limit(LOOK_BACK).batch_size(CHUNK)
        try:
            return await (_up(ledger, known, parked) if known else _down(ledger, epoch, parked))
        finally:
            await ledger.close()


async def _up(ledger: Any, whole: Whole, parked: frozenset[int]) -> Whole:
    while entries := [_numbered(entry) for entry in await ledger.to_list(CHUNK)]:
        whole = ascend(whole, entries, parked)
        if whole.until <= entries[-1][0]:
            break
    return whole


async def _down(ledger: Any, epoch: Epoch, parked: frozenset[int]) -> Whole | None:
    descent = Descent(epoch.top, epoch.missing, parked)
    while entries := await ledger.to_list(CHUNK):
        for entry in entries:
            if whole := descent.step(*_numbered(entry)):
                return whole
    return None


def _numbered(entry: Document) -> tuple[int, datetime]:
    return int(entry["_id"].rpartition("-")[2]), entry["minted_at"]


def _epoch(page: Document, aside: Document | None) -> Epoch:
    return Epoch(
        name=page["_id"],
        batches=page["batches"],
        top=max(page["top"], aside["top"] if aside else -1),
        first_minted_at=page["first"],
        last_minted_at=page["last"],
        parked=aside["batches"] if aside else 0,
    )
