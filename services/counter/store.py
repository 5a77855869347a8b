"""counter's MongoDB module: the flush transaction, totals, notes on parked batches, slots."""

from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from pymongo import DeleteMany, InsertOne, ReturnDocument, UpdateOne
from pymongo.errors import PyMongoError

from luotdoc_subscriber.base.clock import Clock, from_millis
from luotdoc_subscriber.base.errors import Transient
from services.counter.tally import EpochSums, Increments, by_day, days_before, fold
from shared.rabbit.batch import KEYED, Batch, batch_id, place
from shared.storage import counts
from shared.storage.books import LOST, Books
from shared.storage.errors import is_duplicate, store
from shared.storage.quarters import late_before
from shared.storage.transactions import snapshot, transaction
from shared.storage.types import Client, MongoDatabase, Session
from shared.storage.versions import DOCUMENT_VERSION, readable_document, with_version

SLOTS = 16
LEASE_SECONDS = 30
NO_SLOT = -1

T = TypeVar("T")

Write = InsertOne[dict[str, Any]] | UpdateOne | DeleteMany


@dataclass(frozen=True)
class Flushed:
    """The result of a flush. `fresh` is the number of batches that were new to the ledger."""

    increments: Increments
    fresh: int
    late: int
    """Number of late markers, one for each UTC day."""
    conflicts: int
    """Number of attempts that failed with a conflict before this one."""


@store
class CounterStore:
    """Reads and writes counts, buckets, late markers, ledger, books, slots and notes on parked
    batches."""

    def __init__(self, client: Client, db: MongoDatabase, clock: Clock) -> None:
        self._client, self._db, self._clock = client, db, clock

    async def flush(self, batches: Sequence[Batch], slot: int) -> Flushed:
        """Commit `batches` in one transaction: those that are not in the ledger are counted, under
        `slot`.

        Raises `Transient`, after which the outcome may be unknown. Calling it again is always safe,
        because the transaction begins with a look into the ledger.
        """
        by_id = {batch.batch_id: batch for batch in batches}

        attempts = 0

        async def once(session: Session) -> Flushed:
            nonlocal attempts
            attempts += 1
            known = await self._known(batches, session)
            increments = fold(batches, known)
            fresh = [batch for name, batch in by_id.items() if name not in known]
            writes = _writes(increments, fresh, slot, self._clock())
            for collection, some in writes.items():
                if some:
                    await self._db[collection].bulk_write(some, ordered=False, session=session)
            return Flushed(increments, len(fresh), len(writes["late"]), attempts - 1)

        return await self._commit(once)

    async def _known(self, batches: Sequence[Batch], session: Session) -> set[str]:
        """Ids of those that were counted. `corrections` are kept for longer than the ledger: if an
        operator forces an old one, inserting it again would fail every flush that has it.
        """
        known: set[str] = set()
        correcting = [batch.batch_id for batch in batches if batch.corrects]
        every = [batch.batch_id for batch in batches]
        for collection, names in ((self._db.ledger, every), (self._db.corrections, correcting)):
            if names:
                found = collection.find({"_id": {"$in": names}}, {"_id": 1}, session=session)
                known |= {document["_id"] async for document in found}
        return known

    async def _commit(self, once: Callable[[Session], Coroutine[Any, Any, T]]) -> T:
        try:
            return await transaction(self._client, once)
        except PyMongoError as error:
            if is_duplicate(error):  # not a bug: the next attempt finds the batch in the ledger
                raise Transient("another counter commits the same batch") from error
            raise

    async def totals(self, articles: Iterable[str]) -> dict[str, counts.Total]:
        """Counted reads of each article, over all slots."""
        rows = self._db.counts.aggregate(with_version(counts.reads_by_article(list(articles))))
        return counts.totals([readable_document("counts", row) async for row in rows])

    async def complete_through(self, books: Books, now: datetime) -> datetime | None:
        """The moment before which every numbered read is counted or parked;
        None if it is not known.
        """
        async with snapshot(self._client) as session:
            return await books.complete_through(session, now)

    async def note_parked(self, name: str, reads: int, reason: str, at: datetime) -> None:
        """Note a parked batch, so that its sequence number is not a gap.

        A batch in the ledger is not noted: it was counted, and this is a duplicate.
        """
        if await self._db.ledger.find_one({"_id": name}, {"_id": 1}):
            return
        # A batch that was declared lost has arrived. Its old note must go: it has no reads.
        await self._db.parked.delete_one({"_id": name, "reason": LOST})
        epoch, seq = place(name)
        note = {
            "v": DOCUMENT_VERSION, "epoch": None if epoch == KEYED else epoch, "seq": seq,
            "reads": reads, "reason": reason, "parked_at": at,
        }  # fmt: skip
        await self._db.parked.update_one({"_id": name}, {"$setOnInsert": note}, upsert=True)

    async def give_up(self, epoch: str, sequences: Sequence[int], at: datetime) -> int:
        """Note batches of `epoch` as lost, in one transaction, except those in the ledger.
        Idempotent. Returns the number of new notes.
        """
        ids = {batch_id(epoch, sequence): sequence for sequence in sequences}

        async def once(session: Session) -> int:
            cursor = self._db.ledger.find({"_id": {"$in": list(ids)}}, {"_id": 1}, session=session)
            known = {document["_id"] async for document in cursor}
            fresh = [name for name in ids if name not in known]
            if not fresh:
                return 0
            # Insert and delete the ids. Without this a flush that counts one of them at the same
            # time would not conflict, and both would commit. With it the later one runs again and
            # sees the other's work.
            await self._db.ledger.insert_many(
                [{"_id": name, "counted_at": at} for name in fresh], session=session
            )
            await self._db.ledger.delete_many({"_id": {"$in": fresh}}, session=session)
            fixed = {
                "v": DOCUMENT_VERSION, "epoch": epoch, "reads": 0, "reason": LOST, "parked_at": at,
            }  # fmt: skip
            notes = [
                UpdateOne({"_id": name}, {"$setOnInsert": {**fixed, "seq": ids[name]}}, upsert=True)
                for name in fresh
            ]
            made = await self._db.parked.bulk_write(notes, ordered=False, session=session)
            return int(made.upserted_count)

        return await self._commit(once)

    async def lease(self, owner: str, held: int) -> int:
        """Renew the lease on slot `held`, or lease a free slot.
        Returns the slot, or `NO_SLOT` if all are leased.

        The server's clock decides whether a lease has expired. A lease of a newer version is never
        free. Leases only avoid conflicts; counts are right without them.
        """
        # An unused slot has neither `until` nor `v`; a missing value is less than any other.
        ended = {"$or": [{"$eq": ["$owner", owner]}, {"$lt": ["$until", "$$NOW"]}]}
        free = {"$and": [{"$lte": ["$v", DOCUMENT_VERSION]}, ended]}
        until = {"$dateAdd": {"startDate": "$$NOW", "unit": "second", "amount": LEASE_SECONDS}}
        take = {
            "v": {"$cond": [free, DOCUMENT_VERSION, "$v"]},
            "owner": {"$cond": [free, owner, "$owner"]},
            "until": {"$cond": [free, until, "$until"]},
        }
        order = [held] if held != NO_SLOT else []
        for slot in [*order, *(slot for slot in range(SLOTS) if slot != held)]:
            got = await self._db.slots.find_one_and_update(
                {"_id": slot}, [{"$set": take}], upsert=True, return_document=ReturnDocument.AFTER
            )
            if got["owner"] == owner:
                return slot
        return NO_SLOT

    async def release(self, owner: str) -> None:
        """Release the slot of `owner`."""
        await self._db.slots.delete_many({"owner": owner})


def _writes(
    increments: Increments, fresh: Iterable[Batch], slot: int, at: datetime
) -> dict[str, list[Write]]:
    """The writes of a flush by collection."""
    batches = list(fresh)
    writes: dict[str, list[Write]] = {
        # An entry expires 72 hours after `counted_at`, the later of commit and minting. With the
        # time of minting alone, the entry of a forced old batch would expire at once. With the time
        # of the commit alone and ingest's clock ahead, it would expire before the batch is too old
        # to be counted again.
        "ledger": [
            InsertOne({"_id": b.batch_id, "minted_at": minted, "counted_at": max(at, minted)})
            for b in batches
            for minted in [from_millis(b.minted_at)]
        ],
        # A parked batch that is counted now was redriven, so its note must go.
        "parked": [DeleteMany({"_id": {"$in": [b.batch_id for b in batches]}})] if batches else [],
        "corrections": [InsertOne(_correction(b, at)) for b in batches if b.corrects],
    }
    upserts: dict[str, list[counts.Upsert]] = {
        "counts": [
            counts.count(article, slot, number, increments.lowers(article))
            for article, number in (*increments.reads.items(), (counts.SITE, increments.total))
            if number or increments.lowers(article)
        ],
        # An article with nothing but filtered reads gets a bucket and no count.
        "buckets": [
            counts.bucket(article, day, slot, entry)
            for (article, day), entry in by_day(increments).items()
        ],
        # `at` is read within the transaction: that bounds the time from it to the commit.
        "late": [counts.late(day, slot) for day in days_before(increments, late_before(at))],
        "books": [
            counts.book(epoch, slot, _entry(sums)) for epoch, sums in increments.epochs.items()
        ],
    }
    for collection, some in upserts.items():
        writes[collection] = [_versioned(each) for each in some]
    return writes


def _entry(sums: EpochSums) -> counts.BookEntry:
    seen = None
    if sums.batches:  # only duplicates bring no times
        seen = sums.max_seq, from_millis(sums.first_minted_at), from_millis(sums.last_minted_at)
    return counts.BookEntry(
        sums.batches, sums.accepted, sums.duplicates, sums.filtered, seen, sums.corrected
    )


def _correction(batch: Batch, at: datetime) -> dict[str, Any]:
    return {
        "_id": batch.batch_id, "v": DOCUMENT_VERSION, "counted_at": at,
        "moves": [list(move) for move in batch.moves],
        "sources": [list(source) for source in batch.sources],
    }  # fmt: skip


def _versioned(upsert: counts.Upsert) -> UpdateOne:
    update = upsert.update
    update["$setOnInsert"]["v"] = DOCUMENT_VERSION
    return UpdateOne({"_id": upsert.id}, update, upsert=True)
