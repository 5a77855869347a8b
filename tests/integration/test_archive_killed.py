"""A counter is killed in the middle of a move to the archive, and no read is lost or doubled."""

import asyncio
import random
import signal
from datetime import timedelta
from typing import Any

import pytest

from luotdoc_subscriber.base.clock import now
from services.counter.store import CounterStore
from shared.storage import mongo
from shared.storage.transactions import snapshot
from shared.storage.types import Client, MongoDatabase
from tests.support.archived import Sums, all_sums, old_batch, quarter_at
from tests.support.system import System, until

KEEP: dict[str, Any] = {"keep_buckets_days": "100"}
ARTICLES = 8


async def fill(client: Client, db: MongoDatabase) -> Sums:
    """Reads of articles on days of the months before the last hundred days, and of today."""
    draw, today = random.Random(1), now().date()
    counter = CounterStore(client, db, now)
    for sequence in range(30):
        day = (today - timedelta(days=140 + draw.randrange(60))).isoformat()
        groups = [
            (draw.choice(["reader", "batch", "bot"]), f"a{n}", quarter_at(day, place), 1 + n, 0, 0)
            for n in range(ARTICLES)
            for place in draw.sample(range(96), 3)
        ]
        recent = ("reader", "a1", quarter_at(today.isoformat()), 1, 0, 0)
        await counter.flush([old_batch(sequence, *groups, recent)], sequence % 2)
    return await all_sums(db)


async def waiting(db: MongoDatabase) -> int:
    """Old buckets of articles."""
    before = (now() - timedelta(days=132)).date().isoformat()  # a month is at most 31 days longer
    return await db.buckets.count_documents({"article": {"$ne": "*"}, "day": {"$lt": before}})


async def exact(client: Client, db: MongoDatabase, wanted: Sums) -> None:
    """Nothing is missing or doubled as of one moment."""
    async with snapshot(client) as session:
        assert await all_sums(db, session) == wanted


@pytest.mark.parametrize("step", ["found", "added", "deleted", "moved"])
async def test_counter_killed_within_a_move(system: System, step: str) -> None:
    client, db = mongo.connect(system.database.url, "test")
    before = await fill(client, db)
    dying = await system.start(
        "counter",
        module="tests.support.counter_that_dies",
        die_at=step,
        die_after=3,
        wait=False,
        **KEEP,
    )
    assert await dying.ended() == -signal.SIGKILL
    left = await waiting(db)
    assert left > 0  # it died in the middle
    assert await db.archive.count_documents({}) == (4 if step == "moved" else 3)
    await exact(client, db, before)
    await asyncio.gather(*(system.start("counter", **KEEP) for _ in range(2)))

    async def all_moved() -> bool:
        await exact(client, db, before)
        return await waiting(db) == 0

    await until(all_moved, 30, "the other counters move the rest")
    assert await db.archive.count_documents({}) >= ARTICLES
    client.close()


async def test_an_operator_moves_everything_at_once(system: System) -> None:
    client, db = mongo.connect(system.database.url, "test")
    before = await fill(client, db)
    both = await asyncio.gather(
        *(system.command("services.counter", "archive", **KEEP) for _ in range(2))
    )
    assert [done.returncode for done in both] == [0, 0], both[0].stderr
    numbers = [int(done.stdout.partition(" ")[0]) for done in both]
    assert {done.stdout.partition(" ")[2] for done in both} == {
        "buckets were moved to the archive, 0 that are old enough are left\n"
    }
    assert sum(numbers) > 100
    assert await waiting(db) == 0
    await exact(client, db, before)
    again = await system.command("services.counter", "archive", **KEEP)
    assert again.stdout.startswith("0 buckets were moved")
    client.close()


async def test_a_counter_shows_what_it_moves(system: System) -> None:
    client, db = mongo.connect(system.database.url, "test")
    await fill(client, db)
    counter = await system.start("counter", **KEEP)

    async def shown() -> set[str]:
        text = (await system.http.get(f"{counter.url}/metrics")).text
        return {line for line in text.splitlines() if line.startswith("luotdoc_archive")}

    async def all_moved() -> bool:
        return "luotdoc_archive_waiting_buckets 0.0" in await shown() and not await waiting(db)

    await until(all_moved, 30, "everything is moved")
    (moved,) = await shown() - {"luotdoc_archive_waiting_buckets 0.0"}
    assert moved.startswith("luotdoc_archived_buckets_total ")
    assert float(moved.split()[1]) > 100
    client.close()
