"""The command that replays the history into one subscriber's queue."""

import argparse
import os
import re
import sys
from collections.abc import Coroutine
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Any

import aio_pika
from aio_pika.abc import AbstractConnection, AbstractIncomingMessage, DeliveryMode
from pydantic import ValidationError

from luotdoc_events import events
from luotdoc_subscriber.base import plainly
from luotdoc_subscriber.base.clock import now
from luotdoc_subscriber.base.errors import Permanent, Refused
from luotdoc_subscriber.base.plainly import say
from luotdoc_subscriber.base.progress import ProgressLine
from luotdoc_subscriber.commands.arguments import add_target_arguments, moment
from luotdoc_subscriber.commands.connection import connected
from luotdoc_subscriber.commands.history import OFFSET, OLDER, last_offset, read_history
from luotdoc_subscriber.commands.selection import Selection
from luotdoc_subscriber.commands.target import REPLAY_AGAIN, REPLAY_BATCH, Target, open_target
from luotdoc_subscriber.parking import check_readable, passed_on
from luotdoc_subscriber.rabbit import layout

REPLAY_HELP = """Replay the history into one of your queues.

    python -m luotdoc_subscriber replay --to search.articles
    python -m luotdoc_subscriber replay --to search.articles --subject ls0001 --subject ls0002
    python -m luotdoc_subscriber replay --to search.articles --type article.published \\
        --since 2026-11-01T00:00:00+07:00

Events come from the stream luotdoc.events.log, in its order, with the header x-luotdoc-replay. Bind
the queue first: later events arrive live. After a stop the same command continues where it was. For
articles older than the history ask the operators.
"""

SKIM = 500
"""Upper bound for the events read before the position is stored, however few of them are
selected."""
CLOCK_SKEW = timedelta(minutes=1)
"""Tolerance for times: the stream finds a time by the broker's clock, in steps of a chunk;
events carry their producer's."""


def add_replay_arguments(parser: argparse.ArgumentParser) -> None:
    """Add all arguments of a replay of the history."""
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


def check_times(parser: argparse.ArgumentParser, chosen: argparse.Namespace) -> None:
    """End the process with status 2 if the times that were chosen select nothing."""
    if chosen.since and chosen.since > now():
        parser.error("--since lies in the future: what happens from now on comes live")
    if chosen.since and chosen.until and chosen.until <= chosen.since:
        parser.error("--until must be later than --since")


def replay_chosen(chosen: argparse.Namespace, amqp_url: str) -> int:
    """Replay what the arguments choose. Answers the exit status."""
    wanted = Selection(
        frozenset(chosen.type), frozenset(chosen.subject), chosen.since, chosen.until
    )
    return perform_replay(replay(amqp_url, chosen.to, wanted, chosen.rate, chosen.restart))


def perform_replay(work: Coroutine[Any, Any, None]) -> int:
    """Run a replay to its end, at low CPU priority. Answers the exit status."""
    os.nice(10)
    return plainly.perform(work, "stopped; the same command goes on from here")


async def replay(amqp_url: str, queue: str, chosen: Selection, rate: float, restart: bool) -> None:
    """Replay the selected events of the history. Raises `Refused`."""
    with ProgressLine(queue) as shown:
        async with connected(amqp_url, REPLAY_AGAIN) as connection:
            end = await last_offset(connection)
            target = await open_target(
                connection, queue, str(chosen), rate=rate, restart=restart, note=shown.note
            )
            if before := target.place.sent:
                shown.say(f"continuing after the {before:,} events that were sent before")
            unreadable = await _send(connection, target, chosen, end, shown)
            await target.finish()
    say(f"{target.place.sent:,} events sent into {queue}, marked as {target.place.name}")
    if unreadable:
        sys.stderr.write(
            f"{unreadable:,} messages of the history are no events, or can't be read, and were "
            "left out\n"
        )


async def _send(
    connection: AbstractConnection,
    target: Target,
    chosen: Selection,
    end: int,
    shown: ProgressLine,
) -> int:
    """Read to the offset `end` and send the selected events.
    Answers the number of messages that were not events.
    """
    begin, batch = _begin(target, chosen), list[aio_pika.Message]()
    first, read, unreadable = None, 0, 0
    if isinstance(begin, int) and begin > end:
        return 0
    async with aclosing(read_history(connection, begin, end, 2 * SKIM)) as messages:
        async for at, message in messages:
            if first is None:
                first = at
                _tell_of_gap(begin, at)
            read += 1
            try:
                check_readable(message)
                if chosen.wants(events.Envelope.model_validate_json(message.body)):
                    batch.append(original(message))
            except (Permanent, ValidationError):
                unreadable += 1
            if len(batch) == REPLAY_BATCH or read % SKIM == 0:
                await target.send(batch, str(at))
                await message.ack(multiple=True)
                batch = []
                shown.advance(at - first + 1, end - first + 1)
        if batch:
            await target.send(batch, str(end))
    return unreadable


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


def _begin(target: Target, chosen: Selection) -> str | int | datetime:
    """The offset or time at which to start consuming the stream."""
    at = target.place.at
    if not at:
        return "first" if chosen.since is None else chosen.since - CLOCK_SKEW
    if not re.fullmatch("[0-9]{1,18}", at):
        raise Refused(f"the stored position {at!a} is none of the history: --restart forgets it")
    return int(at) + 1


def _tell_of_gap(begin: str | int | datetime, at: int) -> None:
    if isinstance(begin, int) and at > begin:
        sys.stderr.write(
            f"{at - begin:,} events have left the history since this replay stopped; {OLDER}\n"
        )
