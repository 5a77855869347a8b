"""Faults of the dashboards' run: each makes a panel show what it was made for.

Each function causes its fault, waits until Prometheus shows it, ends it, and leaves the stack as it
was.
"""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable

import aio_pika
import httpx

from luotdoc_subscriber.rabbit.layout import EVENTS_EXCHANGE
from shared.rabbit import topology
from shared.rabbit.batch import BOT, READER, Batch, Move, batch_id
from tests.support.system import EDITOR, until
from tests.watch.old_reads import LONG_AGO, old_reads
from tests.watch.stack import Stack

GAP = 4
SPOOLED = 'luotdoc_spool_bytes{instance="ingest-1"} > 0'
REFUSED = 'increase(luotdoc_reads_total{class="reader", outcome="unavailable"}[1m]) > 0'
FAILED = (
    'increase(luotdoc_flushes_total{outcome="failed"}[1m]) > 0',
    'increase(luotdoc_pages_total{status="503"}[1m]) > 0',
    'sum by (service) (increase(luotdoc_http_requests_total{status="503"}[1m])) > 0',
    'luotdoc_queue_waiting{queue="counter.reads"} > 0',
)


async def seen(stack: Stack, *expressions: str) -> None:
    """Wait until each expression has a value in Prometheus."""

    def found() -> bool:
        return all(stack.prometheus.value(expression) for expression in expressions)

    await until(lambda: asyncio.to_thread(found), 20, f"Prometheus shows {expressions}")


async def parked_messages(stack: Stack) -> None:
    """A batch and events that nothing can handle, and a full queue of a subscriber that refuses."""
    async with await aio_pika.connect(stack.system.broker.url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(
            "search.articles",
            durable=True,
            arguments={"x-max-length": 1, "x-overflow": "reject-publish"},
        )
        await queue.bind(EVENTS_EXCHANGE.name, "article.*")
        default = channel.default_exchange
        for work in topology.WORK_QUEUES:
            await default.publish(aio_pika.Message(b"?"), work.queue.name)


async def missing_batches(stack: Stack) -> None:
    """A batch whose earlier ones never arrive, sent twice: a gap, and a duplicate. A recount's
    correcting batch takes its read away again.
    """
    now = int(time.time() * 1000)
    batch = Batch(batch_id("watched", GAP), now, [(READER, "ls0001", now // 900_000, 1, 0, 0)])
    async with await aio_pika.connect(stack.system.broker.url) as connection:
        channel = await connection.channel()
        exchange = await channel.get_exchange(topology.READS_EXCHANGE.name)
        moves: list[Move] = [(READER, BOT, "ls0001", now // 900_000, 1)]
        correction = Batch("h" + "0" * 64, now, [], moves=moves)
        for one in (batch, batch, correction):
            message = aio_pika.Message(one.body(), headers=one.headers())
            await exchange.publish(message, topology.READS_KEY)


async def reads_of_long_ago(stack: Stack) -> None:
    """Reads of last year arrive. A counter that starts moves them to the archive, and a projection
    of theirs is changed by hand.
    """
    system, articles = stack.system, [f"ls{number:04}" for number in range(1, 21)]
    batch = old_reads("forgotten", articles, LONG_AGO)
    async with await aio_pika.connect(system.broker.url) as connection:
        exchange = await (await connection.channel()).get_exchange(topology.READS_EXCHANGE.name)
        message = aio_pika.Message(batch.body(), headers=batch.headers())
        await exchange.publish(message, topology.READS_KEY)
    await seen(stack, "luotdoc_late_markers_total > 0", "luotdoc_traffic_projections_missing > 0")
    counter = stack.replica("counter-2")
    await stack.fleet.stop(counter)
    stack.fleet.start(counter)
    await stack.fleet.ready_one(counter, 60)
    await seen(stack, "luotdoc_archived_buckets_total > 0")
    day = {"kind": "day", f"reads.{articles[0]}": {"$gt": 0}}
    await system.db.projections.update_one(day, {"$inc": {f"reads.{articles[0]}": 5}})
    await seen(stack, "luotdoc_traffic_projections_repaired_total > 0")


async def frozen_broker(stack: Stack) -> None:
    """RabbitMQ freezes: reads go to the spool, events wait. One ingest loses its spool meanwhile,
    and refuses reads.
    """
    spool = stack.system.folder / "spool/ingest-2"
    away = spool.with_name("away")
    stack.system.broker.pause()
    try:
        await seen(stack, SPOOLED)
        spool.rename(away)
        spool.write_text("in the way\n")
        try:
            await seen(stack, REFUSED)
        finally:
            spool.unlink()
            away.rename(spool)
    finally:
        stack.system.broker.resume()
    await seen(stack, 'luotdoc_spool_bytes{instance="ingest-1"} == 0')


async def frozen_database(stack: Stack) -> None:
    """MongoDB freezes: flushes fail, changes of articles and pages that are not in memory too."""
    stack.system.database.pause()
    try:
        await seen(stack, *FAILED)
    finally:
        stack.system.database.resume()


async def lost_page(stack: Stack) -> None:
    """A page vanishes from render's database, and an ingest that starts compares at once; its
    restart is seen too. A republication heals the page.
    """
    await stack.system.db.pages.delete_one({"_id": "ls0002"})
    ingest = stack.replica("ingest-2")
    ingest.running.send_signal(signal.SIGTERM)
    await asyncio.to_thread(ingest.running.wait, 30)
    stack.fleet.start(ingest)
    await stack.fleet.ready_one(ingest, 60)
    await seen(stack, "luotdoc_reconciliation_differences > 0")
    async with httpx.AsyncClient(headers=EDITOR, timeout=30) as client:
        url = f"{stack.replica('ingest-1').url}/articles/ls0002"
        sample = (await client.get(url)).json()
        known = {key: sample[key] for key in ("title", "section", "body_html")}
        answer = await client.put(url, json=known | {"change": "minor", "lead": "Bản sửa"})
        answer.raise_for_status()


PLAN: tuple[tuple[float, str, Callable[[Stack], Awaitable[None]]], ...] = (
    (10, "messages that can't be handled, and a subscriber's full queue", parked_messages),
    (15, "batches that never arrive", missing_batches),
    (20, "reads of last year, and a projection changed by hand", reads_of_long_ago),
    (45, "RabbitMQ frozen, then a spool's folder gone", frozen_broker),
    (80, "MongoDB frozen", frozen_database),
    (115, "a page lost, an ingest restarted", lost_page),
)
"""Seconds from the beginning of the load, what happens, and how."""


async def carry_out(stack: Stack) -> None:
    """The whole plan, in time."""
    began = time.monotonic()
    for at, what, cause in PLAN:
        await asyncio.sleep(max(0.0, began + at - time.monotonic()))
        await cause(stack)
        stack.say(f"seen: {what}")
