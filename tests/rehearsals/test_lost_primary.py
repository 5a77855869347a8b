"""MongoDB's primary is killed under load; another member takes over, and every read is counted."""

import asyncio
import random
import secrets
from pathlib import Path
from typing import Any

import pymongo
import pytest

from deploy.local import ports
from deploy.local.broker import Node
from deploy.local.database import Database
from deploy.local.database_users import ADMINISTRATOR
from deploy.local.files import keep_private
from tests.chaos.editor import Editor
from tests.chaos.fleet import Fleet
from tests.rehearsals.conftest import SECONDS
from tests.rehearsals.stores import SETTINGS, acknowledged, all_counted, books, readers
from tests.support.system import System, until

pytestmark = pytest.mark.long


class First(Database):
    """The member that makes the set and its users; its addresses name all members."""

    hosts = ""

    def url_with(self, user: str, password: str, *options: str) -> str:
        """The address that logs in as `user`, at whichever member is the primary."""
        given = "&".join(["replicaSet=luotdoc", *options])
        hosts = self.hosts or f"{ports.HOST}:{self.port}"
        return f"mongodb://{user}:{password}@{hosts}/luotdoc?{given}"


class Member(Database):
    """A member that the first one takes into its replica set."""

    def answers(self) -> bool:
        try:
            with pymongo.MongoClient[dict[str, Any]](
                f"{ports.HOST}:{self.port}", directConnection=True, serverSelectionTimeoutMS=500
            ) as client:
                return bool(client.admin.command("ping")["ok"])
        except pymongo.errors.AutoReconnect:
            return False


def _make_set(first: First, others: list[Member]) -> None:
    """Start the servers with one key, and make them one replica set. Blocks."""
    servers: list[Database] = [first, *others]
    key = secrets.token_hex(32)
    for server in servers:
        keep_private(server.folder / "key", lambda: key)
        server.start(SECONDS)
    hosts = [f"{ports.HOST}:{server.port}" for server in servers]
    with pymongo.MongoClient[dict[str, Any]](first.url) as client:
        config = client.admin.command("replSetGetConfig")["config"]
        config["members"] = [{"_id": n, "host": host} for n, host in enumerate(hosts)]
        config["version"] += 1
        client.admin.command("replSetReconfig", config, force=True)
    first.hosts = ",".join(hosts)
    first.url = first.url_with(ADMINISTRATOR, first.password, "authSource=admin")


async def _states(system: System) -> list[str]:
    status = await system.motor.admin.command("replSetGetStatus")
    return sorted(str(member["stateStr"]) for member in status["members"])


async def test_mongodb_s_primary_dies(tmp_path: Path) -> None:
    broker, first = Node(tmp_path / "rabbitmq"), First(tmp_path / "mongodb-0")
    others = [Member(tmp_path / f"mongodb-{n}") for n in (1, 2)]
    try:
        await asyncio.to_thread(broker.start, SECONDS)
        await asyncio.to_thread(_make_set, first, others)
        system = System(broker, first, tmp_path)
        try:

            async def whole() -> bool:
                return await _states(system) == ["PRIMARY", "SECONDARY", "SECONDARY"]

            await until(whole, 60, "three members")
            await system.reset()
            await _kill(system, first)
        finally:
            await system.close()
    finally:
        for server in (broker, first, *others):
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
