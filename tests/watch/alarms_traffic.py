"""Faults of the traffic figures and of the archive."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from shared.rabbit.batch import DAY_MS, QUARTER_MS, READER, Batch, batch_id, join_hashes
from shared.storage.rights import actions
from shared.storage.types import MongoDatabase
from tests.support.system import until
from tests.watch.alarms import fault
from tests.watch.bench import ARTICLES, Bench
from tests.watch.old_reads import LONG_AGO, old_reads


@asynccontextmanager
async def _without(one: Bench, service: str, collection: str, words: str) -> AsyncIterator[None]:
    """A service loses rights while it runs, as if the roles of an earlier release were written."""
    db = one.stack.system.db
    resource = {"db": db.name, "collection": collection}
    lost = [{"resource": resource, "actions": actions(words)}]
    await db.command("revokePrivilegesFromRole", service, privileges=lost)
    try:
        yield
    finally:
        await db.command("grantPrivilegesToRole", service, privileges=lost)


@asynccontextmanager
async def unreadable_markers(one: Bench) -> AsyncIterator[None]:
    """stats may not read late markers."""
    async with _without(one, "stats", "late", "read"):
        yield


@asynccontextmanager
async def changed_projection(one: Bench) -> AsyncIterator[None]:
    """Five reads more of an article in a day's projection, by hand. stats mends it."""
    projections = one.stack.system.db.projections
    await one.send_batch(old_reads("changed", ARTICLES, [4]))
    chosen = {"_id": await until(lambda: _made_day(one.stack.system.db), 60, "the projection")}
    await projections.update_one(chosen, {"$inc": {f"reads.{ARTICLES[0]}": 5}})
    yield


async def _made_day(db: MongoDatabase) -> Any:
    made = await db.projections.find_one({"kind": "day", f"reads.{ARTICLES[0]}": 1})
    return made and made["_id"]


@asynccontextmanager
async def unwritable_projections(one: Bench) -> AsyncIterator[None]:
    """stats may not write projections, and reads of a closed day arrive."""
    async with _without(one, "stats", "projections", "upsert"):
        await one.send_batch(old_reads("unwritable", ARTICLES, [7]))
        yield


@asynccontextmanager
async def unwritable_archive(one: Bench) -> AsyncIterator[None]:
    """The transactions of both movers fail."""
    async with _without(one, "counter", "archive", "upsert"):
        await one.send_batch(old_reads("archived", ARTICLES, LONG_AGO))
        yield


@asynccontextmanager
async def unwritable_readers(one: Bench) -> AsyncIterator[None]:
    """stats may not write sets of readers, and one more reader reads."""
    now = time.time_ns() // 1_000_000
    group = (READER, ARTICLES[0], now // QUARTER_MS, 1, now // DAY_MS, 1)
    batch = Batch(batch_id("unwritable", 0), now, [group], join_hashes(["ab" * 8]))
    async with _without(one, "stats", "readers", "upsert"):
        await one.send_batch(batch)
        yield


FAULTS = (
    fault("stats may not read late markers", unreadable_markers, "TrafficStale", seconds=180),
    # The repair is remembered for an hour.
    fault(
        "a projection is changed by hand",
        changed_projection,
        "ProjectionsWrong",
        seconds=90,
        lasts=240,
    ),
    fault(
        "stats may not write projections",
        unwritable_projections,
        "ProjectionsMissing",
        seconds=240,
    ),
    fault("stats may not write readers", unwritable_readers, "ReadersBehind", seconds=180),
    # Movers look for old buckets each hour.
    fault(
        "counters may not write the archive",
        unwritable_archive,
        "ArchiveStuck",
        seconds=420,
        lasts=120,
    ),
)
