"""Fills the index, and MongoDB's own text index beside it, with made articles."""

import asyncio
import time
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from bson import Binary

from services.render.search.entries import entry_of
from services.render.search.plain import text_of_html
from shared.storage.collections import INDEXES
from shared.storage.types import MongoDatabase
from tests.search.corpus import made_articles

VERSION = "1 vi"
BATCH = 250
TEXTS = "search_texts"

Documents = list[dict[str, Any]]


def made_documents(first: int, number: int) -> tuple[Documents, Documents]:
    """The entries of some articles as the index stores them, and their texts for a text index."""
    entries, texts = [], []
    for article in made_articles(first, number):
        entry = entry_of(article, article.language)
        entries.append(
            {
                "_id": entry.id,
                "v": 1,
                "wanted": 1,
                "revision": 1,
                "version": VERSION,
                "at": entry.at,
                "keys": entry.keys,
                "folded": Binary(entry.folded),
                "accented": entry.accented,
            }
        )
        body = text_of_html(article.body_html)
        given = {"title": article.title, "lead": article.lead, "tags": article.tags, "body": body}
        texts.append({"_id": entry.id, "at": article.published_at, **given})
    return entries, texts


async def fill(db: MongoDatabase, articles: int, seconds: float, *, texts_too: bool) -> int:
    """Store entries until there are `articles`, or the time is over; their number. `texts_too`:
    those for a text index besides.
    """
    begin, loop = time.monotonic(), asyncio.get_running_loop()
    names = ("search", TEXTS) if texts_too else ("search",)
    held = min([await db[name].count_documents({}) for name in names]) // BATCH * BATCH
    for name in names:  # a batch that the end of the last run has cut
        await db[name].delete_many({"_id": {"$gte": f"m{held:06d}"}})
    with ProcessPoolExecutor(2) as pool:
        ahead = list[asyncio.Future[tuple[Documents, Documents]]]()
        place = held
        while held < articles and time.monotonic() - begin < seconds:
            while len(ahead) < 4 and place < articles:
                size = min(BATCH, articles - place)
                ahead.append(loop.run_in_executor(pool, made_documents, place, size))
                place += size
            entries, texts = await ahead.pop(0)
            await db.search.insert_many(entries, ordered=False)
            if texts_too:
                await db[TEXTS].insert_many(texts, ordered=False)
            held += len(entries)
        for each in ahead:
            each.cancel()
    return held


async def make_text_index(db: MongoDatabase) -> float:
    """Make MongoDB's text index on the same articles; the seconds it took."""
    begin = time.monotonic()
    weights = {"title": 10, "tags": 5, "lead": 3, "body": 1}
    fields = [(name, "text") for name in weights]
    await db[TEXTS].create_index(fields, weights=weights, default_language="none", name="text")
    return time.monotonic() - begin


async def make_own_indexes(db: MongoDatabase) -> float:
    """Make the indexes of the collection `search`; the seconds it took."""
    begin = time.monotonic()
    await db.search.create_indexes(INDEXES["search"])
    return time.monotonic() - begin


async def megabytes(db: MongoDatabase, collection: str) -> tuple[float, float]:
    """The size of a collection on disk, and that of its largest index."""
    stats = await db.command("collStats", collection, scale=1)
    sizes = {name: size for name, size in stats["indexSizes"].items() if name != "_id_"}
    return stats["storageSize"] / 1e6, max(sizes.values(), default=0) / 1e6
