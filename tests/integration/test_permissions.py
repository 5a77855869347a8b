"""Who may do what on RabbitMQ: the ready definitions, on the real broker, with the users that they
name.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel, AbstractQueue
from aio_pika.exceptions import DeliveryError
from aiormq.exceptions import ChannelAccessRefused
from pamqp.common import FieldTable

from deploy.local.broker import Node
from shared.base.settings import Settings
from shared.setup import setup
from tests.support.system import EDITOR, System, until

QUORUM: FieldTable = {"x-queue-type": "quorum"}
Act = Callable[[AbstractChannel], Awaitable[object]]


@asynccontextmanager
async def channel_of(url: str) -> AsyncIterator[AbstractChannel]:
    async with await aio_pika.connect(url) as connection:
        yield await connection.channel(publisher_confirms=True, on_return_raises=True)


async def taken(queue: AbstractQueue) -> bytes:
    """The next message, acknowledged."""

    async def next_one() -> aio_pika.abc.AbstractIncomingMessage | None:
        return await queue.get(fail=False)

    message: aio_pika.abc.AbstractIncomingMessage = await until(
        next_one, 5, f"a message in {queue.name}"
    )
    await message.ack()
    return message.body


async def send(url: str, exchange: str, key: str, body: bytes = b"{}") -> None:
    """Publish confirmed and mandatory. Raises DeliveryError when RabbitMQ refuses it."""
    async with channel_of(url) as channel:
        target = await channel.get_exchange(exchange) if exchange else channel.default_exchange
        await target.publish(aio_pika.Message(body, delivery_mode=2), key, mandatory=True)


async def test_a_subscriber_reads_and_parks_with_rights_on_its_own_names_alone(
    system: System, reader: str
) -> None:
    async with channel_of(reader) as channel:
        # What the subscriber's kit makes: an exchange of its own, and through it the parked queue.
        own = await channel.declare_exchange(
            "search.articles.dlx", aio_pika.ExchangeType.DIRECT, durable=True
        )
        parked = await channel.declare_queue(
            "search.articles.parked", durable=True, arguments=QUORUM
        )
        await parked.bind(own, parked.name)
        route = {"x-dead-letter-exchange": own.name, "x-dead-letter-routing-key": parked.name}
        queue = await channel.declare_queue(
            "search.articles", durable=True, arguments={**QUORUM, **route}
        )
        await queue.bind("luotdoc.events", "article.*")

        await send(system.broker.url, "luotdoc.events", "article.published", b"good")
        assert await taken(queue) == b"good"

        await send(system.broker.url, "luotdoc.events", "article.updated", b"bad")
        rejected = await queue.get(timeout=5)
        await rejected.reject(requeue=False)
        assert await taken(parked) == b"bad"

        await own.publish(aio_pika.Message(b"parked by itself"), parked.name, mandatory=True)
        assert await taken(parked) == b"parked by itself"
        for name in (queue.name, parked.name):
            await channel.queue_delete(name)
        await channel.exchange_delete(own.name)


async def test_a_subscriber_reads_the_history(system: System, reader: str) -> None:
    await send(system.broker.url, "luotdoc.events", "article.published", b"history")
    seen: asyncio.Queue[bytes] = asyncio.Queue()

    async def keep(message: aio_pika.abc.AbstractIncomingMessage) -> None:
        await message.ack()
        seen.put_nowait(message.body)

    async with channel_of(reader) as channel:
        await channel.set_qos(10)
        log = await channel.get_queue("luotdoc.events.log")
        await log.consume(keep, arguments={"x-stream-offset": "first"})
        async with asyncio.timeout(10):
            assert await seen.get() == b"history"


async def nothing(_message: aio_pika.abc.AbstractIncomingMessage) -> None:
    """Leaves it unacknowledged."""


def publish(exchange: str, key: str) -> Act:
    async def act(channel: AbstractChannel) -> object:
        target = (
            await channel.get_exchange(exchange, ensure=False)
            if exchange
            else channel.default_exchange
        )
        return await target.publish(aio_pika.Message(b"forged"), key)

    return act


def consume(queue: str) -> Act:
    async def act(channel: AbstractChannel) -> object:
        return await (await channel.get_queue(queue, ensure=False)).consume(nothing)

    return act


def get(queue: str) -> Act:
    async def act(channel: AbstractChannel) -> object:
        return await (await channel.get_queue(queue, ensure=False)).get(fail=False)

    return act


def purge(queue: str) -> Act:
    async def act(channel: AbstractChannel) -> object:
        return await (await channel.get_queue(queue, ensure=False)).purge()

    return act


def bind(queue: str, exchange: str) -> Act:
    async def act(channel: AbstractChannel) -> object:
        if queue.startswith("search."):
            await channel.declare_queue(queue, exclusive=True)
        return await (await channel.get_queue(queue, ensure=False)).bind(exchange, "batch")

    return act


def unbind(queue: str, exchange: str) -> Act:
    async def act(channel: AbstractChannel) -> object:
        return await (await channel.get_queue(queue, ensure=False)).unbind(exchange, "batch")

    return act


def declare(queue: str | None, **arguments: str) -> Act:
    named = {name.replace("_", "-"): value for name, value in arguments.items()}
    return lambda channel: channel.declare_queue(queue, durable=True, arguments={**QUORUM, **named})


FORBIDDEN: dict[str, Act] = {
    "publish an event": publish("luotdoc.events", "article.published"),
    "publish reads": publish("luotdoc.reads", "batch"),
    "publish to the default exchange, to a queue of ours": publish("", "counter.reads"),
    "publish to the default exchange, to a queue of its own": publish("", "search.articles"),
    "publish to the broker's own exchanges": publish("amq.topic", "article.published"),
    "consume the reads": consume("counter.reads"),
    "get a read": get("counter.reads"),
    "consume parked reads": consume("counter.reads.parked"),
    "consume the log of reads": consume("luotdoc.reads.log"),
    "consume another's events": consume("render.articles"),
    "bind its queue to the reads": bind("search.spy", "luotdoc.reads"),
    "bind our queue to events": bind("counter.reads", "luotdoc.events"),
    "unbind our queue": unbind("counter.reads", "luotdoc.reads"),
    "purge the reads": purge("counter.reads"),
    "delete the reads": lambda channel: channel.queue_delete("counter.reads"),
    "delete the history": lambda channel: channel.queue_delete("luotdoc.events.log"),
    "delete the exchange of events": lambda channel: channel.exchange_delete("luotdoc.events"),
    "declare another's queue": declare("render.articles"),
    "declare a new name of ours": declare("luotdoc.mine"),
    "declare another name": declare("mail.articles"),
    "declare its bare name": declare("search"),
    "declare a name that only begins like its own": declare("searching.articles"),
    "declare a name that only ends like its own": declare("x.search.articles"),
    "declare a queue that the broker names": lambda channel: channel.declare_queue(
        None, exclusive=True
    ),
    "dead-letter into events": declare("search.forge", x_dead_letter_exchange="luotdoc.events"),
    "dead-letter into the reads": declare("search.forge", x_dead_letter_exchange="luotdoc.reads"),
    "dead-letter through the default exchange": declare("search.forge", x_dead_letter_exchange=""),
    "let its exchange spill into the reads": lambda channel: channel.declare_exchange(
        "search.forge", arguments={"alternate-exchange": "luotdoc.reads"}
    ),
}


@pytest.mark.parametrize("what", FORBIDDEN)
async def test_a_subscriber_may_not(
    broker: Node, reader: str, what: str, refused: Counter[str]
) -> None:
    async with channel_of(reader) as channel, asyncio.timeout(10):
        with pytest.raises(ChannelAccessRefused, match="ACCESS_REFUSED"):
            await FORBIDDEN[what](channel)
    refused["RabbitMQ: a subscriber"] += 1


async def test_what_is_forbidden_to_a_subscriber_works_for_who_may(system: System) -> None:
    """Else a test of what is refused might name what does not exist."""
    for what in (
        "publish an event",
        "publish reads",
        "consume the reads",
        "get a read",
        "purge the reads",
    ):
        async with channel_of(system.broker.url) as channel, asyncio.timeout(10):
            await FORBIDDEN[what](channel)


async def test_a_full_queue_of_one_subscriber_does_not_stop_the_events(
    system: System, reader: str
) -> None:
    """Even if it asks RabbitMQ to refuse what is too much: the policy for subscribers overrules
    that.
    """
    full: FieldTable = {**QUORUM, "x-max-length": 3, "x-overflow": "reject-publish"}
    async with channel_of(reader) as channel:
        queue = await channel.declare_queue("search.full", durable=True, arguments=full)
        await queue.bind("luotdoc.events", "article.*")
    try:
        for number in range(30):
            await send(system.broker.url, "luotdoc.events", "article.published", b"%d" % number)
        assert await system.queue_depth("render.articles") == 30
        async with channel_of(reader) as channel:
            assert [await taken(await channel.get_queue("search.full")) for _ in range(3)] == [
                b"27",
                b"28",
                b"29",
            ]

        await asyncio.to_thread(system.broker.control, "clear_policy", "subscribers")

        async def is_refused() -> (
            bool
        ):  # the queue hears of it some moment after the command has ended
            try:
                await send(system.broker.url, "luotdoc.events", "article.updated")
            except DeliveryError:
                return True
            return False

        await until(is_refused, 10, "without the policy the full queue refuses")
    finally:
        async with channel_of(reader) as channel:
            await channel.queue_delete("search.full")
        await asyncio.to_thread(
            system.broker.control,
            "import_definitions",
            str(system.broker.folder / "definitions.json"),
        )


async def test_the_services_do_their_work_with_rights_on_their_own_names(system: System) -> None:
    await system.start_all()
    assert (await system.put("a1", title="Bài đầu")).status_code == 201
    await until(lambda: system.page("a1"), 10, "the page is served")
    assert (await system.read("a1")).status_code == 204
    assert (
        await system.http.delete(f"{system.url('ingest')}/articles/a1", headers=EDITOR)
    ).status_code == 204

    async def told() -> bool:
        page = await system.page("a1")
        return (
            page is not None and page.status_code == 410 and (await system.site())["counted"] == 1
        )

    await until(told, 10, "the read is counted, and the page is gone")
    listed = await asyncio.to_thread(
        system.broker.control, "list_connections", "user", "client_properties"
    )
    users = {line.split("\t")[0] for line in listed.splitlines() if "aiormq" in line}
    assert users == {"ingest", "render", "counter", "stats"}
    for process in system.processes:
        assert "ACCESS_REFUSED" not in process.text()


@pytest.mark.parametrize(
    ("service", "act"),
    [
        ("setup", declare("search.articles")),
        ("setup", publish("", "counter.reads")),
        ("ingest", consume("counter.reads")),
        ("ingest", publish("", "counter.reads")),
        ("ingest", consume("luotdoc.reads.log")),
        ("ingest", publish("luotdoc.events", "page.removed")),
        ("ingest", declare("ingest.articles")),
        ("render", publish("luotdoc.events", "article.withdrawn")),
        ("render", publish("luotdoc.reads", "batch")),
        ("render", publish("", "counter.reads")),
        ("render", consume("stats.articles")),
        ("render", consume("luotdoc.reads.log")),
        ("render", lambda channel: channel.queue_delete("counter.reads")),
        ("counter", publish("luotdoc.events", "article.withdrawn")),
        ("counter", publish("luotdoc.reads", "batch")),
        ("counter", consume("render.articles")),
        ("counter", lambda channel: channel.queue_delete("luotdoc.reads.log")),
        ("stats", publish("luotdoc.events", "reads.counted")),
        ("stats", publish("", "counter.reads")),
        ("stats", consume("counter.reads")),
        ("stats", lambda channel: channel.queue_delete("luotdoc.reads.log")),
    ],
)
async def test_a_service_may_not_do_the_work_of_another(
    system: System, service: str, act: Act, refused: Counter[str]
) -> None:
    async with channel_of(system.broker.url_of(service)) as channel, asyncio.timeout(10):
        with pytest.raises(ChannelAccessRefused, match="ACCESS_REFUSED"):
            await act(channel)
    refused[f"RabbitMQ: {service}"] += 1


async def test_a_service_waits_for_setup_and_says_so(system: System) -> None:
    """It may not make what belongs to others, and what it published before would miss their
    queues.
    """
    async with channel_of(system.broker.url) as channel:
        await channel.queue_delete("render.articles")
    ingest = await system.start("ingest")
    await until(
        lambda: "has `python -m shared.setup` run?" in ingest.text(),
        10,
        "ingest says what it waits for",
    )
    assert "render.articles" in ingest.text()
    assert (await system.put("a1")).status_code == 201
    await setup(
        Settings(amqp_url=system.broker.url_of("setup"), mongo_url=system.database.url_of("setup"))
    )

    async def arrived() -> bool:
        return await system.queue_depth("render.articles") == 1

    await until(arrived, 10, "the article waits for render")
