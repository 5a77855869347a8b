"""The system under test: real service processes on the run's own broker and database."""

import asyncio
import inspect
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import aio_pika
import httpx
from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import ChannelNotFoundEntity, ChannelPreconditionFailed
from faststream.rabbit import RabbitQueue
from motor.motor_asyncio import AsyncIOMotorClient

from deploy.local import plan, ports
from deploy.local.broker import Node
from deploy.local.database import Database
from luotdoc_subscriber.rabbit import layout
from shared.base.settings import Settings
from shared.rabbit import topology
from shared.setup import setup
from shared.storage.collections import INDEXES
from tests.support.starter import Child, run

ROOT = Path(__file__).parents[2]
TOKEN, READS_ONLY = "token-with-both-scopes", "token-for-reads"
EDITOR = {"authorization": f"Bearer {TOKEN}"}
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


PATIENCE = 4.0
"""By which every wait may be longer than on a machine that does nothing else. It costs time only
where a test fails.
"""


GRACE = 25.0
"""Seconds in which a service must have ended; Kubernetes gives it 30."""


async def until(
    condition: Any, seconds: float = 10.0, what: str | Callable[[], str] = "the condition"
) -> Any:
    """Wait until `condition()` (may be a coroutine function) answers something true, and return it.

    `seconds` is what it takes at most on a quiet machine; a test that is about time measures it.
    `what` is called once it failed, if it tells what was logged meanwhile.
    """
    seconds *= PATIENCE
    deadline, pause = asyncio.get_running_loop().time() + seconds, 0.02
    while True:
        answer = condition()
        if inspect.isawaitable(answer):  # motor answers with futures
            answer = await answer
        if answer:
            return answer
        if asyncio.get_running_loop().time() > deadline:
            told = what if isinstance(what, str) else what()
            raise AssertionError(f"not within {seconds:g} s: {told}")
        await asyncio.sleep(pause)
        pause = min(0.25, pause * 1.2)  # a look costs the machine more than the wait


@dataclass
class Process:
    """A running service."""

    name: str
    url: str
    log: Path
    popen: Child

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.popen.pid

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.popen.send_signal(number)

    async def ended(self, seconds: float = 15.0) -> int:
        """Wait for its end; answers the exit status."""
        return await asyncio.to_thread(self.popen.wait, seconds * PATIENCE)

    async def stop(self) -> int:
        """SIGTERM, and wait."""
        self.send(signal.SIGTERM)
        return await self.ended()

    def text(self) -> str:
        """What it has logged."""
        return self.log.read_text()


async def _empty(connection: AbstractConnection, queue: RabbitQueue) -> None:
    """Purge a queue, in half the time that a new one takes. One that a test has changed, or that is
    down, is deleted.
    """
    try:
        async with connection.channel() as channel:
            made = await channel.declare_queue(queue.name, durable=True, arguments=queue.arguments)
            await made.purge()
    except (ChannelPreconditionFailed, ChannelNotFoundEntity):
        async with connection.channel() as channel:
            await channel.queue_delete(queue.name)


@dataclass
class System:
    """Starts services and looks at what they do."""

    broker: Node
    database: Database
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    processes: list[Process] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.http = httpx.AsyncClient(
            timeout=20, limits=httpx.Limits(max_connections=64), headers={"user-agent": BROWSER}
        )
        self.motor: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(
            self.database.url, tz_aware=True
        )
        self.db = self.motor.get_default_database()
        self._ports: list[int] = []
        self._declared = time.monotonic()

    async def reset(self) -> None:
        """Begin with nothing: no message, no document; then declare everything."""
        async with await aio_pika.connect(self.broker.url) as connection:
            for work in topology.WORK_QUEUES:
                for queue in (*work.retries, work.queue, work.parked):  # the way a message takes
                    await _empty(connection, queue)
            async with connection.channel() as channel:
                for stream in (layout.EVENTS_LOG, topology.READS_LOG):  # they can't be purged
                    await channel.queue_delete(stream.name)
        for name in await self.db.list_collection_names():
            if name in INDEXES:  # which take long to make
                await self.db[name].delete_many({})
            else:
                await self.db.drop_collection(name)
        await setup(
            Settings(amqp_url=self.broker.url_of("setup"), mongo_url=self.database.url_of("setup")),
            settle=0,
        )
        self.declared()

    def declared(self) -> None:
        """Note that a queue has just been declared."""
        self._declared = time.monotonic()

    async def written_down(self) -> None:
        """Wait until RabbitMQ will know again what was declared last.

        It writes down 5 s late which members a quorum queue or stream has. Ended sooner, a single
        node may never bring them up again (seen with 3.10: "home node is down or inaccessible").
        """
        await until(lambda: time.monotonic() > self._declared + 6, 7, "6 s since the declaration")

    async def end_broker(self, how: Literal["stop", "kill"] = "stop") -> None:
        """Stop or kill RabbitMQ, but not so early that no later test could use it.

        The test that ends it starts it again.
        """
        await self.written_down()
        await asyncio.to_thread(getattr(self.broker, how))

    async def start(
        self,
        service: str,
        *,
        module: str | None = None,
        wait: bool = True,
        port: int | str = 0,
        **settings: Any,
    ) -> Process:
        """Start one more replica of `service`; keyword arguments are settings without their
        prefix. `port`: 0 chooses one.
        """
        port = int(port) or ports.choose_port(None, self._ports)
        self._ports.append(port)
        number = sum(1 for process in self.processes if process.name.startswith(service)) + 1
        name = f"{service}-{number}"
        environment = self.environment_of(name, port, settings)
        log = self.folder / f"{name}.log"
        child = Child(module or f"services.{service}", environment, log)
        process = Process(name, f"http://127.0.0.1:{port}", log, child)
        self.processes.append(process)
        if wait:
            await self.ready(process)
        return process

    async def start_all(self, ingest: int = 1, counter: int = 1, **settings: Any) -> None:
        """All four services, with so many ingests and counters."""
        wanted = ["ingest"] * ingest + ["counter"] * counter + ["render", "stats"]
        started = [await self.start(service, wait=False, **settings) for service in wanted]
        await asyncio.gather(*(self.ready(process) for process in started))

    async def command(
        self, module: str, *arguments: str, **settings: str
    ) -> subprocess.CompletedProcess[str]:
        """Run an operator's command to its end; keyword arguments are settings without their
        prefix. A service's command has that service's user at MongoDB.
        """
        service = module.removeprefix("services.")
        own = {"mongo_url": self.database.url_of(service)} if service in plan.PORTS else {}
        environment = self.environment_of(settings={**own, **settings})
        return await asyncio.to_thread(
            partial(run, module, *arguments, environment=environment, folder=self.folder)
        )

    def environment_of(
        self, name: str = "operator", port: int = 0, settings: Mapping[str, str | int] | None = None
    ) -> dict[str, str]:
        """The environment of the replica `name` of a service, or of an operator's command."""
        service = name.partition("-")[0]  # anything else is a command of an operator
        inherited = {
            key: value for key, value in os.environ.items() if not key.startswith("LUOTDOC_")
        }
        both = sha256(TOKEN.encode()).hexdigest()
        reads = sha256(READS_ONLY.encode()).hexdigest()
        given = {key.upper(): str(value) for key, value in (settings or {}).items()}
        ours = {
            "AMQP_URL": self.broker.url_of(service) if service in plan.PORTS else self.broker.url,
            "MONGO_URL": (
                self.database.url_of(service) if service in plan.PORTS else self.database.url
            ),
            "PORT": str(port),
            "TOKENS": f"both:articles+reads:{both},reader:reads:{reads}",
            "SPOOL_DIR": str(self.folder / "spool"),
            "INSTANCE": name,
            "READ_LIMIT": "0",  # all reads come from one address
            "READ_ORIGINS": "*",  # render's port is any free one
            "SECTIONS": "thoi-su=Thời sự,van-hoa=Văn hóa",
            **self.environment,
            **given,
        }
        if "SITE" in ours and "SECTIONS" not in given:
            del ours["SECTIONS"]  # the site's file has them
        return inherited | {f"LUOTDOC_{key}": value for key, value in ours.items()}

    async def ready(self, process: Process, seconds: float = 30.0) -> None:
        """Wait until `/readyz` answers 200."""

        async def answers() -> bool:
            if process.popen.poll() is not None:
                raise AssertionError(
                    f"{process.name} ended with "
                    f"{process.popen.returncode}:\n{process.text()[-3000:]}"
                )
            try:
                return (await self.http.get(f"{process.url}/readyz")).status_code == 200
            except httpx.TransportError:
                return False

        await until(
            answers, seconds, lambda: f"{process.name} ready; its log:\n{process.text()[-3000:]}"
        )

    def replicas(self, service: str) -> list[Process]:
        """The living replicas of a service."""
        return [p for p in self.processes if p.name.startswith(service) and p.popen.poll() is None]

    def url(self, service: str) -> str:
        """The address of the first living replica."""
        return self.replicas(service)[0].url

    async def put(
        self, article_id: str, headers: Mapping[str, str] | None = None, **body: Any
    ) -> httpx.Response:
        """PUT an article; what is not given is filled in."""
        filled = {
            "title": f"Bài {article_id}",
            "section": "thoi-su",
            "body_html": "<p>Nội dung</p>",
            **body,
        }
        return await self.http.put(
            f"{self.url('ingest')}/articles/{article_id}",
            json=filled,
            headers=EDITOR | dict(headers or {}),
        )

    async def read(
        self, article_id: str, url: str | None = None, agent: str = BROWSER
    ) -> httpx.Response:
        """POST one read."""
        return await self.http.post(
            f"{url or self.url('ingest')}/reads",
            json={"article": article_id},
            headers={"user-agent": agent},
        )

    async def site(self) -> dict[str, Any]:
        """`/stats/site`."""
        return dict((await self.http.get(f"{self.url('stats')}/stats/site")).json())

    async def counted(self) -> int:
        """Counted reads of the whole site, from the database."""
        slots: list[int] = [d["reads"] async for d in self.db.counts.find({"article": "*"})]
        return sum(slots)

    async def by_article(self) -> dict[str, int]:
        """Counted reads by article, from the database."""
        totals: dict[str, int] = {}
        async for document in self.db.counts.find({"article": {"$ne": "*"}}):
            totals[document["article"]] = totals.get(document["article"], 0) + document["reads"]
        return totals

    async def page(self, article_id: str) -> httpx.Response | None:
        """The article's page by a path that leads to the canonical one, or None while there is no
        such page.
        """
        answer = await self.http.get(
            f"{self.url('render')}/x/x-{article_id}.html", follow_redirects=True
        )
        return None if answer.status_code == 404 else answer

    async def queue_depth(self, name: str) -> int:
        """Messages that wait ready in a queue."""
        async with await aio_pika.connect(self.broker.url) as connection:
            channel = await connection.channel()
            declared = await channel.declare_queue(name, passive=True)
            return int(declared.declaration_result.message_count or 0)

    async def queues(self) -> dict[str, int]:
        """Messages by queue, those in hand too."""
        listed = await asyncio.to_thread(
            self.broker.control, "list_queues", "--no-table-headers", "name", "messages"
        )
        return {
            name: int(number)
            for name, _, number in (line.partition("\t") for line in listed.splitlines())
        }

    async def close(self) -> None:
        """Stop what still runs. Our own connections first: a service waits a moment for who is
        connected.
        """
        await self.http.aclose()
        for process in self.processes:
            if process.popen.poll() is None:
                process.send(signal.SIGCONT)
                process.send(signal.SIGTERM)
        for process in self.processes:
            try:
                await process.ended(12)
            except subprocess.TimeoutExpired:
                process.send(signal.SIGKILL)
                await process.ended()
                raise AssertionError(
                    f"{process.name} did not end on SIGTERM:\n{process.text()[-3000:]}"
                ) from None
        self.motor.close()
