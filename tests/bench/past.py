"""A long history, put into the database directly: ledger entries and bucket documents in the shape
of the counter's.
"""

import secrets
import struct
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import bson
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient, WriteConcern
from pymongo.collection import Collection

from shared.storage.collections import LEDGER_HOURS
from tests.bench.traffic import ARTICLES, article

CHUNK = 20_000
EPOCH_BATCHES = 1_000_000
"""Entries of one start of ingest: at its 200 batches a second, an hour and a half."""

Raw = Collection[RawBSONDocument]


def insert(mongo_url: str, ledger: int, buckets: int, before: int) -> None:
    """Add so many documents, behind the `before` days of buckets that an earlier call has added.
    Blocks.
    """
    with MongoClient[Any](mongo_url, w=1) as client:
        db = client.get_default_database()
        _send(db.ledger, _ledger(ledger))
        _send(db.buckets, _buckets(buckets, before))
        client.admin.command("fsync")  # what follows is not measured while this is written to disk


def _send(collection: Collection[Any], documents: Iterator[RawBSONDocument]) -> None:
    hurried = collection.with_options(write_concern=WriteConcern(w=1, j=False))
    while chunk := list(islice(documents, CHUNK)):
        hurried.insert_many(chunk, ordered=False)


def _ledger(number: int) -> Iterator[RawBSONDocument]:
    """Entries of the hours that the ledger keeps, oldest first. Put together by hand: there are
    millions.
    """
    spread_ms = (LEDGER_HOURS - 2) * 3_600_000
    first = time.time_ns() // 1_000_000 - spread_ms
    epoch = b""
    for n in range(number):
        if n % EPOCH_BATCHES == 0:
            epoch = f"{first + n * spread_ms // number:011x}{secrets.token_hex(4)}".encode()
        name = b"%s-%012d\0" % (epoch, n % EPOCH_BATCHES)
        body = b"\x02_id\0" + struct.pack("<i", len(name)) + name
        moment = struct.pack("<q", first + n * spread_ms // number)
        body += b"\x09minted_at\0" + moment + b"\x09counted_at\0" + moment + b"\0"
        yield RawBSONDocument(struct.pack("<i", len(body) + 4) + body)


def _buckets(number: int, before: int) -> Iterator[RawBSONDocument]:
    """Days of articles, back from two days ago; each was read in eight quarters of its day. And the
    site's own days.
    """
    today = datetime.now(UTC).date()
    for n in range(number):
        day = (today - timedelta(days=2 + before + n // ARTICLES)).isoformat()
        who = "*" if n % ARTICLES == 0 else article(n % ARTICLES)
        q = {str((n + step * 12) % 96): 3 for step in range(8)}
        document = {
            "_id": f"{who}/{day}/0",
            "v": 1,
            "article": who,
            "day": day,
            "slot": 0,
            "reads": 24,
            "q": q,
        }
        yield RawBSONDocument(bson.encode(document))
