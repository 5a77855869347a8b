"""Reads the stream of batches, `luotdoc.reads.log`, from an offset on, for as long as there is a
connection.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aio_pika import Channel
from aio_pika.abc import AbstractConnection, AbstractIncomingMessage

from luotdoc_subscriber.rabbit.underlay import has_consumer
from shared.rabbit.topology import READS_LOG

LOG_PREFETCH = 100
"""Messages on their way, of at most 350 KB each."""
ANSWER_SECONDS = 10.0
OFFSET_ARGUMENT = "x-stream-offset"
FIRST, LAST = "first", "last"


class ReadsLog:
    """The stream's messages, in their order."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._arrived: asyncio.Queue[AbstractIncomingMessage | None] = asyncio.Queue()
        self._taken = 0
        self._tag = ""
        channel.close_callbacks.add(lambda *_: self._arrived.put_nowait(None))

    async def start(self, begin: str | int) -> None:
        """Start consuming from `begin`."""
        stream = await self._channel.get_queue(READS_LOG.name)
        self._tag = await stream.consume(self._arrived.put, arguments={OFFSET_ARGUMENT: begin})

    async def next(self, seconds: float) -> AbstractIncomingMessage | None:
        """The next message; None if the end of the stream is reached, and nothing has come for
        `seconds`. Raises ConnectionError when the connection is lost.
        """
        try:
            async with asyncio.timeout(seconds):
                message = await self._arrived.get()
        except TimeoutError:
            if await self._more():
                return await self.next(ANSWER_SECONDS)
            return None
        if message is None:
            raise ConnectionError("the connection to the stream of reads was lost")
        self._taken += 1
        if self._taken >= LOG_PREFETCH // 2:
            self._taken = 0
            await message.ack(multiple=True)  # the stream keeps it: this asks for more
        return message

    def is_taken(self) -> bool:
        """True if every message that has arrived was taken."""
        return self._arrived.empty()

    async def _more(self) -> bool:
        """Whether messages have arrived, once all have that RabbitMQ could send."""
        # RabbitMQ sends them before it answers. The second answer comes after the client has handed
        # on what came before the first.
        async with asyncio.timeout(ANSWER_SECONDS):
            for _ in range(2):
                await self._channel.declare_queue(READS_LOG.name, passive=True)
        if self._arrived.empty() and not has_consumer(self._channel, self._tag):
            raise ConnectionError("RabbitMQ has cancelled the consumer of the stream of reads")
        return not self._arrived.empty()


@asynccontextmanager
async def reads_log(
    connection: AbstractConnection, begin: str | int, prefetch: int = LOG_PREFETCH
) -> AsyncIterator[ReadsLog]:
    """The stream from `begin` on, on a channel of its own."""
    async with Channel(connection) as channel:
        await channel.set_qos(prefetch_count=prefetch)
        log = ReadsLog(channel)
        await log.start(begin)
        yield log


def log_offset(message: AbstractIncomingMessage, before: int) -> int:
    """A message's offset; the one after `before` if its headers can't be read."""
    offset = message.headers.get(OFFSET_ARGUMENT)
    return offset if type(offset) is int else before + 1


def batch_of(message: AbstractIncomingMessage) -> str:
    """What a message is told from others by."""
    name = message.headers.get("batch_id")
    return name if isinstance(name, str) else message.message_id or ""


async def end_offset(connection: AbstractConnection) -> int:
    """An offset of the end of a stream that is not empty: the first of the last messages that
    RabbitMQ has stored together.
    """
    async with reads_log(connection, LAST, 1) as log:
        found = await log.next(ANSWER_SECONDS)
    return -1 if found is None else log_offset(found, -1)


async def has_batch(connection: AbstractConnection, offset: int, batch: str) -> bool:
    """Whether the stream has the message of `batch` at `offset`. False if it was deleted meanwhile,
    by its age, or if it is another stream of the same name.
    """
    async with reads_log(connection, offset, 1) as log:
        found = await log.next(ANSWER_SECONDS)
    return found is not None and log_offset(found, -1) == offset and batch_of(found) == batch
