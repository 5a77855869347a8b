"""Reads a stream, the history of events unless another is named, from an offset or a time to its
end.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import datetime

from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage

from luotdoc_subscriber.base.errors import Refused
from luotdoc_subscriber.rabbit import layout

WINDOW = 1000
"""Prefetch while the end of the stream is searched."""
MISSING_SECONDS, NOTHING_SECONDS = 30.0, 5.0
"""Timeout for a message that the stream has;
time without any message after which the stream's end is checked."""
OLDER = "for older articles ask the operators for `python -m services.ingest replay`"
"""What helps if the history lacks events."""

OFFSET = "x-stream-offset"
EVENTS = layout.EVENTS_LOG.name


class History:
    """The stream's messages from an offset on, unacked, as long as the channel is open."""

    def __init__(self, channel: AbstractChannel, name: str = EVENTS) -> None:
        self._channel, self._name = channel, name
        self._arrived: asyncio.Queue[AbstractIncomingMessage | None] = asyncio.Queue()
        channel.close_callbacks.add(lambda *_: self._arrived.put_nowait(None))

    async def start(self, begin: str | int | datetime) -> None:
        """Start consuming from `begin`."""
        stream = await self._channel.get_queue(self._name)
        # Not aio-pika's iterator:
        # at its end it nacks the remaining messages, and a stream then closes the connection.
        await stream.consume(self._arrived.put, arguments={OFFSET: begin})

    async def next(self, seconds: float) -> AbstractIncomingMessage:
        """The next message.

        Raises TimeoutError when none comes for `seconds`,
        ConnectionError when the connection is lost.
        """
        message: AbstractIncomingMessage | None
        try:
            async with asyncio.timeout(seconds):
                message = await self._arrived.get()
        except TimeoutError:
            await self.settle()  # this process may have been frozen, and a message may have arrived
            if self._arrived.empty():
                raise
            message = self._arrived.get_nowait()
        if message is None:
            raise ConnectionError("the connection was lost")
        return message

    async def settle(self) -> None:
        """Return when all messages that the broker can send have arrived:
        all, or as many as the prefetch allows.
        """
        # The broker sends its messages before it answers. The second answer
        # arrives after the client has handed on all messages from before the first.
        async with asyncio.timeout(MISSING_SECONDS):
            for _ in range(2):
                await self._channel.declare_queue(self._name, passive=True)

    def waiting(self) -> int:
        """The number of messages that have arrived and were not taken by `next`."""
        return self._arrived.qsize()


@contextlib.asynccontextmanager
async def history(
    connection: AbstractConnection, begin: str | int | datetime, prefetch: int, name: str = EVENTS
) -> AsyncIterator[History]:
    """The stream from `begin` on, consumed on a channel of its own."""
    channel = await connection.channel()
    try:
        await channel.set_qos(prefetch_count=prefetch)
        log = History(channel, name)
        await log.start(begin)
        yield log
    finally:
        await channel.close()


def offset_of(message: AbstractIncomingMessage, before: int | None = None) -> int:
    """A message's offset in the stream; if its headers can't be read, the one after `before`.

    Raises `Refused` if neither is known.
    """
    at = _place(message, before)
    if at is None:
        raise Refused(
            f"the headers of a message in {layout.EVENTS_LOG.name} can't be read, and so its "
            "place is unknown; begin before or after it with --since"
        )
    return at


def _place(message: AbstractIncomingMessage, before: int | None) -> int | None:
    offset = message.headers.get(OFFSET)
    if type(offset) is int:
        return offset
    return None if before is None else before + 1


async def last_offset(
    connection: AbstractConnection, name: str = EVENTS, older: str = OLDER
) -> int:
    """The offset of the stream's last message, or of a newer one.
    Raises `Refused` if the stream is empty; `older` says what helps then.
    """
    async with history(connection, "last", WINDOW, name) as log:
        try:
            message = await log.next(NOTHING_SECONDS)
        except TimeoutError:
            raise Refused(
                f"the history {name} is empty, or RabbitMQ is too busy to show it; {older}"
            ) from None
        at = _place(message, None)
        while True:
            await log.settle()
            # Fewer messages than the prefetch allows: the broker has reached the end.
            ended = log.waiting() < WINDOW - 1
            while log.waiting():
                message = await log.next(MISSING_SECONDS)
                at = _place(message, at)
            if ended:
                return at if at is not None else offset_of(message)
            await message.ack(multiple=True)


async def read_history(
    connection: AbstractConnection,
    begin: str | int | datetime,
    end: int,
    prefetch: int,
    name: str = EVENTS,
) -> AsyncGenerator[tuple[int, AbstractIncomingMessage], None]:
    """The stream's messages from `begin` to the offset `end`, each with its offset.

    Ack one now and then with `multiple`: the broker sends `prefetch` messages, then waits for it.
    Raises `Refused` for an unknown offset, and aio-pika's errors.
    """
    at = begin - 1 if isinstance(begin, int) else None
    async with history(connection, begin, prefetch, name) as log:
        message = await _first(connection, log, begin, end)
        while message is not None:
            at = offset_of(message, at)
            if at > end:
                return
            yield at, message
            message = await log.next(MISSING_SECONDS) if at < end else None


async def _first(
    connection: AbstractConnection, log: History, begin: str | int | datetime, end: int
) -> AbstractIncomingMessage | None:
    """The first message, or None if the stream,
    which ends at the offset `end`, has none since the given time.
    """
    if not isinstance(begin, datetime):
        return await log.next(MISSING_SECONDS)
    with contextlib.suppress(TimeoutError):
        return await log.next(NOTHING_SECONDS)
    # No message, or a slow broker?
    # The last message of the stream always arrives, so it shows which.
    async with history(connection, end, 1) as other:
        await other.next(MISSING_SECONDS)
    await log.settle()
    return await log.next(MISSING_SECONDS) if log.waiting() else None
