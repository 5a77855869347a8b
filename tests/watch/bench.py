"""What the alerts' faults work with: a stack whose services reach RabbitMQ and MongoDB by wires, if
asked a gateway that reaches the services by wires, and a steady light load of readers.
"""

import asyncio
import random
import re
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import aio_pika
import httpx
from aio_pika.abc import AbstractChannel

from deploy.local.plan import SITE_FILE
from luotdoc_subscriber.rabbit.layout import EVENTS_EXCHANGE
from shared.rabbit import topology
from shared.rabbit.batch import Batch
from tests.chaos.fleet import Fleet, Replica
from tests.support.system import EDITOR, until
from tests.watch.readers import readers
from tests.watch.rules import shortened
from tests.watch.stack import Stack, stack
from tests.watch.wire import Wire, wire

ARTICLES = [f"bai{number}" for number in range(6)]
UNREAD = "tin0"
"""An article that no reader asks for. Its events drop no page from a render's memory that a reader
needs while MongoDB is away.
"""
CONNECTIONS = 40
"""Of each ingest, so that few are enough to use them up."""

SITE_CHANGED = "render-2"
"""The replica that has a site file of its own, which a fault changes."""


@dataclass
class Bench:
    """The running stack. `mongo` and `amqp` have the wire of each replica, `state` that from the
    ingests to render's state listing, `front` that from the gateway to each replica that it knows.
    To a MongoDB of three members there is no wire: a client goes to whichever is the primary.
    """

    stack: Stack
    mongo: dict[str, Wire] = field(default_factory=dict)
    amqp: dict[str, Wire] = field(default_factory=dict)
    state: list[Wire] = field(default_factory=list)
    front: dict[str, Wire] = field(default_factory=dict)
    lasting: list[asyncio.Task[None]] = field(default_factory=list)
    """What goes on after a fault; it ends with the bench."""

    @property
    def fleet(self) -> Fleet:
        """The services."""
        return self.stack.fleet

    def replica(self, name: str) -> Replica:
        """The replica of this name."""
        return self.stack.replica(name)

    async def stop(self, name: str) -> None:
        """SIGTERM, and wait."""
        await self.fleet.stop(self.replica(name))

    async def start(self, name: str, ready: bool = True) -> None:
        """Start it in its old place."""
        replica = self.replica(name)
        self.fleet.start(replica)
        if ready:
            await self.fleet.ready_one(replica, 90)

    async def put(self, article: str, ingest: str = "ingest-1", **body: str) -> int:
        """Save an article; the status."""
        filled = {"title": f"Bài {article}", "section": "thoi-su", "body_html": "<p>Nội dung</p>"}
        url = f"{self.replica(ingest).url}/articles/{article}"
        async with httpx.AsyncClient(headers=EDITOR, timeout=30) as client:
            return (await client.put(url, json=filled | body)).status_code

    @asynccontextmanager
    async def channel(self) -> AsyncIterator[AbstractChannel]:
        """A channel of RabbitMQ's administrator."""
        async with await aio_pika.connect(self.stack.system.broker.url) as connection:
            yield await connection.channel()

    async def send(
        self, queue: str, body: bytes, copies: int = 1, headers: dict[str, str] | None = None
    ) -> None:
        """Put messages into a queue."""
        async with self.channel() as channel:
            for _ in range(copies):
                message = aio_pika.Message(body, headers=dict(headers or {}), delivery_mode=2)
                await channel.default_exchange.publish(message, queue)

    async def send_batch(self, batch: Batch) -> None:
        """Publish a batch, as an ingest does."""
        async with self.channel() as channel:
            exchange = await channel.get_exchange(topology.READS_EXCHANGE.name)
            message = aio_pika.Message(batch.body(), headers=batch.headers(), delivery_mode=2)
            await exchange.publish(message, topology.READS_KEY)

    async def purge(self, queue: str) -> None:
        """Delete the messages of a queue."""
        async with self.channel() as channel:
            await (await channel.get_queue(queue)).purge()

    async def event(self) -> bytes:
        """A real event of `UNREAD`, as it was published."""
        async with self.channel() as channel:
            queue = await channel.declare_queue("watched.once", exclusive=True)
            await queue.bind(EVENTS_EXCHANGE.name, "article.updated")
            await self.put(UNREAD, title=f"Bài {random.random()}")
            message = await until(lambda: queue.get(fail=False), 20, "the event")
            return bytes(message.body)

    async def paths(self, render: str) -> list[str]:
        """The paths of all pages, once this render has answered each: so they are in its memory.
        Empty while it can't.
        """
        found = []
        async with httpx.AsyncClient(follow_redirects=True, timeout=20) as client:
            for article in ARTICLES:
                answer = await client.get(f"{self.replica(render).url}/x/x-{article}.html")
                found.append(answer.url.path if answer.status_code == 200 else "")
        return found if all(found) else []

    def spools(self, instance: str) -> Path:
        """The folder with the spool of an instance: each has a disk of its own, as on
        Kubernetes.
        """
        return Path(self.stack.system.folder / f"disk-of-{instance}")

    def site_of(self, instance: str) -> Path:
        """The site's file of the replica `SITE_CHANGED`."""
        return Path(self.stack.system.folder / f"site-of-{instance}" / SITE_FILE.name)

    def spool(self, instance: str) -> Path:
        """The folder of a spool."""
        return self.spools(instance) / instance


@asynccontextmanager
async def bench(
    folder: Path, say: Callable[[str], None], replicated: bool = False, fronted: bool = False
) -> AsyncIterator[Bench]:
    """Everything runs, is loaded lightly, and is judged by the shortened rules. `replicated`: with
    three members of MongoDB; `fronted`: with a gateway.
    """
    async with AsyncExitStack() as wires:
        wired: list[Bench] = []

        async def prepare(one: Stack) -> None:
            made = Bench(one)
            wired.append(made)
            for replica in one.fleet.replicas.values():
                await _connect(made, replica, wires)
            if fronted:
                await _add_gateway(made, wires)

        settings: dict[str, str | int] = {"MAX_CONNECTIONS": CONNECTIONS, "READ_LIMIT": 0}
        rules = shortened(folder / "rules")
        async with stack(folder, rules, say, settings, prepare, replicated):
            (made,) = wired
            for article in (*ARTICLES, UNREAD):
                assert await made.put(article) == 201
            paths = await until(lambda: made.paths("render-1"), 30, "the pages")
            async with readers(made.stack, ARTICLES, paths):
                await until(lambda: _counted(made), 60, "the first reads are counted")
                try:
                    yield made
                finally:
                    for task in made.lasting:
                        task.cancel()


async def _connect(made: Bench, replica: Replica, wires: AsyncExitStack) -> None:
    """Give a replica its own wires, and an ingest its quick comparison."""
    system = made.stack.system
    addresses = {"AMQP_URL": (system.broker.url_of(replica.service), made.amqp)}
    if not made.stack.exporters:
        addresses["MONGO_URL"] = (system.database.url_of(replica.service), made.mongo)
    for setting, (url, kept) in addresses.items():
        port = urlsplit(url).port
        assert port is not None
        one = await wires.enter_async_context(wire(port))
        kept[replica.name] = one
        replica.settings[setting] = url.replace(f":{port}/", f":{one.port}/")
    if replica.name == SITE_CHANGED:
        own = made.site_of(replica.name)
        await asyncio.to_thread(shutil.copytree, SITE_FILE.parent, own.parent, dirs_exist_ok=True)
        replica.settings["SITE"] = str(own)
    if replica.service == "counter":
        replica.module = "tests.watch.quick_counter"
    if replica.service == "ingest":
        replica.settings["SPOOL_DIR"] = str(made.spools(replica.name))
        replica.module = "tests.watch.quick_ingest"
        port = int(re.findall(r"render=http://[\d.]+:(\d+)", str(replica.settings["RECONCILE"]))[0])
        one = await wires.enter_async_context(wire(port))
        made.state.append(one)
        listings = str(replica.settings["RECONCILE"]).replace(f":{port}/", f":{one.port}/")
        replica.settings["RECONCILE"] = listings


async def _add_gateway(made: Bench, wires: AsyncExitStack) -> None:
    """Put a gateway in front of the services. Prometheus and the readers don't go through it."""
    for name, replica in made.fleet.replicas.items():
        made.front[name] = await wires.enter_async_context(wire(replica.port))
    made.stack.add_gateway({name: one.port for name, one in made.front.items()})


async def _counted(made: Bench) -> bool:
    return set(ARTICLES) <= set(await made.stack.system.by_article())
