"""The commands that list, show, redrive and discard the parked messages of a queue."""

import argparse
import asyncio
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage
from aio_pika.exceptions import ChannelNotFoundEntity

from luotdoc_subscriber.base.clock import now
from luotdoc_subscriber.base.errors import Refused
from luotdoc_subscriber.base.plainly import first_line, say
from luotdoc_subscriber.base.progress import ProgressLine
from luotdoc_subscriber.commands.arguments import parked_handle, queue_name
from luotdoc_subscriber.commands.connection import CONFIRM_SECONDS, connected
from luotdoc_subscriber.commands.parked_message import handle_of, line, printable, redriven
from luotdoc_subscriber.commands.parked_queue import each, number_of
from luotdoc_subscriber.rabbit.direct import way_into
from luotdoc_subscriber.rabbit.properties import Unreadable

PARKED_HELP = """List, show, redrive or discard parked messages.

    list QUEUE                    list parked messages: handle, age, reason, detail
    show QUEUE HANDLE             print one message
    redrive QUEUE HANDLE…|--all   send back to the queue
    discard QUEUE HANDLE…|--all   delete for good

QUEUE is a queue of your own, such as search.articles; its parked messages are in
search.articles.parked. Redriving is idempotent: the subscriber's guard drops an event that is not
newer than the last one handled.
"""

MOST_PASSES, BACK_SECONDS = 20, 0.5
"""Number and interval of passes over a queue that is discarded as a whole:
messages may come back meanwhile."""

Redrive = Callable[[AbstractIncomingMessage], aio_pika.Message | str]
"""Answers the copy of a parked message for its work queue, or why the message must stay parked."""


def add_parked_commands(
    parser: argparse.ArgumentParser, everything: tuple[str, ...] = ()
) -> argparse.ArgumentParser:
    """Add list, show, redrive and discard; answers the parser of redrive.

    `everything` are the queues that `list` shows without a QUEUE. If empty, it needs one.
    """
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("list", help="handle, age, reason and detail of each message")
    listing.set_defaults(everything=everything)
    listing.add_argument(
        "queue", nargs="?" if everything else None, type=queue_name, metavar="QUEUE"
    )
    show = commands.add_parser("show", help="headers and body of one message")
    show.add_argument("queue", type=queue_name, metavar="QUEUE")
    show.add_argument("handle", type=parked_handle, metavar="HANDLE")
    redrive = commands.add_parser("redrive", help="send messages back to the queue")
    for one in (redrive, commands.add_parser("discard", help="delete messages for good")):
        one.add_argument("queue", type=queue_name, metavar="QUEUE")
        which = one.add_mutually_exclusive_group(required=True)
        which.add_argument("handles", nargs="*", default=[], type=parked_handle, metavar="HANDLE")
        which.add_argument("--all", action="store_true", help="everything that is parked")
    return redrive


async def carry_out(chosen: argparse.Namespace, amqp_url: str, redrive: Redrive = redriven) -> int:
    """Run the command that was chosen. Answers the exit status. Raises `Refused`."""
    queues = [chosen.queue] if chosen.queue else chosen.everything
    async with connected(amqp_url, "run the same command again") as connection:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        try:
            match chosen.command:
                case "list":
                    for queue in queues:
                        await _list(connection, channel, queue)
                    return 0
                case "show":
                    return await _show(connection, channel, chosen.queue, chosen.handle)
                case "redrive":
                    return await _redrive(connection, channel, chosen, redrive)
                case _:
                    return await _discard(connection, channel, chosen)
        except ChannelNotFoundEntity as error:
            raise Refused(_absent(queues, error)) from None


def _absent(queues: list[str], error: ChannelNotFoundEntity) -> str:
    for queue in queues:
        if f"'{queue}.parked'" in str(error):
            return (
                f"there is no queue {queue}.parked; name the work queue, without `.parked`, which "
                "its subscriber declares at its first start"
            )
    return f"RabbitMQ: {first_line(error)}; start the queue's subscriber first, it declares them"


async def _walk(
    connection: AbstractConnection,
    channel: AbstractChannel,
    queue: str,
    shown: ProgressLine,
    passes: int = 1,
) -> AsyncGenerator[AbstractIncomingMessage, None]:
    """The parked messages in order; in later passes those that came back meanwhile.

    A process that watches the queue looks at the oldest message every few seconds, and RabbitMQ
    doesn't count that message until it is back.
    """
    for turn in range(passes):
        if turn:
            await asyncio.sleep(BACK_SECONDS)
        number, seen = await number_of(channel, f"{queue}.parked"), 0
        if turn and not number:
            return
        async with aclosing(each(connection, f"{queue}.parked", number)) as messages:
            async for message in messages:
                seen += 1
                shown.advance(seen, number)
                yield message


async def _list(connection: AbstractConnection, channel: AbstractChannel, queue: str) -> None:
    number, rows = await number_of(channel, f"{queue}.parked"), 0
    with ProgressLine(f"{queue}.parked") as shown:
        async for message in _walk(connection, channel, queue, shown):
            if not rows:  # not before the first message: the queue may be another's
                shown.say(f"{queue}: {number} parked")
            rows += 1
            shown.say(f"  {line(message, now())}")
    if not rows:
        say(f"{queue}: {number} parked")


async def _show(
    connection: AbstractConnection, channel: AbstractChannel, queue: str, handle: str
) -> int:
    with ProgressLine(f"{queue}.parked") as shown:
        async with aclosing(_walk(connection, channel, queue, shown)) as messages:
            async for message in messages:
                if handle_of(message) == handle:
                    shown.say(_whole(message))
                    return 0
    return _told_of_missing(queue, {handle})


def _whole(message: AbstractIncomingMessage) -> str:
    """Headers, properties and body, in lines."""
    headers = message.headers
    lines = [printable(f"{name}: {value!s}", "\n") for name, value in sorted(headers.items())]
    lines.append(printable(f"message_id: {message.message_id!s}"))
    lines.append(printable(f"correlation_id: {message.correlation_id!s}"))
    if isinstance(headers, Unreadable):
        lines += [f"unreadable: {printable(headers.why)}", f"properties: {headers.raw!r}"]
    body = printable(message.body.decode(errors="backslashreplace"), "\n\t")
    return "\n".join((*lines, "", body))


async def _redrive(
    connection: AbstractConnection,
    channel: AbstractChannel,
    chosen: argparse.Namespace,
    redrive: Redrive,
) -> int:
    left, missing = 0, set(chosen.handles)
    back = await way_into(channel, chosen.queue)
    with ProgressLine(f"{chosen.queue}.parked") as shown:
        async for message in _walk(connection, channel, chosen.queue, shown):
            handle = handle_of(message)
            if not chosen.all and handle not in chosen.handles:
                continue
            missing.discard(handle)
            copy = redrive(message)
            if isinstance(copy, str):
                left += 1
                shown.say(f"{handle}  {copy}")
                continue
            await back.publish(copy, chosen.queue, mandatory=True, timeout=CONFIRM_SECONDS)
            await message.ack()
            shown.say(f"{handle}  redriven")
    return _told_of_missing(chosen.queue, missing) or min(left, 1)


async def _discard(
    connection: AbstractConnection, channel: AbstractChannel, chosen: argparse.Namespace
) -> int:
    missing = set(chosen.handles)
    with ProgressLine(f"{chosen.queue}.parked") as shown:
        passes = MOST_PASSES if chosen.all else 1
        async for message in _walk(connection, channel, chosen.queue, shown, passes):
            handle = handle_of(message)
            if chosen.all or handle in chosen.handles:
                missing.discard(handle)
                await message.ack()
                shown.say(f"{handle}  discarded")
    return _told_of_missing(chosen.queue, missing)


def _told_of_missing(queue: str, handles: set[str]) -> int:
    """Tell of handles that no message has. Answers the exit status."""
    for handle in sorted(handles):
        sys.stderr.write(f"nothing in {queue}.parked has the handle {handle}\n")
    return 1 if handles else 0
