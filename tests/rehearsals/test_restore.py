"""Each store is restored to an older moment than the other: how many reads are missing or counted
again, and what the books say. docs/operations.md, Backups, has the same cases in words.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.chaos.fleet import Fleet
from tests.chaos.load import Load
from tests.rehearsals import stores
from tests.rehearsals.stores import (
    acknowledged,
    all_counted,
    books,
    duplicates,
    exact,
    in_flight,
    ledger,
    publish,
    readers,
    run,
)
from tests.support.guide import block
from tests.support.system import System, until

pytestmark = pytest.mark.long
OPERATIONS = "docs/operations.md"


@asynccontextmanager
async def running(system: System) -> AsyncIterator[tuple[Fleet, Load]]:
    """One replica of each service, an article, and readers."""
    fleet = Fleet(system, stores.SETTINGS, forked=True)
    try:
        await fleet.up({"ingest": 1, "counter": 1, "render": 1, "stats": 1})
        await publish(fleet, "a1")
        load = readers(fleet)
        load.start(["a1"], [], [])
        try:
            yield fleet, load
        finally:
            load.stop()
            await load.finish()
    finally:
        await fleet.down()


async def test_mongodb_is_older_than_the_queue(apart: System, tmp_path: Path) -> None:
    """Reads that were counted and acked after the backup are missing, exactly those. The batches
    in the queue are counted. With the stream of batches nothing is missing in the end.
    """
    await apart.written_down()
    async with running(apart) as (fleet, load):
        (counter,) = fleet.of("counter")
        await acknowledged(load, 200)
        await asyncio.to_thread(stores.copy_mongodb, apart.database, tmp_path / "copy")
        await acknowledged(load, 200)
        await fleet.stop(counter)
        before, in_ledger = await apart.counted(), await ledger(apart)
        await _end_uncounted(load)

        await asyncio.to_thread(stores.restore_mongodb, apart.database, tmp_path / "copy")
        missing, gone = before - await apart.counted(), in_ledger - await ledger(apart)
        assert missing >= 200
        fleet.start(counter)
        await fleet.ready()
        counted, accepted = await all_counted(fleet), exact(load)
        found = await in_flight(apart, fleet, len(gone))
        print(
            f"MongoDB older: {accepted} reads acknowledged, {counted} counted, {missing} "
            f"reads of {len(gone)} batches missing, in flight {found['in_flight']}, "
            f"balance {found['balance']}, duplicates {await duplicates(apart)}"
        )
        assert counted == accepted - missing
        assert (found["balance"], found["counted"]) == (0, counted)
        await until(lambda: _listed(apart, len(gone)), 90, "the gap is listed, after a minute")

        await asyncio.to_thread(run, apart, block(OPERATIONS, "set_parameter shovel recount"))
        await until(lambda: _counted(apart, accepted), 60, "the stream brings the missing reads")
        await asyncio.to_thread(run, apart, block(OPERATIONS, "clear_parameter shovel recount"))
        assert await all_counted(fleet) == accepted
        found = await in_flight(apart, fleet, 0)
        print(
            f"after the redelivery: {found['counted']} counted, in flight {found['in_flight']}, "
            f"balance {found['balance']}, duplicates {await duplicates(apart)}"
        )
        assert (found["counted"], found["in_flight"], found["balance"]) == (accepted, 0, 0)
        assert await duplicates(apart) >= len(in_ledger - gone)


async def test_mongodb_is_newer_than_the_queue(apart: System, tmp_path: Path) -> None:
    """RabbitMQ comes back with batches that were counted: the ledger drops them. Batches that it
    confirmed after its backup and that were not counted are missing.
    """
    broker = apart.broker
    async with running(apart) as (fleet, load):
        (counter,) = fleet.of("counter")
        await fleet.stop(counter)
        await acknowledged(load, 200)
        await apart.end_broker()
        await asyncio.to_thread(shutil.copytree, stores.rabbitmq_folder(broker), tmp_path / "copy")
        await asyncio.to_thread(broker.start, 300.0)
        old = await _until_forwarded(apart, fleet)
        fleet.start(counter)
        await fleet.ready()
        await acknowledged(load, 200)
        await fleet.stop(counter)
        before, in_ledger = await apart.counted(), await ledger(apart)
        await _end_uncounted(load)
        await _until_forwarded(apart, fleet)
        accepted = exact(load)

        await asyncio.to_thread(stores.restore_rabbitmq, broker, tmp_path / "copy")
        fleet.start(counter)
        await fleet.ready()
        counted, found = await all_counted(fleet), await books(apart, fleet)
        again = await duplicates(apart)
        print(
            f"MongoDB newer: {accepted} reads acknowledged, {counted} counted, {again} batches "
            f"again, {accepted - counted} reads missing, in flight {found['in_flight']}, balance "
            f"{found['balance']}"
        )
        assert 0 < again <= old
        assert counted == before
        assert accepted - counted >= 100
        assert found["balance"] == 0
        # The next batch of the same run shows what did not arrive.
        assert found["in_flight"] > 0
        assert await ledger(apart) >= in_ledger


async def test_rabbitmq_comes_back_empty(apart: System) -> None:
    """Reads go to the spool and events to the outbox meanwhile; what only RabbitMQ had is missing:
    the batches in `counter.reads`, and events that a replay repeats.
    """
    async with running(apart) as (fleet, load):
        (counter,), (render,) = fleet.of("counter"), fleet.of("render")
        await acknowledged(load, 100)
        await fleet.stop(counter)
        counted = await apart.counted()
        await acknowledged(load, 100)
        await fleet.stop(render)
        await publish(fleet, "a2")  # its event waits for render
        await until(lambda: _outbox(apart, 0), 10, "the event is in RabbitMQ")
        load.stop()
        await load.finish()
        lost = exact(load) - counted

        await apart.end_broker("kill")
        reading = readers(fleet, 1)
        reading.start(["a1"], [], [])
        await acknowledged(reading, 100)  # on ingest's disk
        await publish(fleet, "a3")
        await until(lambda: _outbox(apart, 1), 10, "the event waits in the outbox")
        await asyncio.to_thread(stores.restore_rabbitmq, apart.broker, None)
        reading.stop()
        await reading.finish()
        (line,) = [x for x in block(OPERATIONS, "# exchanges").splitlines() if "shared.setup" in x]
        assert line.split("#")[0].split() == ["python", "-m", "shared.setup"]
        made = await apart.command("shared.setup", amqp_url=apart.broker.url_of("setup"))
        assert made.returncode == 0, made.stderr
        for replica in (counter, render):
            fleet.start(replica)
        await fleet.ready()
        now, found = await all_counted(fleet), await books(apart, fleet)
        accepted = exact(load) + exact(reading)
        print(
            f"RabbitMQ empty: {accepted} reads acknowledged, {now} counted, {lost} were in the "
            f"queue, in flight {found['in_flight']}, balance {found['balance']}"
        )
        assert now == accepted - lost
        assert found["balance"] == 0
        assert found["in_flight"] > 0
        assert await apart.db.pages.count_documents({"_id": "a3"}) == 1  # the outbox kept it
        assert await apart.db.pages.count_documents({"_id": "a2"}) == 0

        at = f"render={render.url}/state"
        assert (await apart.command("services.ingest", "reconcile", at)).returncode == 1
        replayed = await apart.command("services.ingest", "replay", "--to", "render.articles")
        assert replayed.returncode == 0, replayed.stderr
        await until(lambda: apart.db.pages.count_documents({"_id": "a2"}), 20, "the missing page")
        agreed = await apart.command("services.ingest", "reconcile", at)
        assert agreed.returncode == 0, agreed.stdout


async def _end_uncounted(load: Load) -> None:
    """End the load after 100 more reads; no counter runs."""
    await acknowledged(load, 100)
    load.stop()
    await load.finish()


async def _listed(system: System, batches: int) -> bool:
    gaps = await system.command("services.counter", "gaps")
    return f"{batches} batches missing" in gaps.stdout


async def _counted(system: System, reads: int) -> bool:
    return await system.counted() >= reads


async def _outbox(system: System, number: int) -> bool:
    return bool(await system.db.outbox.count_documents({}) == number)


async def _until_forwarded(system: System, fleet: Fleet) -> int:
    """Wait until no batch is in a spool; answers how many are in the queue."""

    async def forwarded() -> bool:
        return not list((system.folder / "spool").glob("*/*.spool"))

    await until(forwarded, 30, "the spool is forwarded")
    return await system.queue_depth("counter.reads")
