"""Faults of a MongoDB of three members."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pymongo

from deploy.local import ports
from deploy.local.database import Database
from deploy.local.database_users import DatabaseClient
from tests.support.replica_set import WHOLE, states
from tests.support.system import until
from tests.watch.alarms import fault
from tests.watch.bench import Bench
from tests.watch.exporter import Exporter


def _leaf(one: Bench) -> Exporter | None:
    """The exporter beside a secondary from which no other member copies; None while the set is not
    whole. Blocks.
    """
    client: DatabaseClient
    with pymongo.MongoClient(one.stack.system.database.url) as client:
        if states(client) != WHOLE:
            return None
        members = client.admin.command("replSetGetStatus")["members"]
    sources = {member["syncSourceHost"] for member in members}
    leaves = {
        member["name"]
        for member in members
        if member["stateStr"] == "SECONDARY" and member["name"] not in sources
    }
    for exporter in one.stack.exporters:
        if f"{ports.HOST}:{exporter.member.port}" in leaves:
            return exporter
    return None


async def leaf(one: Bench) -> Exporter:
    """The exporter beside a secondary from which no other member copies."""
    found = await until(lambda: asyncio.to_thread(_leaf, one), 30, "a whole set")
    assert isinstance(found, Exporter)
    return found


@asynccontextmanager
async def stopped_member(one: Bench) -> AsyncIterator[None]:
    """A secondary is stopped; its exporter goes on."""
    member = (await leaf(one)).member
    await asyncio.to_thread(member.stop)
    try:
        yield
    finally:
        await asyncio.to_thread(member.start)


@asynccontextmanager
async def lost_machine(one: Bench) -> AsyncIterator[None]:
    """A secondary is killed together with its exporter."""
    exporter = await leaf(one)
    await asyncio.to_thread(exporter.stop)
    await asyncio.to_thread(exporter.member.kill)
    try:
        yield
    finally:
        await asyncio.to_thread(exporter.member.start)
        exporter.start()


@asynccontextmanager
async def locked_member(one: Bench) -> AsyncIterator[None]:
    """A secondary is locked, as for a backup: it answers, and applies no change."""
    member = (await leaf(one)).member
    await asyncio.to_thread(_lock, member, True)
    try:
        yield
    finally:
        await asyncio.to_thread(_lock, member, False)


def _lock(member: Database, locked: bool) -> None:
    client: DatabaseClient
    with pymongo.MongoClient(member.url, directConnection=True) as client:
        client.admin.command("fsync", lock=True) if locked else client.admin.command("fsyncUnlock")


FAULTS = (
    fault(
        "a secondary of MongoDB is stopped",
        stopped_member,
        "MongoDBDown",
        "MongoDBMemberUnhealthy",
    ),
    # Only the other members' exporters can tell.
    fault(
        "a machine with a secondary of MongoDB and its exporter dies",
        lost_machine,
        "MongoDBMemberUnhealthy",
    ),
    fault(
        "a secondary of MongoDB is locked for a backup",
        locked_member,
        "MongoDBLags",
        seconds=90,
    ),
)
