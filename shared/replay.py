"""`python -m shared.replay`: send history again, into one subscriber's queue and no other.

    python -m shared.replay --to search.articles
    python -m shared.replay --to search.articles --type article.published --since 2026-11-01T00:00:00+07:00
    python -m shared.replay --to search.articles --subject ls0001 --subject ls0002

Events come from the stream luotdoc.events.log, in its order, marked with the header x-luotdoc-replay. Bind the queue
first: what happens from then on comes live. Stopped at any moment, the same command goes on where it was. For what is
older than the history: `python -m services.ingest replay`.
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
from shared.base.clock import now
from shared.base.command import Command
from shared.base.errors import Permanent, Refused
from shared.base.settings import SubscriberSettings, load
from shared.operators.replay_command import add_target_arguments, moment, perform, progress
from shared.operators.selection import Selection
from shared.operators.target import BATCH, Target, open_target
from shared.rabbit import topology
from shared.subscriber.parking import check_readable, passed_on

SKIM = 500
"""Events read at most before the place is noted, however few of them are chosen."""
WINDOW = 1000
"""Events that the broker hands out ahead while the end is looked for."""
MISSING_SECONDS, NOTHING_SECONDS = 30.0, 5.0
"""An event that the stream has comes sooner; when nothing comes for the latter, it is asked why."""
CLOCK_SKEW = timedelta(minutes=1)
"""The stream finds a time by the broker's clock, in steps of a chunk; events carry their producer's."""

OFFSET = "x-stream-offset"


class History:
    """The stream's messages from one place on, unacked, for as long as the channel is open."""

    def __init__(self, channel: AbstractChannel) -> None:
        self._channel = channel
        self._arrived: asyncio.Queue[AbstractIncomingMessage | None] = asyncio.Queue()
        channel.close_callbacks.add(lambda *_: self._arrived.put_nowait(None))

    async def start(self, begin: str | int | datetime) -> None:
        """Let them come, from `begin` on."""
        stream = await self._channel.get_queue(topology.EVENTS_LOG.name)
        # Not aio-pika's iterator: at its end it nacks what it has left, and for a stream that breaks the connection.
        await stream.consume(self._arrived.put, arguments={OFFSET: begin})

    async def next(self, seconds: float) -> AbstractIncomingMessage:
        """The next message.

        Raises TimeoutError when none comes for `seconds`, ConnectionError when the connection is lost.
        """
        message: AbstractIncomingMessage | None
        try:
            async with asyncio.timeout(seconds):
                message = await self._arrived.get()
        except TimeoutError:
            await self.settle()  # it may be this process that stood still
            if self._arrived.empty():
                raise
            message = self._arrived.get_nowait()
        if message is None:
            raise ConnectionError("the connection was lost")
        return message

    async def settle(self) -> None:
        """Return when what the broker could send has arrived: all there is, or as many as are not acked at most."""
        # Its channel sends what it has before it answers. The second answer comes when the client, too, has handed on
        # what came before the first.
        async with asyncio.timeout(MISSING_SECONDS):
            for _ in range(2):
                await self._channel.declare_queue(topology.EVENTS_LOG.name, passive=True)

    def waiting(self) -> int:
        """How many have arrived that nobody has taken."""
        return self._arrived.qsize()


@contextlib.asynccontextmanager
async def history(connection: AbstractConnection, begin: str | int, prefetch: int) -> AsyncIterator[History]:
    """The stream from `begin` on, on a channel of its own."""
    channel = await connection.channel()
    try:
        await channel.set_qos(prefetch_count=prefetch)
        log = History(channel)
        await log.start(begin)
        yield log
    finally:
        await channel.close()


def offset_of(message: AbstractIncomingMessage, before: int | None = None) -> int:
    """A message's place in the stream; where its headers can't be read, the one after `before`.

    Raises `Refused` when neither is known.
    """
    at = _place(message, before)
    if at is None:
        raise Refused(
            f"the headers of a message in {topology.EVENTS_LOG.name} can't be read, and so its place is unknown; "
            "begin before or after it with --since"
        )
    return at


def _place(message: AbstractIncomingMessage, before: int | None) -> int | None:
    offset = message.headers.get(OFFSET)
    if type(offset) is int:
        return offset
    return None if before is None else before + 1


async def last_offset(connection: AbstractConnection) -> int:
    """The offset of the last message that the stream holds now, or of a newer one. Raises `Refused` if it is empty."""
    async with history(connection, "last", WINDOW) as log:
        try:
            message = await log.next(NOTHING_SECONDS)
        except TimeoutError:
            raise Refused(
                f"the history {topology.EVENTS_LOG.name} is empty, or RabbitMQ is too busy to show it; "
                "`python -m services.ingest replay` has the articles"
            ) from None
        at = _place(message, None)
        while True:
            await log.settle()
            # With fewer than it might have sent, the broker has come to the end.
            ended = log.waiting() < WINDOW - 1
            while log.waiting():
                message = await log.next(MISSING_SECONDS)
                at = _place(message, at)
            if ended:
                return at if at is not None else offset_of(message)
            await message.ack(multiple=True)


def again(message: AbstractIncomingMessage) -> aio_pika.Message:
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


async def replay(settings: SubscriberSettings, queue: str, chosen: Selection, rate: float, restart: bool) -> None:
    """Send what is chosen of the history so far. Raises `Refused`, and aio-pika's errors."""
    async with await aio_pika.connect(settings.amqp_url, timeout=10) as connection:
        end = await last_offset(connection)
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        await channel.set_qos(prefetch_count=2 * SKIM)
        with progress() as bar:
            task = bar.add_task(queue, total=None)
            target = await open_target(
                channel, queue, str(chosen), rate, restart, lambda line: bar.update(task, description=line or queue)
            )
            before = target.place.sent
            if before:
                bar.console.print(f"going on behind the {before:,} events that were sent before", highlight=False)
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
        told = f"{unreadable:,} messages of the history are no events, or can't be read, and were left out"
        print(told, file=sys.stderr)


async def _first(
    connection: AbstractConnection, log: History, begin: str | int | datetime, end: int
) -> AbstractIncomingMessage | None:
    """The first message, or None: the end of the stream, at the offset `end`, may lie before a time."""
    if not isinstance(begin, datetime):
        return await log.next(MISSING_SECONDS)
    with contextlib.suppress(TimeoutError):
        return await log.next(NOTHING_SECONDS)
    # Nothing, or a slow broker? The last message comes in any case; asked for later, it comes later.
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
    """Read to the offset `end`, send what is chosen; answers how many messages were no events."""
    if target.place.at and int(target.place.at) >= end:
        return 0
    begin, batch, read, unreadable, first = _begin(target, chosen), list[aio_pika.Message](), 0, 0, 0
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
                batch.append(again(message))
        except (Permanent, ValidationError):
            unreadable += 1
        if len(batch) == BATCH or read % SKIM == 0 or at >= end:
            await target.send(batch, str(at))
            await message.ack(multiple=True)
            batch = []
            shown(at - first + 1, end - first + 1)
        message = await log.next(MISSING_SECONDS) if at < end else None
    return unreadable


def _begin(target: Target, chosen: Selection) -> str | int | datetime:
    """Where to attach to the stream."""
    if target.place.at:
        return int(target.place.at) + 1
    return "first" if chosen.since is None else chosen.since - CLOCK_SKEW


def _check_gap(begin: str | int | datetime, at: int) -> None:
    if isinstance(begin, int) and at > begin:
        lost = f"{at - begin:,} events have left the history since this replay stopped"
        print(f"{lost}; `python -m services.ingest replay` has the articles", file=sys.stderr)


def main(arguments: list[str]) -> int:
    """Read the command line and replay; answers the exit status."""
    parser = Command(prog="python -m shared.replay", description=__doc__)
    add_target_arguments(parser)
    kept = sorted(name for name in events.EVENTS if topology.is_kept(name))
    parser.add_argument("--type", action="append", default=[], choices=kept, help="events of this name; again for more")
    parser.add_argument("--subject", action="append", default=[], metavar="ID", help="of this article; again for more")
    parser.add_argument("--since", type=moment, metavar="TIME", help="not older, such as 2026-11-01T00:00:00+07:00")
    parser.add_argument("--until", type=moment, metavar="TIME", help="older than this")
    asked = parser.parse_args(arguments)
    if asked.since and asked.since > now():
        parser.error("--since lies in the future: what happens from now on comes live")
    chosen = Selection(frozenset(asked.type), frozenset(asked.subject), asked.since, asked.until)
    return perform(replay(load(SubscriberSettings), asked.to, chosen, asked.rate, asked.restart))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
