"""The books of counting: which batches are missing, and up to which moment the counts are complete.

The batches of one epoch (one run of one ingest) are numbered without gaps. So a number that is
neither counted nor parked is a batch in flight; if it stays missing, it is a gap. An idle ingest
sends an empty batch every second. So an epoch that was not seen for a minute has ended, and if no
epoch was seen, no ingest reaches RabbitMQ.

The books don't cover two cases: batches with a client's key, which have no sequence, and an ingest
that is cut off from RabbitMQ for more than a minute, until its spool is forwarded.
"""

from datetime import datetime
from typing import Any

from shared.rabbit.batch import KEYED, batch_id
from shared.storage.errors import store
from shared.storage.gaps import (
    LIVE,
    Descent,
    Epoch,
    Gap,
    Hole,
    OpenGap,
    Whole,
    ascend,
    complete,
    gaps,
    holes,
)
from shared.storage.types import MongoDatabase, Session
from shared.storage.versions import Document, readable_document, with_version

LOST = "lost"
"""Reason of a note in `parked` about a batch that an operator has declared lost. The note has no
reads and closes the gap. If the batch arrives after all, the flush that counts it deletes the
note."""

LOOK_BACK = 200_000
"""Upper bound for the ledger entries that one search for a gap reads:
a quarter of an hour of the busiest ingest."""

CHUNK = 500
MILLISECONDS = 10_000
"""Timeout for one query. Clients and the gauges of the books wait for it."""
SCAN_MILLISECONDS = 60_000
"""That of an operator's command, which reads an epoch's whole ledger."""


@store
class Books:
    """Reads the books. Use one object per process: it caches each epoch's complete part, so that a
    gap that stays open costs one query and not a scan of the ledger.

    Every method takes a session from `mongo.snapshot`,
    so that books, parked and ledger are read as of one moment.
    """

    def __init__(self, db: MongoDatabase) -> None:
        self._db = db
        self._whole: dict[str, Whole] = {}

    async def complete_through(self, session: Session, now: datetime) -> datetime | None:
        """A moment: every numbered read accepted before it is counted or parked.

        It is the earliest one of the epochs seen in the minute before `now`; None if none was seen.
        """
        pages = self._db.books.find(
            {"last_minted_at": {"$gte": now - LIVE}},
            {"epoch": 1, "v": 1},
            session=session,
            max_time_ms=MILLISECONDS,
        )
        seen = {readable_document("books", page)["epoch"] for page in await pages.to_list(None)}
        names = sorted(seen - {KEYED})
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

    async def running_gaps(self, session: Session, now: datetime) -> list[OpenGap]:
        """The gaps, open for more than a minute, of epochs that run at `now`, sorted by name."""
        found = []
        for epoch in await self._epochs(session, None):
            if epoch.missing and epoch.last_minted_at >= now - LIVE:
                whole = self._whole.get(epoch.name) or await self._find_whole(session, epoch, None)
                since = complete(epoch, whole)
                if since < now - LIVE:
                    found.append(OpenGap(epoch.name, epoch.missing, since))
        return sorted(found, key=lambda gap: gap.epoch)

    async def lost(self, session: Session) -> int:
        """Number of batches that operators declared lost and that have not arrived since."""
        return int(
            await self._db.parked.count_documents(
                {"reason": LOST}, session=session, maxTimeMS=MILLISECONDS
            )
        )

    async def epoch(self, session: Session, name: str) -> Epoch | None:
        """One epoch, or None if no batch of it was ever counted."""
        found = await self._epochs(session, [name])
        return found[0] if found else None

    async def holes(self, session: Session, epoch: Epoch) -> list[Hole]:
        """The missing numbers of `epoch`. The ledger must still hold all its counted batches."""
        parked = await self._parked_numbers(session, epoch.name)
        ids = {"$gte": batch_id(epoch.name, 0), "$lte": batch_id(epoch.name, epoch.top)}
        ledger: Any = self._db.ledger.find(
            {"_id": ids}, {"minted_at": 1}, session=session, max_time_ms=SCAN_MILLISECONDS
        ).sort("_id", 1)
        seen = [_numbered(entry) async for entry in ledger]
        return holes(epoch.top, epoch.last_minted_at, seen, parked)

    async def late_holes(self, session: Session, epoch: Epoch) -> list[Hole]:
        """The missing numbers of `epoch` if the ledger may have forgotten its first batches.

        Above the lowest number in the ledger they are exact. Further missing batches are among the
        forgotten numbers, it is not known which; they are too old to be counted silently. The
        lowest unparked numbers stand for them.
        """
        found = await self.holes(session, epoch)
        lowest: Any = self._db.ledger.find(
            {"_id": {"$gte": batch_id(epoch.name, 0)}},
            session=session,
            max_time_ms=SCAN_MILLISECONDS,
        )
        first = [_numbered(entry) async for entry in lowest.sort("_id", 1).limit(1)]
        begin = first[0][0] if first and first[0][0] <= epoch.top else epoch.top + 1
        above = [hole for hole in found if hole.sequence > begin]
        below = [hole for hole in found if hole.sequence < begin]
        return below[: max(0, epoch.missing - len(above))] + above

    async def _parked_numbers(self, session: Session, name: str) -> frozenset[int]:
        aside = self._db.parked.find(
            {"epoch": name}, {"seq": 1, "v": 1}, session=session, max_time_ms=MILLISECONDS
        )
        return frozenset([readable_document("parked", entry)["seq"] async for entry in aside])

    async def _epochs(self, session: Session, names: list[str] | None) -> list[Epoch]:
        # A page's id is <epoch>/<slot>, and "0" follows "/" in ASCII:
        # the range finds every slot of an epoch.
        pages = [{"_id": {"$gte": f"{name}/", "$lt": f"{name}0"}} for name in names or ()]
        books: list[Document] = [
            # A page with duplicates only has no times and no sequence.
            {
                "$match": {"batches": {"$gt": 0}}
                | ({"$or": pages} if pages else {"epoch": {"$ne": KEYED}})
            },
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
        pages_of = self._db.books.aggregate(
            with_version(books), session=session, maxTimeMS=MILLISECONDS
        )
        aside = self._db.parked.aggregate(
            with_version(parked), session=session, maxTimeMS=MILLISECONDS
        )
        found = await pages_of.to_list(None)
        apart = {row["_id"]: readable_document("parked", row) async for row in aside}
        return [_epoch(readable_document("books", row), apart.get(row["_id"])) for row in found]

    async def _find_whole(
        self, session: Session, epoch: Epoch, known: Whole | None
    ) -> Whole | None:
        if not epoch.missing:
            return Whole(epoch.top + 1, epoch.last_minted_at)
        parked = await self._parked_numbers(session, epoch.name)
        bottom = batch_id(epoch.name, known.until if known else 0)
        ids = {"$gte": bottom, "$lte": batch_id(epoch.name, epoch.top)}
        ledger: Any = self._db.ledger.find(
            {"_id": ids}, {"minted_at": 1}, session=session, max_time_ms=MILLISECONDS
        )
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
