"""Declares the queues and bindings of work queues, and checks that queues can be consumed."""

import asyncio
from collections.abc import Iterable

from aio_pika import Channel
from aio_pika.abc import AbstractRobustChannel, AbstractRobustConnection
from aio_pika.exceptions import ChannelNotFoundEntity
from faststream.rabbit import RabbitBroker, RabbitQueue

from luotdoc_subscriber.rabbit.faults import during
from luotdoc_subscriber.rabbit.layout import EVENTS_LOG, WorkQueue

# Checks use aio-pika's plain channels: a robust channel reopens after an answer such as 404.

ANSWER_SECONDS = 4.0
"""Time in which a healthy queue answers that it is empty."""
ABSENT = "no queue"
"""RabbitMQ's text for a queue that doesn't exist.
A queue that is down has the same code and another text."""


class QueueDown(ConnectionError):
    """A queue exists, but RabbitMQ has not brought it up."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} does not answer: RabbitMQ has not brought it up. If that lasts, see "
            "docs/operations.md, A queue that RabbitMQ 3.10 does not bring up"
        )


async def declare_works(broker: RabbitBroker, works: Iterable[WorkQueue]) -> None:
    """Declare `works` with their retry queues, parked queues and bindings.
    The exchanges must exist.
    """
    # Not through FastStream:
    # it would consume on the channel of the declaration, which has no prefetch.
    await _declare_works(broker, await (await broker.connect()).channel(), works)


async def declare_again(broker: RabbitBroker, works: Iterable[WorkQueue]) -> None:
    """Restore queues and bindings of `works` that were deleted since `declare_works`.

    aio-pika restores a deleted queue that it consumes, but without its bindings:
    without this the queue would be consumed and stay empty for ever.
    """
    async with (await broker.connect()).channel() as channel:
        await _declare_works(broker, channel, works, robust=False)


async def _declare_works(
    broker: RabbitBroker,
    channel: AbstractRobustChannel,
    works: Iterable[WorkQueue],
    robust: bool = True,
) -> None:
    for work in works:
        with during("declare exchange"):
            await broker.declare_exchange(work.dlx)
        for queue in queues_of(work):
            with during(
                "declare queue" if queue.name == work.parked.name else "declare routed queue"
            ):
                declared = await channel.declare_queue(
                    queue.name, durable=True, arguments=queue.arguments, robust=robust
                )
            with during("bind"):
                await declared.bind(work.dlx.name, routing_key=queue.name, robust=robust)
                for exchange, key in work.bindings if queue.name == work.name else ():
                    await declared.bind(exchange.name, routing_key=key, robust=robust)


def queues_of(work: WorkQueue) -> tuple[RabbitQueue, ...]:
    """The queues of `work` in the order of their declaration:
    parked queue, retry queues, the work queue itself.
    """
    return (work.parked, *work.retries, work.queue)


async def check_up(connection: AbstractRobustConnection, name: str) -> None:
    """Raises `QueueDown` for a queue that can't be consumed.
    Asks only an empty queue, which a healthy one answers.
    """
    if name == EVENTS_LOG.name or await messages_in(connection, name):
        return
    try:
        async with Channel(connection) as channel, asyncio.timeout(ANSWER_SECONDS):
            queue = await channel.get_queue(name, ensure=False)
            await queue.get(
                fail=False
            )  # a message that has just arrived goes back when the channel closes
    except TimeoutError as error:
        raise QueueDown(name) from error


async def messages_in(connection: AbstractRobustConnection, name: str) -> int:
    """The number of messages in a queue.
    Raises `QueueDown`, or `ChannelNotFoundEntity` if it doesn't exist.
    """
    try:
        async with Channel(connection) as channel:
            found = await channel.declare_queue(name, passive=True)
            return found.declaration_result.message_count or 0
    except ChannelNotFoundEntity as error:
        if ABSENT in str(error):
            raise
        raise QueueDown(name) from error
