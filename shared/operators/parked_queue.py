"""All messages of a parked queue one by one, a bounded number of them in memory, however many there are."""

import asyncio
from collections.abc import AsyncIterator

from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage

WINDOW = 200
"""Messages that RabbitMQ hands out ahead; with 2,047 channels there may be 400,000 in a queue."""
NOTHING_SECONDS = 5.0
"""After so long without a message the rest is in another's hands."""


async def number_of(channel: AbstractChannel, queue: str) -> int:
    """How many messages wait in a queue. Raises `ChannelNotFoundEntity`."""
    return (await channel.declare_queue(queue, passive=True)).declaration_result.message_count or 0


async def each(connection: AbstractConnection, queue: str, number: int) -> AsyncIterator[AbstractIncomingMessage]:
    """The first `number` messages of `queue`, in their order. Those that the caller does not ack stay in hand.

    They go back to their places when the connection closes. A consumer gets no more than `WINDOW` of them, so after
    as many that were not acked the next ones need another consumer, on another channel: `Basic.Get`, which needs
    none, is a write to the disk for each message.
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
