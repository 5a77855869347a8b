"""A flush that adds to a time that may be closed says so, in its own transaction."""

import asyncio
from datetime import UTC, datetime, timedelta

from luotdoc_subscriber.base.clock import to_millis
from services.counter.store import CounterStore
from shared.rabbit.batch import QUARTER_MS, Batch, batch_id
from shared.storage.transactions import snapshot
from shared.storage.types import MongoDatabase
from tests.integration.conftest import Emptied

NOW = datetime(2026, 11, 23, 5, 7, tzinfo=UTC)


def batch(sequence: int, *moments: datetime, kind: str = "reader") -> Batch:
    """A read at each of some moments."""
    quarters = [to_millis(moment) // QUARTER_MS for moment in moments]
    groups = [(kind, "a", quarter, 1, 0, 0) for quarter in dict.fromkeys(quarters)]
    return Batch(batch_id("e1", sequence), to_millis(NOW), groups)


async def markers(db: MongoDatabase) -> dict[str, int]:
    """The number of each marker by its id."""
    return {found["_id"]: found["number"] async for found in db.late.find()}


async def test_only_what_is_late_is_marked_once_a_flush_and_day(emptied: Emptied) -> None:
    store = CounterStore(emptied.client, emptied.db, lambda: NOW)
    fresh = batch(0, NOW, NOW - timedelta(hours=2), NOW + timedelta(hours=20))
    await store.flush([fresh], 3)
    assert await markers(emptied.db) == {}
    late = batch(1, NOW - timedelta(hours=2, minutes=15), NOW - timedelta(hours=5, minutes=30), NOW)
    before = batch(2, NOW - timedelta(hours=6), kind="bot")
    flushed = await store.flush([late, before], 3)
    assert await markers(emptied.db) == {"2026-11-23/3": 1, "2026-11-22/3": 1}
    assert flushed.late == 2
    assert await emptied.db.late.find_one({"_id": "2026-11-22/3"}) == {
        "_id": "2026-11-22/3", "v": 1, "day": "2026-11-22", "slot": 3, "number": 1,
    }  # fmt: skip
    again = await store.flush([late, before], 3)  # a repetition
    assert again.late == 0
    await store.flush([batch(3)], 3)
    await store.flush([batch(4, NOW - timedelta(days=1))], 4)
    await store.flush([batch(5, NOW - timedelta(days=1), NOW)], 3)
    assert await markers(emptied.db) == {
        "2026-11-23/3": 1, "2026-11-22/3": 2, "2026-11-22/4": 1,
    }  # fmt: skip


async def test_in_every_snapshot_there_is_a_marker_for_each_late_read(emptied: Emptied) -> None:
    store = CounterStore(emptied.client, emptied.db, lambda: NOW)
    yesterday, flushes = NOW - timedelta(days=1), 40

    async def count(slot: int) -> None:
        for sequence in range(slot * flushes, (slot + 1) * flushes):
            await store.flush([batch(sequence, yesterday, NOW)], slot)

    async def look() -> int:
        seen, looks = 0, 0
        while seen < 2 * flushes:
            async with snapshot(emptied.client) as session:
                buckets = emptied.db.buckets.find(
                    {"article": "a", "day": "2026-11-22"}, session=session
                )
                reads = sum([found["reads"] async for found in buckets])
                late = emptied.db.late.find({"day": "2026-11-22"}, session=session)
                assert sum([found["number"] async for found in late]) == reads
            assert reads >= seen
            seen, looks = reads, looks + 1
        return looks

    looks, *_ = await asyncio.wait_for(asyncio.gather(look(), count(0), count(1)), 60)
    assert looks > 3
