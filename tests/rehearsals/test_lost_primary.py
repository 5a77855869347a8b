"""MongoDB's primary is killed under load; another member takes over, and every read is counted."""

import asyncio
import random
from pathlib import Path

import pytest

from deploy.local.broker import Node
from deploy.local.database import Database
from tests.chaos.editor import Editor
from tests.chaos.fleet import Fleet
from tests.rehearsals.conftest import SECONDS
from tests.rehearsals.stores import SETTINGS, acknowledged, all_counted, books, readers
from tests.support.replica_set import ReplicaSet
from tests.support.system import System, until

pytestmark = pytest.mark.long


async def test_mongodb_s_primary_dies(tmp_path: Path) -> None:
    broker, first = Node(tmp_path / "rabbitmq"), ReplicaSet(tmp_path / "mongodb")
    try:
        await asyncio.to_thread(broker.start, SECONDS)
        await asyncio.to_thread(first.start, SECONDS)
        system = System(broker, first, tmp_path)
        try:
            await system.reset()
            await _kill(system, first)
        finally:
            await system.close()
    finally:
        for server in (broker, *first.members):
            await asyncio.to_thread(server.stop)


async def _kill(system: System, primary: Database) -> None:
    fleet = Fleet(system, SETTINGS, forked=True)
    try:
        await fleet.up({"ingest": 2, "counter": 2, "render": 1, "stats": 1})
        ingests = fleet.of("ingest")
        writer, load = Editor(ingests, random.Random(0)), readers(fleet)
        for article in ("a1", "b1"):
            await writer.publish(article)
        load.start(["a1"], ["b1"], [])
        await acknowledged(load, 200)
        before = await system.counted()
        await asyncio.to_thread(primary.kill)
        await acknowledged(load, 100)

        async def counts_again() -> bool:
            return await system.counted() > before + 100

        await until(counts_again, 60, "another primary counts")
        await writer.publish("a1")
        load.stop()
        await load.finish()
        await writer.finish()
        await all_counted(fleet)
        counted, found = await system.by_article(), await books(system, fleet)
    finally:
        await fleet.down()
    tally = load.tally
    print(
        f"primary killed: {tally.acknowledged.total()} reads acknowledged, {counted['a1']} "
        f"counted, {tally.keyed.total()} in batches acknowledged, {counted['b1']} counted, "
        f"{tally.broken.total()} broken requests, {tally.odd.total()} unannounced answers, "
        f"balance {found['balance']}"
    )
    assert (dict(tally.broken), dict(tally.odd), writer.odd) == ({}, {}, [])
    unanswered = tally.unanswered["a1"]
    assert tally.acknowledged["a1"] <= counted["a1"] <= tally.acknowledged["a1"] + unanswered
    assert counted["b1"] == tally.keyed["b1"] > 0
    assert (found["balance"], found["in_flight"]) == (0, 0)
