"""counter's MongoDB module: the flush transaction, the totals, the notes on parked batches, the slots' leases."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo import DeleteMany, InsertOne, ReturnDocument, UpdateOne

from services.counter.tally import EpochSums, Increments, by_day, fold
from shared.base.clock import Clock, from_millis
from shared.rabbit.batch import KEYED, Batch, batch_id, place
from shared.storage import counts
from shared.storage.books import LOST, Books
from shared.storage.collections import VERSION
from shared.storage.transactions import snapshot, transaction
from shared.storage.types import Client, Database, Session

SLOTS = 16
LEASE_SECONDS = 30
NO_SLOT = -1

Write = InsertOne[dict[str, Any]] | UpdateOne | DeleteMany


@dataclass(frozen=True)
class Flushed:
    """What a flush has added; `fresh` are the batches that the ledger did not hold."""

    increments: Increments
    fresh: int
    conflicts: int
    """How often the transaction ran in vain before."""


class CounterStore:
    """Counts, buckets, ledger, books, slots and notes on parked batches."""

    def __init__(self, client: Client, db: Database, clock: Clock) -> None:
        self._client, self._db, self._clock = client, db, clock

    async def flush(self, batches: Sequence[Batch], slot: int) -> Flushed:
        """Commit `batches` in one transaction: those that the ledger lacks are added, under `slot`.

        Raises PyMongo's errors, after which the outcome may be unknown. Calling it again is always safe, since it
        begins with a look into the ledger; that is also the cure for a `DuplicateKeyError` or write conflict, by
        which two counters that were handed the same batch find out.
        """
        by_id = {batch.batch_id: batch for batch in batches}

        attempts = 0

        async def once(session: Session) -> Flushed:
            nonlocal attempts
            attempts += 1
            cursor = self._db.ledger.find({"_id": {"$in": list(by_id)}}, {"_id": 1}, session=session)
            known = {document["_id"] async for document in cursor}
            increments = fold(batches, known)
            fresh = [batch for name, batch in by_id.items() if name not in known]
            for collection, writes in _writes(increments, fresh, slot, self._clock()).items():
                if writes:
                    await self._db[collection].bulk_write(writes, ordered=False, session=session)
            return Flushed(increments, len(fresh), attempts - 1)

        return await transaction(self._client, once)

    async def totals(self, articles: Iterable[str]) -> dict[str, int]:
        """Counted reads of each article, over all slots."""
        rows = self._db.counts.aggregate(counts.reads_by_article(list(articles)))
        return {row["_id"]: row["reads"] async for row in rows}

    async def complete_through(self, books: Books, now: datetime) -> datetime | None:
        """Before this moment every numbered read is counted or parked, if that can be said."""
        async with snapshot(self._client) as session:
            return await books.complete_through(session, now)

    async def note_parked(self, name: str, reads: int, reason: str, at: datetime) -> None:
        """Remember a batch that was parked: it fills its place in the sequence without being counted.

        Nothing is noted of a batch that the ledger holds: it was counted, and this is a repetition of it.
        """
        if await self._db.ledger.find_one({"_id": name}, {"_id": 1}):
            return
        # One that was given up has turned up: its reads are known now.
        await self._db.parked.delete_one({"_id": name, "reason": LOST})
        epoch, seq = place(name)
        note = {
            "v": VERSION,
            "epoch": None if epoch == KEYED else epoch,
            "seq": seq,
            "reads": reads,
            "reason": reason,
            "parked_at": at,
        }
        await self._db.parked.update_one({"_id": name}, {"$setOnInsert": note}, upsert=True)

    async def give_up(self, epoch: str, sequences: Sequence[int], at: datetime) -> int:
        """Note batches of `epoch` as lost, in one transaction, except those that the ledger holds by now.

        Answers how many notes were made; a repetition makes none.
        """
        ids = {batch_id(epoch, sequence): sequence for sequence in sequences}

        async def once(session: Session) -> int:
            cursor = self._db.ledger.find({"_id": {"$in": list(ids)}}, {"_id": 1}, session=session)
            known = {document["_id"] async for document in cursor}
            fresh = [name for name in ids if name not in known]
            if not fresh:
                return 0
            # Put in and taken out again: a flush that counts one of them at the same time conflicts with this, and
            # the later of the two runs again and sees the other's work.
            await self._db.ledger.insert_many([{"_id": name, "counted_at": at} for name in fresh], session=session)
            await self._db.ledger.delete_many({"_id": {"$in": fresh}}, session=session)
            fixed = {"v": VERSION, "epoch": epoch, "reads": 0, "reason": LOST, "parked_at": at}
            notes = [
                UpdateOne({"_id": name}, {"$setOnInsert": {**fixed, "seq": ids[name]}}, upsert=True) for name in fresh
            ]
            made = await self._db.parked.bulk_write(notes, ordered=False, session=session)
            return int(made.upserted_count)

        return await transaction(self._client, once)

    async def lease(self, owner: str, held: int) -> int:
        """Renew the lease on slot `held`, or take a free one; `NO_SLOT` when all are taken.

        Ends are compared with the server's clock. The lease only spares conflicts: nothing is wrong without it.
        """
        # A slot that nobody has held yet has no end, and a missing value compares as less than any time.
        free = {"$or": [{"$eq": ["$owner", owner]}, {"$lt": ["$until", "$$NOW"]}]}
        until = {"$dateAdd": {"startDate": "$$NOW", "unit": "second", "amount": LEASE_SECONDS}}
        take = {
            "v": VERSION,
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
        """Give the slot back."""
        await self._db.slots.delete_many({"owner": owner})


def _writes(increments: Increments, fresh: Iterable[Batch], slot: int, at: datetime) -> dict[str, list[Write]]:
    """The writes of a flush by collection."""
    batches = list(fresh)
    writes: dict[str, list[Write]] = {
        # An entry lives from its commit: one that was forced in may be minted longer ago than the ledger goes back.
        # If ingest's clock is ahead, from its minting: it must outlive all that is not yet `too_old`.
        "ledger": [
            InsertOne({"_id": b.batch_id, "minted_at": minted, "counted_at": max(at, minted)})
            for b in batches
            for minted in [from_millis(b.minted_at)]
        ],
        # What was parked and is now counted has been redriven.
        "parked": [DeleteMany({"_id": {"$in": [b.batch_id for b in batches]}})] if batches else [],
    }
    upserts: dict[str, list[counts.Upsert]] = {
        "counts": [
            counts.count(article, slot, number)
            for article, number in (*increments.reads.items(), (counts.SITE, increments.total))
            if number
        ],
        # An article that has only filtered reads gets a bucket too, and nothing else.
        "buckets": [
            counts.bucket(article, day, slot, gained.people, gained.filtered)
            for (article, day), gained in by_day(increments).items()
        ],
        "books": [counts.book(epoch, slot, _entry(sums)) for epoch, sums in increments.epochs.items()],
    }
    for collection, some in upserts.items():
        writes[collection] = [_versioned(each) for each in some]
    return writes


def _entry(sums: EpochSums) -> counts.BookEntry:
    seen = None
    if sums.batches:  # without a new batch there are no times to convert
        seen = sums.max_seq, from_millis(sums.first_minted_at), from_millis(sums.last_minted_at)
    return counts.BookEntry(sums.batches, sums.accepted, sums.duplicates, sums.filtered, seen)


def _versioned(upsert: counts.Upsert) -> UpdateOne:
    update = upsert.update
    update["$setOnInsert"]["v"] = VERSION
    return UpdateOne({"_id": upsert.id}, update, upsert=True)
