"""The MongoDB module of what render's pages show: it writes `online`.

`online` has numbers and article ids only, because render reads it:

    site                         {counted, generation, today, yesterday, week, month, year}
    online                       {online}, readers online
    top:24h, top:7d, top:30d,    {items: [[article, reads], …]}, most reads first
    top:all
    trending                     {items: [[article, reads of two hours], …]}, highest score first

Each has `v`, the moment `as_of` of its figures by the clock of the stats that made them, and
`stored_at` by MongoDB's, by which render judges its age. Null is not known.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pymongo import UpdateOne

from shared.storage.errors import store
from shared.storage.types import MongoDatabase
from shared.storage.versions import DOCUMENT_VERSION, Document

YIELD_MS = 30_000
"""Time for which a document with later figures is not replaced: so a slow stats does not take back
what another one has stored. Not longer, because one whose clock was ahead may have ended."""
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@store
class PortalStore:
    """Stores the figures of pages. Of those that several processes store, the later ones stay."""

    def __init__(self, db: MongoDatabase) -> None:
        self._db = db

    async def show(self, documents: Mapping[str, Document], as_of: datetime) -> None:
        """Store documents by id, in this order, with the figures of the moment `as_of`."""
        operations = [
            UpdateOne({"_id": name}, _replaced_unless_later(fields, as_of), upsert=True)
            for name, fields in documents.items()
        ]
        await self._db.online.bulk_write(operations)


def _replaced_unless_later(fields: Document, as_of: datetime) -> list[Document]:
    """The update of a document, as a pipeline."""
    new = {"v": DOCUMENT_VERSION, **fields, "as_of": as_of}
    stored_ago: Any = {"$subtract": ["$$NOW", {"$ifNull": ["$stored_at", _LONG_AGO]}]}
    is_later = {"$and": [{"$gt": ["$as_of", as_of]}, {"$lt": [stored_ago, YIELD_MS]}]}
    made = {"$mergeObjects": [{"$literal": new}, {"_id": "$_id", "stored_at": "$$NOW"}]}
    return [{"$replaceWith": {"$cond": [is_later, "$$ROOT", made]}}]
