"""A queue that refuses for long, on a real RabbitMQ: the channel is renewed, nothing is lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aio_pika
import pytest

from luotdoc_subscriber.base.errors import NotTaken, Transient
from luotdoc_subscriber.rabbit import broker as rabbit
from luotdoc_subscriber.rabbit import refusals, underlay
from luotdoc_subscriber.rabbit.layout import READS_QUEUE
from services.ingest.reads.outlet import PublishBatch
from services.ingest.reads.publisher import make_publisher
from shared.base.settings import Settings
from shared.rabbit import topology
from tests.support.batch_publisher import some_batch
from tests.support.system import System

FULL = "test.full"


async def test_the_channel_of_a_queue_that_refuses_for_long_is_renewed(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "REFUSED_SECONDS", 0.3)
    closed, close = 0, underlay.close_channel

    async def counted(exchange: aio_pika.RobustExchange) -> None:
        nonlocal closed
        closed += 1
        await close(exchange)

    monkeypatch.setattr(underlay, "close_channel", counted)
    settings = Settings(amqp_url=system.broker.url_of("ingest"), mongo_url=system.database.url)
    broker = rabbit.make_broker(settings, "ingest")
    await rabbit.connect(broker, settings.amqp_url)
    publish, number = make_publisher(broker, 3.0), 0
    try:
        async with asyncio.timeout(60), _full_queue(system):
            with pytest.raises(NotTaken):
                await publish(some_batch(number))
            while closed < 2:
                number += 1
                with pytest.raises(Transient):  # or the channel is just being renewed
                    await publish(some_batch(number))
                await asyncio.sleep(0.02)
        assert not broker.losses  # the connection was kept
        await _taken_out(system)  # RabbitMQ has stored refused ones, too
        for again in range(number + 1):
            await _until_confirmed(publish, again)
        assert not broker.refusals
        renewed = closed
        await asyncio.gather(*(publish(some_batch(number + n)) for n in range(1, 50)))
        assert closed == renewed
    finally:
        await broker.stop()
    assert await _taken_out(system) == {some_batch(n).batch_id for n in range(number + 50)}


async def _until_confirmed(publish: PublishBatch, number: int) -> None:
    for _ in range(100):
        try:
            await publish(some_batch(number))
        except Transient:
            await asyncio.sleep(0.05)
        else:
            return
    raise AssertionError(f"batch {number} was never confirmed")


@asynccontextmanager
async def _full_queue(system: System) -> AsyncIterator[None]:
    """A queue beside the counter's that is full, and refuses what it gets."""
    async with await aio_pika.connect(system.broker.url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(
            FULL, arguments={"x-max-length": 1, "x-overflow": "reject-publish"}
        )
        await channel.default_exchange.publish(aio_pika.Message(b"first"), routing_key=FULL)
        await queue.bind(topology.READS_EXCHANGE.name, topology.READS_KEY)
        yield
        await queue.delete(if_empty=False)


async def _taken_out(system: System) -> set[str]:
    """Take everything out of the counter's queue; the ids of the batches."""
    async with await aio_pika.connect(system.broker.url) as connection:
        queue, found = await (await connection.channel()).get_queue(READS_QUEUE), set[str]()
        while message := await queue.get(fail=False):
            await message.ack()
            found.add(str(message.message_id))
    return found
