"""Iterates over all messages of a parked queue, with a bounded number of them in memory."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack

from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage

LEAST_PREFETCH, MOST_PREFETCH = 200, 65_535
"""Bounds for the prefetch of one consumer."""
MOST_CHANNELS = 100
"""Upper bound for channels. A subscriber's user has 200, and its processes need some of them."""
NOTHING_SECONDS = 5.0
"""After so long without a message the rest is held by other consumers."""


def prefetch_for(number: int) -> int:
    """The prefetch of each consumer, so that `MOST_CHANNELS` can hold `number` messages."""
    return min(MOST_PREFETCH, max(LEAST_PREFETCH, -(-number // MOST_CHANNELS)))


async def number_of(channel: AbstractChannel, queue: str) -> int:
    """The number of messages in a queue. Raises `ChannelNotFoundEntity`."""
    return (await channel.declare_queue(queue, passive=True)).declaration_result.message_count or 0


async def each(
    connection: AbstractConnection, queue: str, number: int
) -> AsyncGenerator[AbstractIncomingMessage, None]:
    """The first `number` messages of `queue`, in order. Messages that the caller does not ack go
    back to their places at the end.

    A consumer gets at most its prefetch of unacked messages, so the next ones need another
    consumer, on another channel. `Basic.Get` would need none, but writes to the disk for each
    message. Raises `ChannelAccessRefused`, for an empty queue too.
    """
    seen, prefetch = 0, prefetch_for(number)
    async with AsyncExitStack() as channels:
        while True:
            channel = await connection.channel(publisher_confirms=False)
            channels.push_async_callback(channel.close)
            await channel.set_qos(prefetch_count=prefetch)
            source = await channel.get_queue(queue)
            arrived: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
            # Of an empty queue too: only here RabbitMQ checks the right to read it.
            await source.consume(arrived.put)
            in_hand = 0
            while in_hand < prefetch and seen < number:
                try:
                    async with asyncio.timeout(NOTHING_SECONDS):
                        message = await arrived.get()
                except TimeoutError:
                    return
                seen += 1
                yield message
                in_hand += not message.processed
            if seen >= number:
                return
