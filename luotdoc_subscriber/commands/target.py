"""The target of a replay:
publishes confirmed batches into one queue at a pace, and stores the replay's position.

The position is in the quorum queue `<queue>.replay`: one message, which is replaced once a batch is
confirmed. So a replay that dies continues on any machine, without a gap, and repeats at most one
batch.
"""

import asyncio
import re
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import aio_pika
from aio_pika.abc import (
    AbstractChannel,
    AbstractConnection,
    AbstractExchange,
    AbstractQueue,
    DeliveryMode,
)
from aio_pika.exceptions import ChannelNotFoundEntity
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from luotdoc_events import events
from luotdoc_subscriber.base.errors import Refused
from luotdoc_subscriber.commands.connection import CONFIRM_SECONDS
from luotdoc_subscriber.commands.selection import Pace
from luotdoc_subscriber.rabbit import layout
from luotdoc_subscriber.rabbit.direct import way_into

REPLAY_BATCH = 50
"""Number of events after which the position is stored; a killed replay repeats at most so many."""
TOGETHER = 5
"""Number of events in flight. It is small, because live events wait behind them."""
HIGH_WATER = 10_000
"""Queue depth at which a replay pauses: live events queue behind it, and disks are finite."""
KEEP_MILLISECONDS = 30 * 24 * 3600 * 1000
"""Time for which a stopped replay can be continued: as long as the history lasts."""
REPLAY_AGAIN = "run the same command again, it goes on where it stopped"
"""What helps after a fault that ends by itself."""
LOOK_SECONDS = 1.0
"""Interval in seconds of checking the queue's depth."""

_NOT_FOR_EVENTS = re.compile(
    rf"{re.escape(layout.READS_QUEUE)}|{re.escape(layout.EVENTS_LOG.name)}"
    r"|.*\.(parked|replay|retry\.[0-9.]+)"
)

_ShortText = Annotated[str, Field(max_length=200)]


class ReplayPosition(BaseModel):
    """The position of a replay:
    `name` marks its events, `at` is the position in its source, empty at the start.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    name: _ShortText
    what: str
    at: _ShortText = ""
    sent: int = Field(0, ge=0)


def message(event: events.Envelope, headers: Mapping[str, Any] | None = None) -> aio_pika.Message:
    """An event as a message, as its producer would publish it."""
    return aio_pika.Message(
        events.encode(event),
        headers=dict(headers or {}),
        content_type=events.CONTENT_TYPE,
        delivery_mode=DeliveryMode.PERSISTENT,
        message_id=event.id,
        correlation_id=event.correlationid,
        type=event.type,
    )


class Target:
    """Publishes batches of events into one queue. Made by `open_target`."""

    def __init__(
        self,
        channel: AbstractChannel,
        queue: str,
        way: AbstractExchange,
        kept: AbstractQueue,
        place: ReplayPosition,
        rate: float,
        note: Callable[[str], None],
    ) -> None:
        """`note` is called with a line for people when the replay pauses,
        and with "" when it continues.
        """
        self._channel, self._queue, self._way, self._kept = channel, queue, way, kept
        self.place, self._note = place, note
        self._pace = Pace(rate, time.monotonic)
        self._look_at = 0.0

    async def send(self, batch: Sequence[aio_pika.Message], at: str) -> None:
        """Publish `batch` with the replay's header, then store the position `at`.
        Returns when all is confirmed.

        Waits first while the queue is too long, and keeps the pace. Raises aio-pika's errors.
        """
        await self._wait_for_room()
        for each in batch:
            each.headers = {**each.headers, events.REPLAY_HEADER: self.place.name}
        for first in range(0, len(batch), TOGETHER):
            part = batch[first : first + TOGETHER]
            async with asyncio.timeout(CONFIRM_SECONDS):
                # The messages are sent in this order; only the confirms are awaited together.
                outcomes = await asyncio.gather(
                    *(self._publish(m, self._queue) for m in part), return_exceptions=True
                )
            for outcome in outcomes:
                if isinstance(outcome, BaseException):
                    raise outcome
            await asyncio.sleep(self._pace.wait(len(part)))
        self.place = self.place.model_copy(update={"at": at, "sent": self.place.sent + len(batch)})
        stored = aio_pika.Message(
            self.place.model_dump_json().encode(), delivery_mode=DeliveryMode.PERSISTENT
        )
        async with asyncio.timeout(CONFIRM_SECONDS):
            await self._publish(stored, self._kept.name)

    async def finish(self) -> None:
        """Delete the position, because the replay has ended."""
        await self._channel.queue_delete(self._kept.name)

    async def _publish(self, each: aio_pika.Message, key: str) -> None:
        await self._way.publish(each, key, mandatory=True)

    async def _wait_for_room(self) -> None:
        while time.monotonic() >= self._look_at:
            waiting = (
                await self._channel.declare_queue(self._queue, passive=True)
            ).declaration_result.message_count
            self._look_at = time.monotonic() + LOOK_SECONDS
            if (waiting or 0) <= HIGH_WATER:
                self._note("")
                return
            self._note(
                f"{waiting:,} messages wait in {self._queue}: the subscriber must take some first"
            )
            await asyncio.sleep(LOOK_SECONDS)


async def open_target(
    connection: AbstractConnection,
    queue: str,
    what: str,
    *,
    rate: float,
    restart: bool,
    note: Callable[[str], None],
) -> Target:
    """The target for a replay of `what`, at the stored position, or at the start with `restart`.

    `rate` is in events a second; for `note` see `Target`. Raises `Refused`, and aio-pika's errors.
    """
    channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
    await _check_queue(channel, queue)
    if restart:
        await channel.queue_delete(f"{queue}.replay")
    kept = await channel.declare_queue(
        f"{queue}.replay",
        durable=True,
        arguments={
            "x-queue-type": "quorum",
            "x-max-length": 1,
            "x-overflow": "drop-head",
            "x-expires": KEEP_MILLISECONDS,
            "x-delivery-limit": 1_000_000,  # each look at the message is a delivery
        },
    )
    place = ReplayPosition(name=f"{queue}-{secrets.token_hex(4)}", what=what)
    if (held := await kept.get(fail=False)) is not None:
        place = _place(held.body, queue)
        await held.nack(requeue=True)
    if place.what != what:
        raise Refused(
            f"a replay of {place.what[:500]!a} into {queue} has stopped half way: ask for the same "
            "again and it goes on, or say --restart and it is forgotten"
        )
    way = await way_into(channel, queue, kept.name)
    return Target(channel, queue, way, kept, place, rate, note)


async def _check_queue(channel: AbstractChannel, queue: str) -> None:
    """Raises `Refused` unless `queue` is a subscriber's, and exists."""
    if _NOT_FOR_EVENTS.fullmatch(queue):
        raise Refused(
            f"{queue} is no subscriber's queue: name the one that the subscriber consumes"
        )
    try:
        await channel.declare_queue(queue, passive=True)
    except ChannelNotFoundEntity:
        raise Refused(
            f"there is no queue {queue}: start its subscriber first, or declare and bind it, so "
            "that no event falls between the replay and the live ones"
        ) from None


def _place(body: bytes, queue: str) -> ReplayPosition:
    """Parse the message in `<queue>.replay`, which a subscriber may also write. Raises
    `Refused`.
    """
    try:
        return ReplayPosition.model_validate_json(body)
    except ValidationError:
        raise Refused(
            f"{queue}.replay holds no place of a replay: --restart throws it away"
        ) from None
