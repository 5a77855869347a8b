"""`python -m shared.parked`: list, show, redrive or discard parked messages.

    list [QUEUE]                  list parked messages: handle, age, reason, detail;
                                  without QUEUE all of ours
    show QUEUE HANDLE             print one message
    redrive QUEUE HANDLE…|--all   send back to the work queue; --force for batches that are too old
    discard QUEUE HANDLE…|--all   delete for good

QUEUE is the name of a work queue, such as counter.reads, or of a subscriber's queue, for which the
subscriber's own user suffices. Redriving is idempotent: the ledger knows the ids of counted
batches. A batch that is `too_old` may have been counted and forgotten; it is parked again unless
--force counts it.
"""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage
from aio_pika.exceptions import ChannelNotFoundEntity
from aiormq.exceptions import ChannelAccessRefused

from luotdoc_subscriber.base.clock import now
from luotdoc_subscriber.base.command import Command
from luotdoc_subscriber.base.plainly import perform
from luotdoc_subscriber.base.settings import SubscriberSettings
from luotdoc_subscriber.parking import (
    REASON,
)
from luotdoc_subscriber.rabbit.broker import BROKER_ERRORS
from luotdoc_subscriber.rabbit.direct import told_of_rights, way_into
from luotdoc_subscriber.rabbit.properties import Unreadable
from shared.base.settings import load_settings
from shared.operators.parked_message import handle_of, line, printable, redriven
from shared.operators.parked_queue import each, number_of
from shared.rabbit.topology import WORK_QUEUES

NEEDS_FORCE = "too_old"
MOST_PASSES, BACK_SECONDS = 20, 0.5
"""Number and interval of passes over a queue that is discarded as a whole:
messages may come back meanwhile."""


@asynccontextmanager
async def _connected(
    settings: SubscriberSettings,
) -> AsyncIterator[tuple[AbstractConnection, AbstractChannel]]:
    # Unacked messages go back to their places when the channel closes.
    async with await aio_pika.connect(settings.amqp_url, timeout=10) as connection:
        yield connection, await connection.channel(publisher_confirms=True, on_return_raises=True)


async def _list(settings: SubscriberSettings, queues: list[str]) -> int:
    async with _connected(settings) as (connection, channel):
        for queue in queues:
            number = await number_of(channel, f"{queue}.parked")
            print(f"{queue}: {number} parked")
            async for message in each(connection, f"{queue}.parked", number):
                print(f"  {line(message, now())}")
    return 0


async def _show(settings: SubscriberSettings, queue: str, handle: str) -> int:
    async with _connected(settings) as (connection, channel):
        number = await number_of(channel, f"{queue}.parked")
        async for message in each(connection, f"{queue}.parked", number):
            if handle_of(message) == handle:
                _print(message)
                return 0
    print(f"nothing in {queue}.parked has the handle {handle}", file=sys.stderr)
    return 1


def _print(message: AbstractIncomingMessage) -> None:
    for name, value in sorted(message.headers.items()):
        print(printable(f"{name}: {value!s}", "\n"))
    print(printable(f"message_id: {message.message_id!s}"))
    print(printable(f"correlation_id: {message.correlation_id!s}"))
    if isinstance(message.headers, Unreadable):
        print(f"unreadable: {printable(message.headers.why)}\nproperties: {message.headers.raw!r}")
    print()
    print(printable(message.body.decode(errors="backslashreplace"), "\n\t"))


async def _all(
    connection: AbstractConnection, channel: AbstractChannel, chosen: argparse.Namespace
) -> AsyncIterator[AbstractIncomingMessage]:
    """The messages of the parked queue. If all are discarded, also those that came back meanwhile.

    A service looks at the oldest message every few seconds,
    and RabbitMQ doesn't count that message until it is back.
    """
    queue, passes = f"{chosen.queue}.parked", 1
    while number := await number_of(channel, queue):
        async for message in each(connection, queue, number):
            yield message
        if not (chosen.all and chosen.command == "discard") or passes == MOST_PASSES:
            return
        passes += 1
        await asyncio.sleep(BACK_SECONDS)


async def _settle(settings: SubscriberSettings, chosen: argparse.Namespace) -> int:
    left, missing = 0, set(chosen.handles)
    async with _connected(settings) as (connection, channel):
        back = await way_into(channel, chosen.queue) if chosen.command == "redrive" else None
        async for message in _all(connection, channel, chosen):
            handle = handle_of(message)
            if not chosen.all and handle not in chosen.handles:
                continue
            missing.discard(handle)
            if back:
                if message.headers.get(REASON) == NEEDS_FORCE and not chosen.force:
                    print(
                        f"{handle}  left: too old, it may have been counted already; --force "
                        "counts it"
                    )
                    left += 1
                    continue
                await back.publish(redriven(message, chosen.force), chosen.queue, mandatory=True)
            await message.ack()
            print(f"{handle}  {'redriven' if back else 'discarded'}")
    for handle in sorted(missing):
        print(f"nothing in {chosen.queue}.parked has the handle {handle}", file=sys.stderr)
    return 1 if missing or left else 0


def _arguments(arguments: list[str]) -> argparse.Namespace:
    parser = Command(prog="python -m shared.parked", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list").add_argument("queue", nargs="?", metavar="QUEUE")
    show = commands.add_parser("show")
    show.add_argument("queue", metavar="QUEUE")
    show.add_argument("handle")
    for command in ("redrive", "discard"):
        one = commands.add_parser(command)
        one.add_argument("queue", metavar="QUEUE")
        one.add_argument("handles", nargs="*", metavar="HANDLE")
        one.add_argument("--all", action="store_true", help="everything in the queue")
        if command == "redrive":
            one.add_argument(
                "--force", action="store_true", help="count batches although they are too old"
            )
    chosen = parser.parse_args(arguments)
    if chosen.command in ("redrive", "discard") and not chosen.handles and not chosen.all:
        parser.error("name handles, or say --all")
    return chosen


def _told_of_absence(queue: str | None, error: ChannelNotFoundEntity) -> str:
    if queue is None or f"'{queue}.parked'" not in str(error):
        return (
            f"RabbitMQ: {error}; has `python -m shared.setup` run, and is the queue's subscriber "
            "set up?"
        )
    return f"there is no queue {queue}.parked; name the work queue, without `.parked`"


async def run(arguments: list[str]) -> int:
    """Parse the arguments and run the command. Answers the exit status."""
    chosen = _arguments(arguments)
    settings = load_settings(SubscriberSettings)
    try:
        if chosen.command == "list":
            return await _list(
                settings, [chosen.queue] if chosen.queue else [work.name for work in WORK_QUEUES]
            )
        if chosen.command == "show":
            return await _show(settings, chosen.queue, chosen.handle)
        return await _settle(settings, chosen)
    except ChannelAccessRefused as error:
        print(told_of_rights(error), file=sys.stderr)
        return 1
    except ChannelNotFoundEntity as error:
        print(_told_of_absence(chosen.queue, error), file=sys.stderr)
        return 1
    except BROKER_ERRORS as error:
        print(
            f"RabbitMQ: {error}; is it up, and has `python -m shared.setup` run?", file=sys.stderr
        )
        return 1


if __name__ == "__main__":
    raise SystemExit(perform(run(sys.argv[1:])))
