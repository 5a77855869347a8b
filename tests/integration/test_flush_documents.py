"""Classes and sources cost a flush no document: they stand in those that it writes anyway."""

from datetime import UTC, datetime

from luotdoc_subscriber.base.clock import to_millis
from services.counter.store import CounterStore
from shared.rabbit.batch import QUARTER_MS, Batch, Group, Source, batch_id
from shared.storage.counts import Total
from shared.storage.types import MongoDatabase
from tests.integration.conftest import Emptied

NOW = datetime(2026, 11, 23, 5, 7, tzinfo=UTC)
QUARTER = to_millis(NOW) // QUARTER_MS


async def flushed(
    emptied: Emptied, kinds: tuple[str, str], *sources: Source
) -> dict[str, set[str]]:
    """Flush reads of two articles in two quarters; the ids of all documents by collection."""
    db: MongoDatabase = emptied.db
    for name in await db.list_collection_names():
        await db[name].delete_many({})
    groups: list[Group] = [
        (kind, article, quarter, 3, 0, 0)
        for kind in kinds
        for article in ("a", "b")
        for quarter in (QUARTER, QUARTER - 1)
    ]
    batch = Batch(batch_id("e1", 0), to_millis(NOW), groups, sources=sources)
    await CounterStore(emptied.client, db, lambda: NOW).flush([batch], 3)
    return {
        name: {str(each["_id"]) async for each in db[name].find()}
        for name in await db.list_collection_names()
    }


async def test_a_flush_writes_the_same_documents_with_classes_and_sources(
    emptied: Emptied,
) -> None:
    plain = await flushed(emptied, ("reader", "reader"))
    assert {name: len(ids) for name, ids in plain.items() if ids} == {
        "counts": 3, "buckets": 3, "ledger": 1, "books": 1,
    }  # fmt: skip
    sources: list[Source] = [
        (quarter, {"search": 1, "site": 1}, {"mobile": 1, "desktop": 1, "other": 1})
        for quarter in (QUARTER, QUARTER - 1)
    ]
    assert await flushed(emptied, ("reader", "batch"), *sources) == plain
    site = await emptied.db.buckets.find_one({"article": "*"})
    assert site == {
        "_id": "*/2026-11-23/3", "v": 1, "article": "*", "day": "2026-11-23", "slot": 3,
        "reads": 24, "q": {"19": 12, "20": 12}, "by": {"batch": {"19": 6, "20": 6}},
        "referrer": {"search": {"19": 1, "20": 1}, "site": {"19": 1, "20": 1}},
        "device": {"mobile": {"19": 1, "20": 1}, "desktop": {"19": 1, "20": 1},
                   "other": {"19": 1, "20": 1}},
    }  # fmt: skip
    article = await emptied.db.buckets.find_one({"article": "a"})
    assert article is not None
    assert article.keys() == {"_id", "v", "article", "day", "slot", "reads", "q", "by"}


async def test_a_correction_that_is_forced_after_the_ledger_has_forgotten_it_is_a_duplicate(
    emptied: Emptied,
) -> None:
    """The ledger forgets a batch a day before `corrections` does."""
    store = CounterStore(emptied.client, emptied.db, lambda: NOW)
    reads = Batch(batch_id("e1", 0), to_millis(NOW), [("reader", "a", QUARTER, 9, 0, 0)])
    moved = Batch("h" + "0" * 64, to_millis(NOW), [], moves=[("reader", "bot", "a", QUARTER, 4)])
    await store.flush([reads, moved], 3)
    await emptied.db.ledger.delete_many({})
    again = Batch(batch_id("e1", 1), to_millis(NOW), [("reader", "a", QUARTER, 1, 0, 0)])
    flushed_again = await store.flush([moved, again], 3)
    assert flushed_again.increments.epochs["keyed"].duplicates == 1
    assert (await store.totals(["a"]))["a"] == Total(1, 6)
    assert await emptied.db.corrections.count_documents({}) == 1
