"""Faults of the count, of the spools and of parked messages."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from services.counter.store import SLOTS
from services.ingest.reads.segment import encode_record
from shared.rabbit.batch import READER, Batch, batch_id
from shared.storage.counts import SITE
from tests.support.system import BROWSER
from tests.watch.alarms import RESTART, fault
from tests.watch.bench import ARTICLES, Bench

MINUTE, HOUR = 60, 3600
BOTS_PAUSE = 0.03


def batch(epoch: str, sequence: int, age: float = 0) -> Batch:
    """A batch with one read, `age` seconds old."""
    minted = int((time.time() - age) * 1000)
    return Batch(
        batch_id(epoch, sequence), minted, [(READER, ARTICLES[0], minted // 900_000, 1, 0, 0)]
    )


@asynccontextmanager
async def changed_count(one: Bench) -> AsyncIterator[None]:
    """Five reads more in the site's count, by hand."""
    counts, chosen = one.stack.system.db.counts, {"article": SITE}
    await counts.update_one(chosen, {"$inc": {"reads": 5}})
    yield
    await counts.update_one(chosen, {"$inc": {"reads": -5}})


@asynccontextmanager
async def counters_without_database(one: Bench) -> AsyncIterator[None]:
    """Both counters lose MongoDB."""
    wires = [one.mongo["counter-1"], one.mongo["counter-2"]]
    for wire in wires:
        await wire.cut()
    yield
    for wire in wires:
        await wire.mend()


@asynccontextmanager
async def running_gap(one: Bench) -> AsyncIterator[None]:
    """Batch 1 of an ingest that goes on sending is missing."""

    async def send() -> None:
        for number in (0, *range(2, 600)):
            await one.send_batch(batch("runs", number))
            await asyncio.sleep(1)

    sending = asyncio.create_task(send())
    try:
        yield
    finally:
        await one.send_batch(batch("runs", 1))
        sending.cancel()


@asynccontextmanager
async def ended_gap(one: Bench) -> AsyncIterator[None]:
    """The last batch of an ingest arrived, the four before it did not."""
    await one.send_batch(batch("ended", 4))
    yield
    for number in range(4):
        await one.send_batch(batch("ended", number))


@asynccontextmanager
async def leased_slots(one: Bench) -> AsyncIterator[None]:
    """A counter starts while all slots are leased."""
    slots = one.stack.system.db.slots
    await one.stop("counter-2")
    until = datetime.now(UTC) + timedelta(hours=1)
    held = {document["_id"] async for document in slots.find({"until": {"$gt": datetime.now(UTC)}})}
    others = [number for number in range(SLOTS) if number not in held]
    for number in others:
        lease = {"v": 1, "owner": "another counter", "until": until}
        await slots.replace_one({"_id": number}, lease, upsert=True)
    await one.start("counter-2", ready=False)
    yield
    await slots.delete_many({"owner": "another counter"})


@asynccontextmanager
async def crawler(one: Bench) -> AsyncIterator[None]:
    """A crawler runs the scripts of pages."""

    async def crawl() -> None:
        async with httpx.AsyncClient(timeout=10, headers={"user-agent": "curl/8.11"}) as client:
            while True:
                body = {"article": ARTICLES[0]}
                await client.post(f"{one.replica('ingest-1').url}/reads", json=body)
                await asyncio.sleep(BOTS_PAUSE)

    async def read() -> None:
        """People come again, as many as the crawler was: else the share falls in an hour."""
        async with httpx.AsyncClient(timeout=10, headers={"user-agent": BROWSER}) as client:
            while True:
                body = {"article": ARTICLES[0]}
                await client.post(f"{one.replica('ingest-1').url}/reads", json=body)
                await asyncio.sleep(BOTS_PAUSE)

    task = asyncio.create_task(crawl())
    try:
        yield
    finally:
        task.cancel()
    readers = asyncio.create_task(read())
    one.lasting.append(readers)
    asyncio.get_running_loop().call_later(240, readers.cancel)


@asynccontextmanager
async def parked_message(one: Bench) -> AsyncIterator[None]:
    """A message that is no event."""
    await one.send("render.articles", b"?")
    yield
    await one.purge("render.articles.parked")


@asynccontextmanager
async def forgotten_message(one: Bench) -> AsyncIterator[None]:
    """A message that was parked two days ago."""
    at = (datetime.now(UTC) - timedelta(days=2)).isoformat()
    headers = {"x-luotdoc-reason": "bug", "x-luotdoc-parked-at": at}
    await one.send("stats.articles.parked", b"?", headers=headers)
    yield
    await one.purge("stats.articles.parked")


@asynccontextmanager
async def _old_spool(one: Bench, age: float) -> AsyncIterator[None]:
    """ingest-2 is cut off from RabbitMQ, and starts with a spool `age` seconds old."""
    await one.stop("ingest-2")
    await one.amqp["ingest-2"].cut()
    segment(one.spool("ingest-2"), age)
    await one.start("ingest-2")
    yield
    await one.amqp["ingest-2"].mend()


def segment(folder: Path, age: float) -> None:
    """Write a spool's segment with one batch."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "lock").touch()
    (folder / "000000900000.spool").write_bytes(encode_record(batch(f"e{age:.0f}", 0, age)))


@asynccontextmanager
async def minutes_old_spool(one: Bench) -> AsyncIterator[None]:
    """Ten minutes old."""
    async with _old_spool(one, 10 * MINUTE):
        yield


@asynccontextmanager
async def days_old_spool(one: Bench) -> AsyncIterator[None]:
    """More than two days old."""
    async with _old_spool(one, 50 * HOUR):
        yield


@asynccontextmanager
async def unusable_spool(one: Bench) -> AsyncIterator[None]:
    """A file lies in the place of the spool's folder."""
    spool = one.spool("ingest-2")
    away = spool.with_name("away")
    spool.rename(away)
    spool.write_text("in the way\n")
    yield
    spool.unlink()
    away.rename(spool)


@asynccontextmanager
async def orphaned_spool(one: Bench) -> AsyncIterator[None]:
    """The spool of an ingest that does not run is beside that of one that does. It is adopted."""
    segment(one.spools("ingest-1") / "ingest-9", MINUTE)
    yield
    done = await one.stack.system.command(
        "services.ingest", "adopt", "ingest-9", spool_dir=str(one.spools("ingest-1"))
    )
    assert done.returncode == 0, done.stderr


FAULTS = (
    fault("a count changed by hand", changed_count, "BooksDontBalance"),
    fault(
        "both counters lose MongoDB",
        counters_without_database,
        "FlushesFail NoBatchesArrive",
        "NotReady BrokerAway EventTypeSilent CounterHasNoSlot CountingLags",
        seconds=150,
    ),
    fault(
        "a running ingest's batch is missing",
        running_gap,
        "GapInRunningIngest CountingLags",
        seconds=200,
    ),
    fault(
        "an ended ingest's batches are missing",
        ended_gap,
        "GapAfterIngestEnded",
        # An ingest is running for a minute after its last batch, which is long in this copy.
        "CountingLags GapInRunningIngest",
        seconds=150,
    ),
    fault(
        "a counter starts while all slots are leased",
        leased_slots,
        "CounterHasNoSlot",
        RESTART,
    ),
    fault("a crawler runs scripts", crawler, "BotShareJumps", seconds=320, lasts=320),
    fault("an event that can't be read", parked_message, "MessagesParked"),
    fault("a message parked two days ago", forgotten_message, "ParkedTooLong", "MessagesParked"),
    fault(
        "an ingest without RabbitMQ has a spool ten minutes old",
        minutes_old_spool,
        "SpoolAges",
        RESTART,
    ),
    fault(
        "an ingest without RabbitMQ has a spool two days old",
        days_old_spool,
        "SpoolNearsItsEnd",
        f"SpoolAges {RESTART}",
    ),
    fault("a spool's folder is replaced", unusable_spool, "SpoolUnusable"),
    fault("a spool without its ingest", orphaned_spool, "SpoolOrphaned", seconds=90),
)
