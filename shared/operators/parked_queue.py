"""Iterates over all messages of a parked queue, with a bounded number of them in memory."""

import asyncio
from collections.abc import AsyncIterator

from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage

WINDOW = 200
"""Prefetch of one consumer; with 2,047 channels a queue of 400,000 messages can be read."""
NOTHING_SECONDS = 5.0
"""After so long without a message the rest is held by other consumers."""


async def number_of(channel: AbstractChannel, queue: str) -> int:
    """The number of messages in a queue. Raises `ChannelNotFoundEntity`."""
    return (await channel.declare_queue(queue, passive=True)).declaration_result.message_count or 0


async def each(
    connection: AbstractConnection, queue: str, number: int
) -> AsyncIterator[AbstractIncomingMessage]:
    """The first `number` messages of `queue`, in order.
    Messages that the caller does not ack stay unacked.

    They go back to their places when the connection closes. A consumer gets at most `WINDOW`
    unacked messages, so the next ones need another consumer, on another channel. `Basic.Get` would
    need none, but writes to the disk for each message.
    """
    seen = 0
    while seen < number:
        channel = await connection.channel(publisher_confirms=False)
        await channel.set_qos(prefetch_count=WINDOW)
        source = await channel.get_queue(queue)
        arrived: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
        await source.consume(arrived.put)
        in_hand = 0
        while in_hand < WINDOW and seen < number:
            try:
                async with asyncio.timeout(NOTHING_SECONDS):
                    message = await arrived.get()
            except TimeoutError:
                return
            seen += 1
            yield message
            in_hand += not message.processed
