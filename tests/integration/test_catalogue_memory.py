"""The catalogue in memory follows its changes, also those that a snapshot is too old for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest

from services.stats.traffic.sections.memory import CatalogueMemory
from services.stats.traffic.sections.store import SectionStore
from services.stats.traffic.store import TrafficStore
from shared.storage.transactions import snapshot
from shared.storage.types import Session
from tests.integration.conftest import Emptied
from tests.support.system import until

ARTICLE: dict[str, Any] = {
    "_id": "a1",
    "v": 1,
    "revision": 1,
    "state": "published",
    "title": "Một",
    "url": "/a1",
    "section": "tin",
    "baseline": 5,
    "published_at": None,
    "content_revision": 1,
}


@pytest.fixture
async def memory(emptied: Emptied) -> AsyncIterator[CatalogueMemory]:
    """One that follows the change stream, and has read everything."""
    client, db = emptied.client, emptied.db
    await db.catalogue.insert_one(ARTICLE)
    traffic = TrafficStore(client, db)
    one = CatalogueMemory(SectionStore(client, db, traffic, lambda: datetime.now(UTC)))
    following = asyncio.create_task(one.run())

    await until(lambda: one.following, 10, "the change stream is open")
    await one.titles(["a1"])
    for _ in range(3):
        notes = one.notes
        async with snapshot(client) as session:
            await one.read(session, notes)
            assert await one.baseline(session, notes) == 5
    yield one
    following.cancel()
    with suppress(asyncio.CancelledError):
        await following


async def _section(memory: CatalogueMemory, session: Session, notes: int) -> str:
    return (await memory.read(session, notes)).section_of("a1")


async def test_a_change_after_the_snapshot_is_in_the_next_one(
    emptied: Emptied, memory: CatalogueMemory
) -> None:
    async def noted() -> bool:
        return (await memory.titles(["a1"]))["a1"][0] == "Hai"

    notes = memory.notes
    async with snapshot(emptied.client) as old:
        assert await emptied.db.catalogue.find_one({"_id": "a1"}, session=old)
        change = {"section": "van-hoa", "baseline": 12, "title": "Hai"}
        await emptied.db.catalogue.update_one({"_id": "a1"}, {"$set": change})
        await until(noted, 10, "the change is noted")
        for _ in range(3):
            assert await _section(memory, old, notes) == "tin"
            assert await memory.baseline(old, notes) == 5
    notes = memory.notes
    for _ in range(2):
        async with snapshot(emptied.client) as new:
            assert await _section(memory, new, notes) == "van-hoa"
            assert await memory.baseline(new, notes) == 12


async def test_the_baselines_are_not_added_up_again_while_nothing_changes(
    emptied: Emptied, memory: CatalogueMemory
) -> None:
    noted = memory.notes
    await emptied.db.catalogue.update_one({"_id": "a1"}, {"$set": {"baseline": 6}})

    async def told() -> bool:
        return memory.notes > noted

    await until(told, 10, "the change is noted")
    notes = memory.notes
    async with snapshot(emptied.client) as session:
        assert await memory.baseline(session, notes) == 6
    async with snapshot(emptied.client) as session:
        await emptied.db.command("profile", 2)
        try:
            assert await memory.baseline(session, notes) == 6
        finally:
            await emptied.db.command("profile", 0)
    asked = {"op": "command", "command.aggregate": "catalogue"}
    assert await emptied.db["system.profile"].count_documents(asked) == 0


async def test_only_a_new_article_and_one_that_moves_arrange_the_sections_again(
    emptied: Emptied, memory: CatalogueMemory
) -> None:
    async def read(changes: int) -> int:
        async def noted() -> bool:
            return memory.notes >= changes

        await until(noted, 10, "the change is noted")
        notes = memory.notes
        async with snapshot(emptied.client) as session:
            return (await memory.read(session, notes)).arrangement

    catalogue, first, noted = emptied.db.catalogue, await read(0), memory.notes
    await catalogue.update_one({"_id": "a1"}, {"$set": {"title": "Hai", "state": "withdrawn"}})
    assert await read(noted + 1) == first
    await catalogue.insert_one(ARTICLE | {"_id": "a2"})
    assert await read(noted + 2) == first + 1
    await catalogue.update_one({"_id": "a2"}, {"$set": {"section": "van-hoa"}})
    assert await read(noted + 3) == first + 2
