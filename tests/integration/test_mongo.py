"""Transactions on a server that stands still."""

import asyncio
import time
from itertools import pairwise
from typing import cast

import pytest
from pymongo.errors import AutoReconnect, ConfigurationError

from luotdoc_subscriber.base.errors import Refused
from shared.storage import mongo
from shared.storage.transactions import transaction
from shared.storage.types import Client, Session
from tests.support.system import System, until


class Sessionless:
    """A client whose connection was opened before the server knew its replica set."""

    def __init__(self, failures: int) -> None:
        self.failures = failures

    async def start_session(self) -> None:
        self.failures -= 1
        if self.failures < 0:
            raise AutoReconnect("gone")  # something else, which is waited for
        raise ConfigurationError("Sessions are not supported by this MongoDB deployment")


async def test_a_wait_over_connections_without_sessions_ends_with_what_to_do(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mongo, "SESSIONLESS_SECONDS", 1.0)
    always = Sessionless(1_000_000)
    began = time.monotonic()
    with pytest.raises(Refused, match="start it again"):
        await asyncio.wait_for(
            mongo.wait_for(cast(Client, always), system.database.url, "counter"), 60
        )
    assert time.monotonic() - began > 1
    passing = Sessionless(1)
    with pytest.raises(TimeoutError):  # the time ended with another error
        await asyncio.wait_for(
            mongo.wait_for(cast(Client, passing), system.database.url, "counter"), 3
        )


async def _more(turns: list[float], seen: int) -> bool:
    return len(turns) > seen + 1


async def test_what_nobody_waits_for_is_neither_cancelled_nor_committed(system: System) -> None:
    client, db = mongo.connect(system.database.url, "test")
    await db.marks.insert_one({"_id": "left", "steps": 0})
    goes_on, went_on = asyncio.Event(), asyncio.Event()

    async def body(session: Session) -> None:
        await db.marks.update_one({"_id": "left"}, {"$inc": {"steps": 1}}, session=session)
        await goes_on.wait()
        await db.marks.update_one({"_id": "left"}, {"$inc": {"steps": 1}}, session=session)
        went_on.set()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await transaction(client, body)
    assert not went_on.is_set()
    goes_on.set()
    await mongo.close(client)
    assert went_on.is_set()
    assert await system.db.marks.find_one({"_id": "left"}) == {"_id": "left", "steps": 0}
    found = system.db.client.admin.aggregate(
        [
            {"$currentOp": {"idleSessions": True, "allUsers": True}},
            {"$match": {"transaction": {"$exists": True}}},
        ]
    )
    assert await found.to_list(None) == []  # it was ended, not left open


@pytest.mark.parametrize(
    ("label", "bodies"), [("UnknownTransactionCommitResult", 1), ("TransientTransactionError", 2)]
)
async def test_a_commit_is_repeated(
    system: System, monkeypatch: pytest.MonkeyPatch, label: str, bodies: int
) -> None:
    """Alone where its outcome is unknown, with all of the transaction where there was none."""
    client, db = mongo.connect(system.database.url, "test")
    await db.create_collection("marks")
    commit, commits, ran = Session.commit_transaction, 0, 0

    async def first_fails(session: Session) -> None:
        nonlocal commits
        commits += 1
        if commits == 1:
            if label == "TransientTransactionError":
                await session.abort_transaction()
            error = AutoReconnect("the connection is lost")
            error._add_error_label(label)
            raise error
        await commit(session)

    async def body(session: Session) -> int:
        nonlocal ran
        ran += 1
        await db.marks.insert_one({"_id": ran}, session=session)
        return ran

    monkeypatch.setattr(Session, "commit_transaction", first_fails)
    assert await transaction(client, body) == bodies
    assert (commits, ran) == (2, bodies)
    assert [mark["_id"] async for mark in system.db.marks.find()] == [bodies]
    await mongo.close(client)


@pytest.mark.parametrize("moment", ["first", "between", "commit"])
async def test_who_is_cancelled_leaves_a_frozen_server_at_once(system: System, moment: str) -> None:
    """Neither he nor anything else in his event loop waits for it, and the transaction is over when
    it goes on.
    """
    client, db = mongo.connect(system.database.url, "test")
    await db.marks.insert_one({"_id": moment, "steps": 0})

    async def body(session: Session) -> None:
        for step in ("first", "between"):
            if step == moment:
                system.database.pause()
            await db.marks.update_one({"_id": moment}, {"$inc": {"steps": 1}}, session=session)
        if moment == "commit":
            system.database.pause()

    turns = list[float]()

    async def watch() -> None:
        while True:
            turns.append(time.monotonic())
            await asyncio.sleep(0.01)

    watching = asyncio.create_task(watch())
    began = time.monotonic()
    try:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await transaction(client, body)
        took = time.monotonic() - began
        seen = len(turns)
        await until(lambda: _more(turns, seen), 30, "the event loop turns")
    finally:
        watching.cancel()
        system.database.resume()
    assert took < 3
    assert max(later - earlier for earlier, later in pairwise(turns)) < 1

    async def over() -> bool:
        """Another one can write what this one had in hand."""
        await transaction(
            client, lambda s: db.marks.update_one({"_id": moment}, {"$set": {"v": 1}}, session=s)
        )
        return True

    await until(over, 30, "the next transaction goes through")
    steps = (await db.marks.find_one({"_id": moment}) or {})["steps"]
    assert steps in ((0, 2) if moment == "commit" else (0,))  # whole or not at all
    await mongo.close(client)
