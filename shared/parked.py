"""`python -m shared.parked`: look at parked messages, send them again, or throw them away.

    list [QUEUE]                     what is parked: handle, age, reason, detail; without QUEUE in all of ours
    show QUEUE HANDLE                one message whole
    redrive QUEUE HANDLE…|--all      back to its work queue; --force for batches that are too old
    discard QUEUE HANDLE…|--all      gone for good

QUEUE is the work queue's name, such as counter.reads, or that of any subscriber. A message that is sent again and
was counted before is not counted again: the ledger knows its id. A batch that is `too_old` may have been counted and
forgotten, and stays parked unless --force says to count it.
"""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from hashlib import sha256
from typing import Any

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from aio_pika.exceptions import ChannelNotFoundEntity

from shared.broker import BROKER_ERRORS
from shared.clock import now
from shared.command import Command
from shared.events import REPLAY_HEADER
from shared.parking import BROKERS_OWN, DETAIL, FORCE, PARKED_AT, REASON
from shared.settings import Settings, load
from shared.topology import WORK_QUEUES

NEEDS_FORCE = "too_old"


def handle_of(message: AbstractIncomingMessage) -> str:
    """Eight hex digits that name a parked message: from its content and the time of parking."""
    seed = repr((message.message_id, message.headers.get(PARKED_AT), message.headers.get(REASON))).encode()
    return sha256(seed + message.body).hexdigest()[:8]


def age(message: AbstractIncomingMessage, moment: datetime) -> str:
    """How long it has been parked, in the largest unit that fits: `3d`, `5h`, `12m`, `40s`."""
    try:
        seconds = int((moment - datetime.fromisoformat(str(message.headers.get(PARKED_AT)))).total_seconds())
    except ValueError:
        return "?"
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def line(message: AbstractIncomingMessage, moment: datetime) -> str:
    """A row of the list."""
    detail = str(message.headers.get(DETAIL, "")).partition("\n")[0][:100]
    return f"{handle_of(message)}  {age(message, moment):>4}  {message.headers.get(REASON, '?')!s:<14}  {detail}"


def again(message: AbstractIncomingMessage, force: bool) -> aio_pika.Message:
    """The message as it goes back to its work queue."""
    ours = ("x-luotdoc-", *BROKERS_OWN)
    # What was a replay stays one; all else that we added was about the attempts that failed.
    headers: dict[str, Any] = {
        name: value for name, value in message.headers.items() if name == REPLAY_HEADER or not name.startswith(ours)
    }
    if force:
        headers[FORCE] = True
    return aio_pika.Message(
        message.body,
        headers=headers,
        content_type=message.content_type,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        message_id=message.message_id,
        correlation_id=message.correlation_id,
        type=message.type,
    )


@asynccontextmanager
async def _channel(settings: Settings) -> AsyncIterator[AbstractChannel]:
    # What is still in hand when the channel closes goes back to its place.
    async with await aio_pika.connect(settings.amqp_url, timeout=10) as connection:
        yield await connection.channel(publisher_confirms=True, on_return_raises=True)


async def _parked(channel: AbstractChannel, queue: str) -> list[AbstractIncomingMessage]:
    source = await channel.get_queue(f"{queue}.parked")
    number = source.declaration_result.message_count or 0
    messages = []
    for _ in range(number):
        message = await source.get(fail=False)
        if message is None:
            break
        messages.append(message)
    return messages


async def _list(settings: Settings, queues: list[str]) -> int:
    async with _channel(settings) as channel:
        for queue in queues:
            messages = await _parked(channel, queue)
            print(f"{queue}: {len(messages)} parked")
            for message in messages:
                print(f"  {line(message, now())}")
    return 0


async def _show(settings: Settings, queue: str, handle: str) -> int:
    async with _channel(settings) as channel:
        for message in await _parked(channel, queue):
            if handle_of(message) == handle:
                for name, value in sorted(message.headers.items()):
                    print(f"{name}: {value!s}")
                print(f"message_id: {message.message_id}\ncorrelation_id: {message.correlation_id}\n")
                print(message.body.decode(errors="backslashreplace"))
                return 0
    print(f"nothing in {queue}.parked has the handle {handle}", file=sys.stderr)
    return 1


async def _settle(settings: Settings, chosen: argparse.Namespace) -> int:
    left = 0
    async with _channel(settings) as channel:
        found = await _parked(channel, chosen.queue)
        wanted = [m for m in found if chosen.all or handle_of(m) in chosen.handles]
        missing = set(chosen.handles) - {handle_of(m) for m in wanted}
        for message in wanted:
            if chosen.command == "redrive":
                if message.headers.get(REASON) == NEEDS_FORCE and not chosen.force:
                    print(f"{handle_of(message)}  left: too old, it may have been counted already; --force counts it")
                    left += 1
                    continue
                await channel.default_exchange.publish(again(message, chosen.force), chosen.queue, mandatory=True)
            await message.ack()
            print(f"{handle_of(message)}  {'redriven' if chosen.command == 'redrive' else 'discarded'}")
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
            one.add_argument("--force", action="store_true", help="count batches although they are too old")
    chosen = parser.parse_args(arguments)
    if chosen.command in ("redrive", "discard") and not chosen.handles and not chosen.all:
        parser.error("name handles, or say --all")
    return chosen


async def run(arguments: list[str]) -> int:
    """Do what the arguments say; answers the exit status."""
    chosen = _arguments(arguments)
    settings = load(Settings)
    try:
        if chosen.command == "list":
            return await _list(settings, [chosen.queue] if chosen.queue else [work.name for work in WORK_QUEUES])
        if chosen.command == "show":
            return await _show(settings, chosen.queue, chosen.handle)
        return await _settle(settings, chosen)
    except ChannelNotFoundEntity:
        print(f"there is no queue {chosen.queue}.parked; name the work queue, without `.parked`", file=sys.stderr)
        return 1
    except BROKER_ERRORS as error:
        print(f"RabbitMQ: {error}; is it up, and has `python -m shared.setup` run?", file=sys.stderr)
        return 1


if __name__ == "__main__":
    raise SystemExit(asyncio.run(run(sys.argv[1:])))
