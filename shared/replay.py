"""`python -m shared.replay`: replay the history into one subscriber's queue.

    python -m shared.replay --to search.articles
    python -m shared.replay --to search.articles --subject ls0001 --subject ls0002
    python -m shared.replay --to search.articles --type article.published \\
        --since 2026-11-01T00:00:00+07:00

Events come from the stream luotdoc.events.log, in its order, with the header x-luotdoc-replay. Bind
the queue first: later events arrive live. After a stop the same command continues where it was. For
articles older than the history: `python -m services.ingest replay`.
"""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage, DeliveryMode
from pydantic import ValidationError

from luotdoc_events import events
from luotdoc_subscriber.base.clock import now
from luotdoc_subscriber.base.command import Command
from luotdoc_subscriber.base.errors import Permanent, Refused
from luotdoc_subscriber.base.settings import SubscriberSettings
from luotdoc_subscriber.parking import check_readable, passed_on
from luotdoc_subscriber.rabbit import layout
from shared.base.settings import load_settings
from shared.operators.replay_command import add_target_arguments, moment, perform_replay, progress
from shared.operators.selection import Selection
from shared.operators.target import REPLAY_BATCH, Target, open_target

SKIM = 500
"""Upper bound for the events read before the position is stored, however few of them are
selected."""
WINDOW = 1000
"""Prefetch while the end of the stream is searched."""
MISSING_SECONDS, NOTHING_SECONDS = 30.0, 5.0
"""Timeout for an event that the stream has;
time without any event after which the stream's end is checked."""
CLOCK_SKEW = timedelta(minutes=1)
"""Tolerance for times: the stream finds a time by the broker's clock, in steps of a chunk;
events carry their producer's."""

OFFSET = "x-stream-offset"


class History:
    """The stream's messages from an offset on, unacked, as long as the channel is open."""

    def __init__(self, channel: AbstractChannel) -> None:
        self._channel = channel
        self._arrived: asyncio.Queue[AbstractIncomingMessage | None] = asyncio.Queue()
        channel.close_callbacks.add(lambda *_: self._arrived.put_nowait(None))

    async def start(self, begin: str | int | datetime) -> None:
        """Start consuming from `begin`."""
        stream = await self._channel.get_queue(layout.EVENTS_LOG.name)
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
                await self._channel.declare_queue(layout.EVENTS_LOG.name, passive=True)

    def waiting(self) -> int:
        """The number of messages that have arrived and were not taken by `next`."""
        return self._arrived.qsize()


@contextlib.asynccontextmanager
async def history(
    connection: AbstractConnection, begin: str | int, prefetch: int
) -> AsyncIterator[History]:
    """The stream from `begin` on, consumed on a channel of its own."""
    channel = await connection.channel()
    try:
        await channel.set_qos(prefetch_count=prefetch)
        log = History(channel)
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


async def last_offset(connection: AbstractConnection) -> int:
    """The offset of the stream's last message, or of a newer one.
    Raises `Refused` if the stream is empty.
    """
    async with history(connection, "last", WINDOW) as log:
        try:
            message = await log.next(NOTHING_SECONDS)
        except TimeoutError:
            raise Refused(
                f"the history {layout.EVENTS_LOG.name} is empty, or RabbitMQ is too busy to "
                "show it; `python -m services.ingest replay` has the articles"
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


def original(message: AbstractIncomingMessage) -> aio_pika.Message:
    """The message as it was first published."""
    headers = passed_on({name: value for name, value in message.headers.items() if name != OFFSET})
    return aio_pika.Message(
        message.body,
        headers=headers,
        content_type=message.content_type,
        delivery_mode=DeliveryMode.PERSISTENT,
        message_id=message.message_id,
        correlation_id=message.correlation_id,
        type=message.type,
        app_id=message.app_id,
    )


async def replay(
    settings: SubscriberSettings, queue: str, chosen: Selection, rate: float, restart: bool
) -> None:
    """Replay the selected events of the history. Raises `Refused`, and aio-pika's errors."""
    async with await aio_pika.connect(settings.amqp_url, timeout=10) as connection:
        end = await last_offset(connection)
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        await channel.set_qos(prefetch_count=2 * SKIM)
        with progress() as bar:
            task = bar.add_task(queue, total=None)
            target = await open_target(
                channel,
                queue,
                str(chosen),
                rate,
                restart,
                lambda line: bar.update(task, description=line or queue),
            )
            before = target.place.sent
            if before:
                bar.console.print(
                    f"continuing after the {before:,} events that were sent before", highlight=False
                )
            unreadable = await _send(
                connection,
                channel,
                target,
                chosen,
                end,
                lambda done, total: bar.update(task, completed=done, total=total),
            )
            await target.finish()
    print(f"{target.place.sent:,} events sent into {queue}, marked as {target.place.name}")
    if unreadable:
        told = (
            f"{unreadable:,} messages of the history are no events, or can't be read, and were "
            "left out"
        )
        print(told, file=sys.stderr)


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


async def _send(
    connection: AbstractConnection,
    channel: AbstractChannel,
    target: Target,
    chosen: Selection,
    end: int,
    shown: Callable[[int, int], None],
) -> int:
    """Read to the offset `end` and replay the selected events.
    Answers the number of messages that were not events.
    """
    if target.place.at and int(target.place.at) >= end:
        return 0
    begin, batch, read, unreadable, first = (
        _begin(target, chosen),
        list[aio_pika.Message](),
        0,
        0,
        0,
    )
    at = begin - 1 if isinstance(begin, int) else None
    log = History(channel)
    await log.start(begin)
    message = await _first(connection, log, begin, end)
    while message is not None:
        at = offset_of(message, at)
        if not read:
            first = at
            _check_gap(begin, at)
        read += 1
        try:
            check_readable(message)
            if at <= end and chosen.wants(events.Envelope.model_validate_json(message.body)):
                batch.append(original(message))
        except (Permanent, ValidationError):
            unreadable += 1
        if len(batch) == REPLAY_BATCH or read % SKIM == 0 or at >= end:
            await target.send(batch, str(at))
            await message.ack(multiple=True)
            batch = []
            shown(at - first + 1, end - first + 1)
        message = await log.next(MISSING_SECONDS) if at < end else None
    return unreadable


def _begin(target: Target, chosen: Selection) -> str | int | datetime:
    """The offset or time at which to start consuming the stream."""
    if target.place.at:
        return int(target.place.at) + 1
    return "first" if chosen.since is None else chosen.since - CLOCK_SKEW


def _check_gap(begin: str | int | datetime, at: int) -> None:
    if isinstance(begin, int) and at > begin:
        lost = f"{at - begin:,} events have left the history since this replay stopped"
        print(f"{lost}; `python -m services.ingest replay` has the articles", file=sys.stderr)


def main(arguments: list[str]) -> int:
    """Parse the command line and replay. Answers the exit status."""
    parser = Command(prog="python -m shared.replay", description=__doc__)
    add_target_arguments(parser)
    kept = sorted(name for name in events.EVENTS if layout.is_kept(name))
    parser.add_argument(
        "--type",
        action="append",
        default=[],
        choices=kept,
        help="events of this name; again for more",
    )
    parser.add_argument(
        "--subject",
        action="append",
        default=[],
        metavar="ID",
        help="of this article; again for more",
    )
    parser.add_argument(
        "--since", type=moment, metavar="TIME", help="not older, such as 2026-11-01T00:00:00+07:00"
    )
    parser.add_argument("--until", type=moment, metavar="TIME", help="older than this")
    asked = parser.parse_args(arguments)
    if asked.since and asked.since > now():
        parser.error("--since lies in the future: what happens from now on comes live")
    chosen = Selection(frozenset(asked.type), frozenset(asked.subject), asked.since, asked.until)
    return perform_replay(
        replay(load_settings(SubscriberSettings), asked.to, chosen, asked.rate, asked.restart)
    )


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
