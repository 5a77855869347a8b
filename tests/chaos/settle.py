"""After a round: wait until everything has drained, then look at what is there."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

import aio_pika
import httpx
import orjson

from luotdoc_subscriber.rabbit import layout
from shared.rabbit import topology
from shared.storage.transactions import snapshot
from tests.chaos.fleet import Fleet
from tests.support.system import System

PATIENCE_SECONDS = 120.0
"""After that the verdict is spoken over what is there."""
STABLE_SECONDS = 1.2
"""No change for so long, which is more than ingest's empty batch and counter's flush take."""
SUBSCRIBER = "chaos.events"
SUBSCRIBER_SECONDS, GET_SECONDS = 60.0, 10.0
"""For all that is asked of the run's own queue, and for one message: a queue that is down never
answers.
"""


@dataclass
class Found:
    """What a round has left behind, over all rounds so far."""

    counted: dict[str, int]
    site: int
    buckets: int
    classes: dict[str, int]
    """Sums of the site's buckets: reads of class `reader`, and those by `referrer` and `device`."""
    ledger: list[str]
    applied: int
    """How often a batch was put into the books, keyed ones too."""
    books: dict[str, Any]
    stored: dict[str, int]
    served: dict[str, int]


async def listen(system: System) -> None:
    """Give the run a subscriber of its own to article events, as any other service would have.

    Returns once RabbitMQ has written the queue down: killed sooner, it would never bring it up
    again.
    """
    async with (
        asyncio.timeout(SUBSCRIBER_SECONDS),
        await aio_pika.connect(system.broker.url) as connection,
    ):
        channel = await connection.channel()
        queue = await channel.declare_queue(
            SUBSCRIBER, durable=True, arguments={"x-queue-type": "quorum"}
        )
        await queue.bind(layout.EVENTS_EXCHANGE.name, "article.*")
        await queue.purge()
    system.declared()
    await system.written_down()


async def heard(system: System, told: dict[str, list[int]]) -> None:
    """Add to `told` the revisions that the subscriber got, by article, in the order in which they
    came.
    """
    async with (
        asyncio.timeout(SUBSCRIBER_SECONDS),
        await aio_pika.connect(system.broker.url) as connection,
    ):
        channel = await connection.channel()
        queue = await channel.get_queue(SUBSCRIBER)
        while message := await queue.get(fail=False, timeout=GET_SECONDS):
            event = orjson.loads(message.body)
            told.setdefault(event["subject"], []).append(int(event["sequence"]))
            await message.ack()


async def settled(fleet: Fleet) -> str:
    """Wait until nothing is on its way to the services there are; answers what still was, if
    patience ended.
    """
    system, deadline = fleet.system, time.monotonic() + PATIENCE_SECONDS
    before: Any = None
    stable = time.monotonic()
    queues = [work for work in topology.WORK_QUEUES if fleet.of(work.name.partition(".")[0])]
    while True:
        waits, state = await _look(system, queues)
        if waits or state != before:
            before, stable = state, time.monotonic()
        elif time.monotonic() - stable > STABLE_SECONDS:
            waits = await asyncio.to_thread(_unsettled, fleet, queues)
            if not waits:
                return ""
            stable = time.monotonic()
        if time.monotonic() > deadline:
            return waits or "the counts do not come to rest"
        await asyncio.sleep(0.2)


async def _look(system: System, queues: list[layout.WorkQueue]) -> tuple[str, Any]:
    spooled = list((system.folder / "spool").glob("*/*.spool"))
    if spooled:
        return f"spool {spooled[0].parent.name}", None
    if number := await system.db.outbox.count_documents({}):
        return f"{number} events in the outbox", None
    for work in queues:
        if number := await system.queue_depth(work.name):
            return f"{number} messages in {work.name}", None
    pages = [
        (d["_id"], d["revision"])
        async for d in system.db.pages.find({}, {"revision": 1}).sort("_id", 1)
    ]
    return "", (await system.by_article(), pages)


def _unsettled(fleet: Fleet, queues: list[layout.WorkQueue]) -> str:
    """Messages in hand are seen by rabbitmqctl alone. An idle ingest's empty batch may be among
    them.
    """
    listed = fleet.system.broker.control("list_queues", "--no-table-headers", "name", "messages")
    numbers = {
        name: int(number)
        for name, _, number in (line.partition("\t") for line in listed.splitlines())
    }
    names = {queue.name for work in queues for queue in (work.queue, *work.retries)}
    allowed = {topology.COUNTER_READS.name: len(fleet.of("ingest"))}
    left = [
        f"{n} messages in {name}"
        for name, n in numbers.items()
        if name in names and n > allowed.get(name, 0)
    ]
    return ", ".join(left)


async def find(fleet: Fleet, articles: list[str]) -> Found:
    """Read counts, books, ledger, and the revisions of `articles`."""
    system = fleet.system
    books = await system.http.get(f"{fleet.of('stats')[0].url}/stats/reconciliation")
    books.raise_for_status()
    stored, served = {}, {}
    for article in articles:
        document = await system.db.articles.find_one({"_id": article}, {"revision": 1})
        stored[article] = int(document["revision"]) if document else 0
        served[article] = await _served(system, fleet.of("render")[0].url, article)
    async with snapshot(system.motor) as session:  # batches without reads go on being counted
        ledger = [d["_id"] async for d in system.db.ledger.find({}, {"_id": 1}, session=session)]
        applied = sum(
            [d["batches"] async for d in system.db.books.find({}, {"batches": 1}, session=session)]
        )
    return Found(
        counted=await system.by_article(),
        site=await system.counted(),
        buckets=sum(
            [d["reads"] async for d in system.db.buckets.find({"article": "*"}, {"reads": 1})]
        ),
        classes=await _classes(system),
        ledger=ledger,
        applied=applied,
        books=dict(books.json()),
        stored=stored,
        served=served,
    )


async def _classes(system: System) -> dict[str, int]:
    sums = dict.fromkeys(("reader", "referrer", "device"), 0)
    async for bucket in system.db.buckets.find({"article": "*"}):
        batch = bucket.get("by", {}).get("batch", {})
        sums["reader"] += bucket["reads"] - sum(batch.values())
        for name in ("referrer", "device"):
            sums[name] += sum(sum(quarters.values()) for quarters in bucket.get(name, {}).values())
    return sums


async def _served(system: System, url: str, article: str) -> int:
    """The revision of the page that readers get: the stored page's, if what is served shows its
    text.
    """
    page = await system.db.pages.find_one({"_id": article}, {"revision": 1, "article": 1})
    answer: httpx.Response = await system.http.get(
        f"{url}/x/x-{article}.html", follow_redirects=True
    )
    if page is None or answer.status_code != 200 or page["article"]["body_html"] not in answer.text:
        return 0
    return int(page["revision"])
