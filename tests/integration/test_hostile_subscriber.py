"""A subscriber that does its worst with what its user may declare: events reach everybody else
within seconds.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aio_pika
import orjson
import pytest
from aio_pika.abc import AbstractChannel
from aiormq.exceptions import AMQPError

from deploy.local.broker import Node
from tests.integration.conftest import Subscriber
from tests.integration.test_permissions import channel_of
from tests.support.system import EDITOR, System, until

REFUSING: dict[str, Any] = {"x-max-length": 1, "x-overflow": "reject-publish"}
QUORUM: dict[str, Any] = {"x-queue-type": "quorum"}
ROUTE: dict[str, Any] = {
    "x-dead-letter-exchange": "search.x",
    "x-dead-letter-routing-key": "nowhere",
}
AT_LEAST_ONCE: dict[str, Any] = {"x-dead-letter-strategy": "at-least-once", **ROUTE}
KINDS: dict[str, dict[str, Any]] = {
    "search.full": QUORUM | REFUSING,
    "search.retry.full": QUORUM | REFUSING,
    "search.articles.retry.60": QUORUM | REFUSING | AT_LEAST_ONCE,
    "search.articles.parked": QUORUM | {"x-max-length-bytes": 1, "x-overflow": "reject-publish"},
    "search.articles.replay": QUORUM | REFUSING | {"x-max-length": 0},
    "search.classic": REFUSING,
    "search.retry.classic": REFUSING,
    "search.classic.parked": {"x-max-length-bytes": 1, "x-overflow": "reject-publish"},
    "search.dlx": REFUSING | ROUTE | {"x-overflow": "reject-publish-dlx"},
    "search.priority": REFUSING | {"x-max-priority": 5},
    "search.nothing": REFUSING | {"x-max-length": 0},
    "search.short": QUORUM | {"x-message-ttl": 0},
    "search.stream": {"x-queue-type": "stream", "x-max-length-bytes": 1},
}
ARTICLES = [f"a{number}" for number in range(1, 6)]


@asynccontextmanager
async def hostile(url: str, owner: str) -> AsyncIterator[AbstractChannel]:
    """Every kind of queue, bound to every event, directly and by way of an exchange; gone at the
    end.
    """
    try:
        async with channel_of(url) as channel:
            exchange = await channel.declare_exchange(
                "search.x", aio_pika.ExchangeType.TOPIC, durable=True
            )
            await exchange.bind("luotdoc.events", "#")
            for name, arguments in KINDS.items():
                queue = await channel.declare_queue(name, durable=True, arguments=arguments)
                await queue.bind("luotdoc.events", "#")
                await queue.bind(exchange, "#")
            yield channel
    finally:
        async with channel_of(owner) as channel:
            for name in KINDS:
                await channel.queue_delete(name)
            await channel.exchange_delete("search.x")


async def test_queues_that_refuse_hold_up_nobody_else(
    system: System, reader: str, subscriber: Subscriber
) -> None:
    async with channel_of(subscriber("mailer")) as other, hostile(reader, system.broker.url):
        await other.queue_delete("mailer.articles")  # another test's may have other arguments
        mails = await other.declare_queue(
            "mailer.articles", durable=True, arguments=QUORUM, exclusive=False
        )
        for key in ("article.*", "page.*"):
            await mails.bind("luotdoc.events", key)
        await system.start_all(flush_interval="0.1")
        for article in ARTICLES:
            assert (await system.put(article)).status_code == 201
        for article in ARTICLES:
            await until(lambda article=article: system.page(article), 10, f"the page of {article}")
        await system.read("a1")
        await until(system.counted, 10, "the read is counted")
        await system.http.delete(f"{system.url('ingest')}/articles/a1", headers=EDITOR)

        async def gone() -> bool:
            page = await system.page("a1")
            return page is not None and page.status_code == 410

        await until(gone, 10, "the page of a withdrawn article is gone")
        got: set[tuple[str, str]] = set()
        wanted = {
            (f"luotdoc.{name}.v1", article)
            for name in ("article.published", "page.rendered")
            for article in ARTICLES
        }
        wanted |= {("luotdoc.article.withdrawn.v1", "a1"), ("luotdoc.page.removed.v1", "a1")}

        async def all_came() -> bool:
            while message := await mails.get(fail=False, no_ack=True):
                event = orjson.loads(message.body)
                got.add((event["type"], event["subject"]))
            return got == wanted

        await until(all_came, 10, "another subscriber has them all")
        assert await system.db.outbox.count_documents({}) == 0
        metrics = (await system.http.get(f"{system.url('ingest')}/metrics")).text
        assert re.search(
            r'^luotdoc_events_refused_total\{event="article.published"\} [5-9]',
            metrics,
            re.MULTILINE,
        )
        assert "a subscriber's queue refuses events" in system.replicas("ingest")[0].text()
        await other.queue_delete(mails.name)
    seen: set[str] = set()

    async def note(message: aio_pika.abc.AbstractIncomingMessage) -> None:
        await message.ack()
        seen.add(orjson.loads(message.body)["type"])

    async with channel_of(system.broker.url) as channel:
        await channel.set_qos(10)
        await (await channel.get_queue("luotdoc.events.log")).consume(
            note, arguments={"x-stream-offset": "first"}
        )
        await until(lambda: len(seen) == 4, 10, "the history has every kind")


async def test_a_quorum_queue_or_stream_never_refuses(system: System, reader: str) -> None:
    """Whatever its name: the policy overrules its arguments."""
    async with hostile(reader, system.broker.url), channel_of(system.broker.url) as channel:
        for name in (name for name, arguments in KINDS.items() if "x-queue-type" in arguments):
            for _ in range(10):
                message = aio_pika.Message(b"{}", delivery_mode=2)
                await channel.default_exchange.publish(message, name, mandatory=True)


async def test_a_subscriber_has_so_many_connections_and_channels(
    broker: Node, subscriber: Subscriber
) -> None:
    url = subscriber("archive")
    connections = [await aio_pika.connect(url) for _ in range(20)]
    try:
        with pytest.raises((AMQPError, OSError)):
            await aio_pika.connect(url)
        for connection in connections[:10]:
            for _ in range(20):
                await connection.channel()
        with pytest.raises((AMQPError, OSError)):
            await connections[-1].channel()
    finally:
        await asyncio.gather(
            *(connection.close() for connection in connections), return_exceptions=True
        )
    async with await aio_pika.connect(broker.url):
        pass


async def test_queues_have_a_limit_and_what_runs_goes_on_at_it(system: System, reader: str) -> None:
    """RabbitMQ counts queues by vhost alone, not by user."""
    control = system.broker.control
    assert '"max-queues":2000' in (await asyncio.to_thread(control, "list_vhost_limits"))
    await system.start_all()
    there = len(await system.queues())
    await asyncio.to_thread(control, "set_vhost_limits", json.dumps({"max-queues": there + 2}))
    try:
        async with channel_of(reader) as channel:
            for number in range(2):
                await channel.declare_queue(f"search.many.{number}", exclusive=True)
            with pytest.raises(AMQPError, match="limit"):
                await channel.declare_queue("search.many.2", exclusive=True)
        assert (await system.put("a1")).status_code == 201
        await until(lambda: system.page("a1"), 10, "the page")
    finally:
        definitions = str(system.broker.folder / "definitions.json")
        await asyncio.to_thread(control, "import_definitions", definitions)
