"""Every collection with its indexes and expiry."""

from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.errors import OperationFailure

from shared.rabbit.batch import COUNTED_HOURS
from shared.storage.types import MongoDatabase

LEDGER_HOURS = COUNTED_HOURS + 1


SALT_HOURS = 48


KEY_HOURS = LEDGER_HOURS + 24
"""Longer than the ledger:
a repetition carries the time of the key's first request, so a late one is refused."""


CORRECTION_HOURS = LEDGER_HOURS + 24
"""Longer than the ledger: a recount subtracts the corrections of all reads that it judges again."""


INDEXES: dict[str, list[IndexModel]] = {
    # ingest
    "articles": [
        IndexModel([("section", ASCENDING), ("published_at", DESCENDING), ("_id", ASCENDING)]),
        IndexModel([("published_at", DESCENDING), ("_id", ASCENDING)]),
        IndexModel([("state", ASCENDING), ("published_at", ASCENDING)]),
        IndexModel([("modified_at", ASCENDING), ("_id", ASCENDING)]),
    ],
    "outbox": [
        IndexModel([("article", ASCENDING), ("revision", ASCENDING)]),
        IndexModel([("created_at", ASCENDING)]),
    ],
    "media": [],
    "read_keys": [IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0)],
    "salts": [IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0)],
    # render
    "pages": [
        IndexModel(
            [
                ("state", ASCENDING),
                ("section", ASCENDING),
                ("published_at", DESCENDING),
                ("_id", DESCENDING),
            ]
        ),
        IndexModel([("state", ASCENDING), ("published_at", DESCENDING), ("_id", DESCENDING)]),
        IndexModel([("baseline", ASCENDING)]),
        *(
            IndexModel(
                [
                    ("state", ASCENDING),
                    (name, ASCENDING),
                    ("published_at", DESCENDING),
                    ("_id", DESCENDING),
                ]
            )
            for name in ("language", "tags", "topic", "pinned")
        ),
        IndexModel([("translated_as", ASCENDING)]),
    ],
    "search": [
        IndexModel([("keys", ASCENDING), ("at", DESCENDING)]),
        IndexModel([("due", ASCENDING)], sparse=True),
    ],
    # counter; `shared/storage/counts.py` has the fields
    "counts": [IndexModel([("article", ASCENDING)])],
    "buckets": [
        IndexModel([("article", ASCENDING), ("day", ASCENDING)]),
        IndexModel([("day", ASCENDING)]),
    ],
    "archive": [IndexModel([("month", ASCENDING)])],  # `shared/storage/archive.py` has the fields
    "late": [],
    "ledger": [IndexModel([("counted_at", ASCENDING)], expireAfterSeconds=LEDGER_HOURS * 3600)],
    "corrections": [
        IndexModel([("counted_at", ASCENDING)], expireAfterSeconds=CORRECTION_HOURS * 3600)
    ],
    "recounts": [],
    "books": [IndexModel([("last_minted_at", DESCENDING)])],
    "parked": [IndexModel([("epoch", ASCENDING)])],
    "slots": [],
    # stats
    "catalogue": [
        IndexModel([("baseline", ASCENDING)]),
        IndexModel([("counted_in", ASCENDING)], sparse=True),
    ],
    "projections": [IndexModel([("kind", ASCENDING), ("day", ASCENDING)])],
    "readers": [
        IndexModel([("kind", ASCENDING), ("day", ASCENDING)]),
        IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),
    ],
    "online": [],  # numbers alone, which render may read
}
"""Every collection with its indexes, under the service that is its only writer.
TTL indexes delete documents."""


OPTIONS: dict[str, dict[str, Any]] = {
    # Half as large as with snappy, MongoDB's default; an entry is read whole or not at all.
    "search": {"storageEngine": {"wiredTiger": {"configString": "block_compressor=zstd"}}}
}
"""How a collection is created, where the defaults don't fit. Ignored for one that is there."""


async def make_indexes(db: MongoDatabase) -> None:
    """Create every missing collection and index, and update a changed expiry."""
    present = await db.list_collection_names()
    for name, indexes in INDEXES.items():
        if name not in present:
            try:
                await db.create_collection(name, **OPTIONS.get(name, {}))
            except OperationFailure as error:
                if error.code != 48:  # NamespaceExists: another process was faster
                    raise
        for index in indexes:
            await _make_index(db, name, index)


async def missing_from(db: MongoDatabase) -> str | None:
    """The first collection or index of `INDEXES` that `db` lacks, as text; None if all are there.
    An expiry that differs is not looked at.
    """
    present = await db.list_collection_names(authorizedCollections=True, nameOnly=True)
    for name, indexes in INDEXES.items():
        if name not in present:
            return f"collection {name}"
        made = await db[name].index_information() if indexes else {}
        for index in indexes:
            if index.document["name"] not in made:
                return f"index {index.document['name']} of the collection {name}"
    return None


async def _make_index(db: MongoDatabase, collection: str, index: IndexModel) -> None:
    try:
        await db[collection].create_indexes([index])
    except OperationFailure as error:
        if error.code != 85 or "expireAfterSeconds" not in index.document:  # IndexOptionsConflict
            raise
        await db.command(
            "collMod",
            collection,
            index={
                "name": index.document["name"],
                "expireAfterSeconds": index.document["expireAfterSeconds"],
            },
        )
