"""stats' MongoDB module. It writes `catalogue`, and reads the counter's collections.

Counts and buckets are spread over slots, and every query adds the slots up
(`shared.storage.counts`).
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from pymongo import UpdateOne
from pymongo.errors import PyMongoError

from services.stats.catalogue import Change, update_of, update_of_content
from services.stats.exporting.store import DaysStore
from services.stats.traffic.store import TrafficStore
from shared.base.grouped import Grouped
from shared.storage import counts
from shared.storage import quarters as q
from shared.storage.books import Books
from shared.storage.bulk import each_written
from shared.storage.counts import SITE
from shared.storage.errors import is_duplicate, store
from shared.storage.mongo import ping
from shared.storage.transactions import snapshot
from shared.storage.types import Client, MongoDatabase, Session
from shared.storage.versions import Document, readable_document, with_version
from shared.web.state_listing import Held

MAX_MILLISECONDS = 10_000
"""Timeout for a query, after which the client gets 503."""


@dataclass(frozen=True, slots=True)
class BookTotals:
    """The sums of the counter's books, in reads; `duplicates` in batches."""

    accepted: int
    filtered: dict[str, int]
    parked: int
    duplicates: int
    corrected: dict[str, int]


@store
class Store:
    """Queries to the database. Those with a session read its snapshot."""

    def __init__(self, client: Client, db: MongoDatabase) -> None:
        self._client = client
        self._db = db
        self._changes: Grouped[Change, bool] = Grouped(self._apply_all)
        self.books = Books(db)
        self.traffic = TrafficStore(client, db)
        self.days = DaysStore(client, db)

    def snapshot(self) -> AbstractAsyncContextManager[Session]:
        """A session in which all queries see the data of the same moment."""
        return snapshot(self._client)

    async def ping(self) -> None:
        """Return once the database answers. Raises `Transient` if it does not."""
        await ping(self._client)

    async def apply(self, change: Change) -> bool:
        """Apply `change` to the catalogue. False if the catalogue has nothing that is older."""
        return await self._changes.do(change)

    async def _apply_all(self, changes: Sequence[Change]) -> list[bool | Exception]:
        faults = await each_written(self._db.catalogue, [_update_if_older(c) for c in changes])
        outcomes: list[bool | Exception] = []
        for change, fault in zip(changes, faults, strict=True):
            # A duplicate key means that the document is not older, or that another event has just
            # created it. Now that it exists, the second attempt tells the two apart.
            if is_duplicate(fault):
                (fault,) = await each_written(self._db.catalogue, [_update_if_older(change)])
                if is_duplicate(fault):
                    outcomes.append(await self._added(change))
                    continue
            outcomes.append(fault or True)
        return outcomes

    async def _added(self, change: Change) -> bool | Exception:
        """Add the content of an event that is not newer. False if it is older than the stored."""
        if change.content is None:
            return False
        try:
            result = await self._db.catalogue.update_one(
                {"_id": change.article, "content_revision": {"$lt": change.revision}},
                update_of_content(change.content),
            )
        except PyMongoError as error:
            return error
        return result.modified_count > 0

    async def held(self, after: str, limit: int) -> list[Held]:
        """The catalogue for the state listing, sorted by id, with ids after `after`."""
        cursor = (
            self._db.catalogue.find({"_id": {"$gt": after}}, {"revision": 1, "state": 1, "v": 1})
            .sort("_id")
            .limit(limit)
            .max_time_ms(MAX_MILLISECONDS)
        )
        return [
            Held(d["_id"], d["revision"], d["state"])
            async for d in cursor
            if readable_document("catalogue", d)
        ]

    async def article(self, session: Session, article: str) -> Document | None:
        """The catalogue's document of `article`, or None."""
        document = await self._db.catalogue.find_one(
            {"_id": article}, session=session, max_time_ms=MAX_MILLISECONDS
        )
        return readable_document("catalogue", document) if document else None

    async def ledger_batches(self) -> int:
        """The number of batch ids in the ledger, from the collection's metadata: no scan."""
        return await self._db.ledger.estimated_document_count(maxTimeMS=MAX_MILLISECONDS)

    async def counted_now(self) -> int:
        """All counted reads of the site, as the primary has them at this moment."""
        slots = self._db.counts.find(
            {"article": SITE}, {"_id": 0, "reads": 1, "v": 1}, max_time_ms=MAX_MILLISECONDS
        )
        return sum([readable_document("counts", each)["reads"] async for each in slots])

    async def counted(self, session: Session, article: str = SITE) -> counts.Total:
        """All counted reads of an article or the site."""
        rows = await self._sums(session, "counts", counts.reads_by_article([article]))
        return counts.totals(rows).get(article, counts.NOTHING)

    async def top(
        self, session: Session, since: int, limit: int, section: str | None = None
    ) -> list[Document]:
        """The `limit` most read published articles of a section, or of all, as {_id, title, url,
        reads}: most reads first, ties by id.

        Counts reads since the quarter `since`, a time whose buckets are not archived yet
        (`KEEP_DAYS_AT_LEAST`). The database sorts all articles with reads in that time, and looks
        up only as many as it needs to find `limit` published ones.
        """
        known = {"state": "published"} | ({} if section is None else {"section": section})
        pipeline: list[Document] = [
            {"$match": {"article": {"$ne": SITE}, "day": {"$gte": _day(since)}}},
            {"$group": {"_id": "$article", "reads": {"$sum": _since(since)}}},
            {"$match": {"reads": {"$gt": 0}}},
            {"$sort": {"reads": -1, "_id": 1}},
            {
                "$lookup": {
                    "from": "catalogue",
                    "localField": "_id",
                    "foreignField": "_id",
                    "as": "known",
                }
            },
            {"$match": {"known": {"$elemMatch": known}}},
            {"$limit": limit},
            {"$unwind": "$known"},
            {
                "$project": {
                    "reads": 1,
                    "title": "$known.title",
                    "url": "$known.url",
                    "v": {"$max": ["$v", "$known.v"]},
                }
            },
        ]
        return await self._sums(session, "buckets", pipeline)

    async def totals(self, session: Session) -> BookTotals:
        """The sums of books and parked reads over all epochs and slots."""
        books = await self._sums(session, "books", [_sum("accepted", "duplicates")])
        parked = _first(await self._sums(session, "parked", [_sum("reads")]), "reads")
        return BookTotals(
            accepted=_first(books, "accepted") + parked,
            filtered=await self._by_class(session, "filtered"),
            parked=parked,
            duplicates=_first(books, "duplicates"),
            corrected=await self._by_class(session, "corrected"),
        )

    async def _by_class(self, session: Session, field: str) -> dict[str, int]:
        """The sums by class of a field of the books."""
        classes: list[Document] = [
            {"$project": {"class": {"$objectToArray": f"${field}"}}},
            {"$unwind": "$class"},
            {"$group": {"_id": "$class.k", "reads": {"$sum": "$class.v"}}},
            {"$sort": {"_id": 1}},
        ]
        return {row["_id"]: row["reads"] for row in await self._rows(session, "books", classes)}

    async def _sums(
        self, session: Session, collection: str, pipeline: list[Document]
    ) -> list[Document]:
        """The rows of a pipeline with a `$group`. Raises if a document has a newer version."""
        rows = await self._rows(session, collection, with_version(pipeline))
        for row in rows:
            readable_document(collection, row).pop("v", None)
        return rows

    async def _rows(
        self, session: Session, collection: str, pipeline: list[Document]
    ) -> list[Document]:
        cursor = self._db[collection].aggregate(
            pipeline, session=session, maxTimeMS=MAX_MILLISECONDS
        )
        return await cursor.to_list(None)


def _update_if_older(change: Change) -> UpdateOne:
    older = {"_id": change.article, "revision": {"$lt": change.revision}}
    return UpdateOne(older, update_of(change), upsert=True)


def _sum(*fields: str) -> Document:
    sums: dict[str, Any] = {field: {"$sum": f"${field}"} for field in fields}
    return {"$group": {"_id": None} | sums}


def _first(rows: list[Document], field: str) -> int:
    return int(rows[0][field]) if rows else 0


def _day(quarter: int) -> str:
    return q.day_name(quarter // q.PER_DAY)


def _since(quarter: int) -> Document:
    """An expression for a bucket's reads; on the first day only those from `quarter` on."""
    return counts.bucket_reads_from(_day(quarter), quarter % q.PER_DAY, q.PER_DAY)
