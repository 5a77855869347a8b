"""Faults of events on their way, and of RabbitMQ."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import httpx
import orjson

from luotdoc_subscriber.rabbit.layout import EVENTS_EXCHANGE
from tests.watch.alarms import RESTART, fault
from tests.watch.bench import ARTICLES, Bench

MANY = 1_200


@asynccontextmanager
async def repeated(act: Callable[[], Awaitable[object]], pause: float) -> AsyncIterator[None]:
    """`act()` again and again inside the block; a client that gets no answer tries again."""

    async def go() -> None:
        while True:
            with contextlib.suppress(httpx.TransportError, OSError):
                await act()
            await asyncio.sleep(pause)

    task = asyncio.create_task(go())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def ingests_without_broker(one: Bench) -> AsyncIterator[None]:
    """Both ingests lose RabbitMQ, and an article is changed."""
    wires = [one.amqp["ingest-1"], one.amqp["ingest-2"]]
    for wire in wires:
        await wire.cut()
    await one.put(ARTICLES[1], title="Sửa khi mất RabbitMQ")
    yield
    for wire in wires:
        await wire.mend()


@asynccontextmanager
async def ingest_without_broker(one: Bench) -> AsyncIterator[None]:
    """One ingest loses RabbitMQ."""
    await one.amqp["ingest-2"].cut()
    yield
    await one.amqp["ingest-2"].mend()


@asynccontextmanager
async def no_heartbeat(one: Bench) -> AsyncIterator[None]:
    """Both renders start without a heartbeat, one after the other."""
    for name in ("render-1", "render-2"):
        one.replica(name).settings["HEARTBEAT_INTERVAL"] = 3600
        await one.stop(name)
        await one.start(name)
    yield
    for name in ("render-1", "render-2"):
        del one.replica(name).settings["HEARTBEAT_INTERVAL"]
        await one.stop(name)
        await one.start(name)


@asynccontextmanager
async def refusing_queue(one: Bench) -> AsyncIterator[None]:
    """A subscriber's full queue refuses events."""
    numbers = count()
    arguments: dict[str, Any] = {"x-max-length": 1, "x-overflow": "reject-publish"}
    async with one.channel() as channel:
        queue = await channel.declare_queue("search.articles", durable=True, arguments=arguments)
        await queue.bind(EVENTS_EXCHANGE.name, "article.*")
        async with repeated(lambda: one.put(ARTICLES[2], title=f"Bản {next(numbers)}"), 1):
            yield
        await channel.queue_delete("search.articles")


@asynccontextmanager
async def stats_without_database(one: Bench) -> AsyncIterator[None]:
    """stats loses MongoDB, and 1,200 events arrive."""
    event = await one.event()
    await one.mongo["stats-1"].cut()
    await one.send("stats.articles", event, MANY)
    yield
    await one.purge("stats.articles")  # copies, and a busy machine takes minutes to handle them
    await one.mongo["stats-1"].mend()


@asynccontextmanager
async def late_events(one: Bench) -> AsyncIterator[None]:
    """Events arrive that happened two minutes ago."""
    event = orjson.loads(await one.event())
    event["time"] = (datetime.now(UTC) - timedelta(minutes=2)).isoformat()
    body = orjson.dumps(event)
    async with repeated(lambda: one.send("stats.articles", body), 0.5):
        yield


@asynccontextmanager
async def lost_page(one: Bench) -> AsyncIterator[None]:
    """A page vanishes from render's database; the article is published once more."""
    await one.stack.system.db.pages.delete_one({"_id": ARTICLES[3]})
    yield
    await one.put(ARTICLES[3], title="Bài được xuất bản lại")


@asynccontextmanager
async def silent_listing(one: Bench) -> AsyncIterator[None]:
    """ingest can't reach render's state listing."""
    for wire in one.state:
        await wire.cut()
    yield
    for wire in one.state:
        await wire.mend()


@asynccontextmanager
async def memory_alarm(one: Bench) -> AsyncIterator[None]:
    """RabbitMQ's memory is over its limit."""
    broker = one.stack.system.broker
    await asyncio.to_thread(broker.set_memory_alarm, True)
    yield
    await asyncio.to_thread(broker.set_memory_alarm, False)


@asynccontextmanager
async def disk_alarm(one: Bench) -> AsyncIterator[None]:
    """RabbitMQ's disk has less room than its limit."""
    control = one.stack.system.broker.control
    await asyncio.to_thread(control, "set_disk_free_limit", "1000000GB")
    yield
    await asyncio.to_thread(control, "set_disk_free_limit", "50MB")


@asynccontextmanager
async def files_alarm(one: Bench) -> AsyncIterator[None]:
    """RabbitMQ may open fewer files than it has open, and connections come."""
    control = one.stack.system.broker.control
    before = await asyncio.to_thread(control, "eval", "file_handle_cache:get_limit().")
    await asyncio.to_thread(control, "eval", "file_handle_cache:set_limit(10).")
    async with AsyncExitStack() as connections:
        opening = asyncio.create_task(connections.enter_async_context(one.channel()))
        yield
        await asyncio.to_thread(control, "eval", f"file_handle_cache:set_limit({int(before)}).")
        await asyncio.gather(opening, return_exceptions=True)


@asynccontextmanager
async def silent_metrics(one: Bench) -> AsyncIterator[None]:
    """RabbitMQ's plugin for Prometheus is stopped: the node can't be scraped."""
    control = one.stack.system.broker.control
    await asyncio.to_thread(control, "eval", "application:stop(rabbitmq_prometheus).")
    try:
        yield
    finally:
        await asyncio.to_thread(control, "eval", "application:start(rabbitmq_prometheus).")


BLOCKED = "EventTypeSilent BrokerAway NotReady NoBatchesArrive CountingLags OutboxAges"
"""An alarm blocks every publisher: what shows if it lasts."""

FAULTS = (
    fault("one ingest loses RabbitMQ", ingest_without_broker, "BrokerAway"),
    fault(
        "both ingests lose RabbitMQ",
        ingests_without_broker,
        "OutboxAges NoBatchesArrive",
        "BrokerAway EventTypeSilent CountingLags ReconciliationDiffers",
        seconds=150,
    ),
    fault("renders without heartbeats", no_heartbeat, "EventTypeSilent", RESTART, 120),
    fault("a subscriber's full queue refuses", refusing_queue, "SubscriberQueueRefuses"),
    fault(
        "stats loses MongoDB, and 1,200 events arrive",
        stats_without_database,
        "BooksUnread QueueLong HandlersRetry",
        "NotReady CountingLags ReconciliationStopped TrafficStale",
        seconds=150,
    ),
    fault("events arrive late", late_events, "EventsHandledLate", seconds=90, lasts=90),
    fault("a page is lost", lost_page, "ReconciliationDiffers", seconds=120),
    fault("render's state can't be listed", silent_listing, "ReconciliationStopped", seconds=120),
    fault("RabbitMQ can't be scraped", silent_metrics, "RabbitMQNodeDown"),
    fault("RabbitMQ is out of memory", memory_alarm, "RabbitMQMemoryAlarm", BLOCKED),
    fault("RabbitMQ is out of disk", disk_alarm, "RabbitMQDiskAlarm", BLOCKED),
    fault("RabbitMQ is out of files", files_alarm, "RabbitMQFilesAlarm", BLOCKED),
)
