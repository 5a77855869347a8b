"""The MongoDB module of recounts: the ledger, corrections so far, plans, and kept classes.

    recounts    <number>       {token, made_at, reach: {…}, rules, batches, done}
                <token>/<n>    {token, made_at, moves, sources}, the correcting batches of a plan

A plan counts once its document with the number is there, which only one process can insert. Its
batches are there before, and are deleted when it has ended. Those of a process that was killed
before, or came second, are deleted a day later.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from pymongo.errors import DuplicateKeyError

from luotdoc_subscriber.base.clock import to_millis
from luotdoc_subscriber.base.errors import Refused
from services.counter.recount.judging import Changes
from services.counter.recount.plan import Reach, RecountPlan
from shared.rabbit.batch import Batch, Move, Source
from shared.storage.errors import store
from shared.storage.quarters import PER_DAY, day_number
from shared.storage.types import MongoDatabase
from shared.storage.versions import DOCUMENT_VERSION, Document, readable_document

FORGOTTEN = timedelta(days=1)
"""Age at which batches without a plan are deleted: a plan is made within minutes."""
MILLISECONDS = 60_000
"""Timeout for one query."""


@store
class RecountStore:
    """Reads what a recount needs, and keeps its plan."""

    def __init__(self, db: MongoDatabase) -> None:
        self._db = db

    async def counted(self, names: Sequence[str]) -> set[str]:
        """Those batches of `names` that are in the ledger."""
        found = self._db.ledger.find(
            {"_id": {"$in": list(names)}}, {"_id": 1}, max_time_ms=MILLISECONDS
        )
        return {document["_id"] async for document in found}

    async def parked(self, names: Sequence[str]) -> int:
        """How many batches of `names` are parked."""
        chosen = {"_id": {"$in": list(names)}}
        return int(await self._db.parked.count_documents(chosen, maxTimeMS=MILLISECONDS))

    async def take_back_corrections(self, changes: Changes, first: int) -> None:
        """Subtract from `changes` what was corrected in the quarters from `first` on."""
        async for found in self._db.corrections.find({}, max_time_ms=MILLISECONDS):
            document = readable_document("corrections", found)
            for move in document["moves"]:
                if move[3] >= first:
                    changes.take_back(tuple(move))
            for source in document["sources"]:
                if source[0] >= first:
                    changes.take_back_source(tuple(source))

    async def last_plan(self) -> RecountPlan | None:
        """The plan with the highest number."""
        found = await self._db.recounts.find_one(
            {"_id": {"$type": "number"}}, sort=[("_id", -1)], max_time_ms=MILLISECONDS
        )
        return _plan(readable_document("recounts", found)) if found else None

    async def keep(
        self, plan: RecountPlan, parts: Iterable[tuple[Sequence[Move], Sequence[Source]]]
    ) -> None:
        """Store the plan with its batches. Raises `Refused` if another process was faster."""
        forgotten = {"_id": {"$type": "string"}, "made_at": {"$lt": plan.made_at - FORGOTTEN}}
        await self._db.recounts.delete_many(forgotten)
        fixed: Document = {"v": DOCUMENT_VERSION, "token": plan.token, "made_at": plan.made_at}
        for number, (moves, sources) in enumerate(parts):
            await self._db.recounts.insert_one(
                {"_id": f"{plan.token}/{number:08}", **fixed, "moves": moves, "sources": sources}
            )
        header = {"reach": asdict(plan.reach), "rules": plan.rules, "batches": plan.batches}
        try:
            await self._db.recounts.insert_one(
                {"_id": plan.number, **fixed, **header, "done": False}
            )
        except DuplicateKeyError:
            await self._delete_batches(plan)
            raise Refused(
                "another recount was decided on at the same time; run this again: it finishes that "
                "one, and then looks for further differences"
            ) from None

    async def batches(self, plan: RecountPlan) -> AsyncIterator[Batch]:
        """The correcting batches of a plan, in order."""
        found = self._db.recounts.find(
            {"_id": {"$gte": f"{plan.token}/", "$lt": f"{plan.token}0"}}, max_time_ms=MILLISECONDS
        ).sort("_id", 1)
        async for document in found:
            part = readable_document("recounts", document)
            yield plan.batch(
                int(part["_id"].rpartition("/")[2]), to_millis(plan.made_at),
                [tuple(move) for move in part["moves"]],
                [tuple(source) for source in part["sources"]],
            )  # fmt: skip

    async def end(self, plan: RecountPlan) -> None:
        """Note that a plan was carried out, or can't be any more."""
        await self._db.recounts.update_one({"_id": plan.number}, {"$set": {"done": True}})
        await self._delete_batches(plan)

    async def _delete_batches(self, plan: RecountPlan) -> None:
        chosen = {"_id": {"$gte": f"{plan.token}/", "$lt": f"{plan.token}0"}}
        await self._db.recounts.delete_many(chosen)

    async def kept(self, kind: str, before: int) -> AsyncIterator[tuple[str, int, int]]:
        """(article, quarter, reads) of the filtered class `kind` before the quarter `before`, in
        buckets and archive, the `SITE` among the articles.
        """
        # Also those whose sum is 0: one slot may have the reads, another one their correction.
        chosen, fields = {f"filtered.{kind}": {"$exists": True}}, f"by.{kind}"
        async for found in self._db.buckets.find(
            chosen, {"article": 1, "day": 1, "v": 1, fields: 1}, max_time_ms=MILLISECONDS
        ):
            bucket = readable_document("buckets", found)
            for one in _of_day(bucket, kind, bucket["article"], bucket["day"], before):
                yield one
        async for found in self._db.archive.find({}, max_time_ms=MILLISECONDS):
            month = readable_document("archive", found)
            for day, sums in month["days"].items():
                name = f"{month['month']}-{day}"
                for one in _of_day(sums, kind, month["article"], name, before):
                    yield one


def _of_day(
    sums: Document, kind: str, article: str, day: str, before: int
) -> Iterable[tuple[str, int, int]]:
    quarters: dict[str, Any] = sums.get("by", {}).get(kind, {})
    for place, reads in quarters.items():
        quarter = day_number(day) * PER_DAY + int(place)
        if quarter < before and reads:
            yield article, quarter, reads


def _plan(document: Document) -> RecountPlan:
    return RecountPlan(
        document["_id"], document["token"], document["made_at"], Reach(**document["reach"]),
        document["rules"], document["batches"], document["done"],
    )  # fmt: skip
