"""The target of a replay:
publishes confirmed batches into one queue at a pace, and stores the replay's position.

The position is in the quorum queue `<queue>.replay`: one message, which is replaced once a batch is
confirmed. So a replay that dies continues on any machine, without a gap, and repeats at most one
batch.
"""

import asyncio
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

import aio_pika
import orjson
from aio_pika.abc import AbstractChannel, AbstractExchange, AbstractQueue, DeliveryMode
from aio_pika.exceptions import ChannelNotFoundEntity, DeliveryError
from aiormq.exceptions import ChannelAccessRefused

from luotdoc_events import events
from luotdoc_subscriber.base.errors import Refused
from luotdoc_subscriber.rabbit import layout
from luotdoc_subscriber.rabbit.broker import BROKER_ERRORS
from luotdoc_subscriber.rabbit.direct import told_of_rights, way_into
from shared.operators.selection import Pace
from shared.rabbit import topology

REPLAY_BATCH = 50
"""Number of events after which the position is stored; a killed replay repeats at most so many."""
TOGETHER = 5
"""Number of events in flight. It is small, because live events wait behind them."""
RATE = 500.0
"""Default rate in events a second."""
HIGH_WATER = 10_000
"""Queue depth at which a replay pauses: live events queue behind it, and disks are finite."""
KEEP_MILLISECONDS = 30 * 24 * 3600 * 1000
"""Time for which a stopped replay can be continued: as long as the history lasts."""
CONFIRM_SECONDS = 30.0
"""Timeout in seconds for the confirms of events in flight."""
LOOK_SECONDS = 1.0
"""Interval in seconds of checking the queue's depth."""

_NOT_FOR_EVENTS = {topology.COUNTER_READS.name, layout.EVENTS_LOG.name}


@dataclass(frozen=True)
class ReplayPosition:
    """The position of a replay:
    `name` marks its events, `at` is the position in its source, empty at the start.
    """

    name: str
    what: str
    at: str = ""
    sent: int = 0


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
        told: Callable[[str], None],
    ) -> None:
        """`told` is called with a line for people when the replay pauses,
        and with "" when it continues.
        """
        self._channel, self._queue, self._way, self._kept = channel, queue, way, kept
        self.place, self._told = place, told
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
        self.place = replace(self.place, at=at, sent=self.place.sent + len(batch))
        async with asyncio.timeout(CONFIRM_SECONDS):
            await self._publish(
                aio_pika.Message(orjson.dumps(asdict(self.place)), delivery_mode=2), self._kept.name
            )

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
                self._told("")
                return
            self._told(
                f"{waiting:,} messages wait in {self._queue}: the subscriber must take some first"
            )
            await asyncio.sleep(LOOK_SECONDS)


async def open_target(
    channel: AbstractChannel,
    queue: str,
    what: str,
    rate: float,
    restart: bool,
    told: Callable[[str], None],
) -> Target:
    """The target for a replay of `what`, at the stored position,
    or at the start with `restart`. Raises `Refused`.
    """
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
    place = ReplayPosition(f"{queue}-{secrets.token_hex(4)}", what)
    if (held := await kept.get(fail=False)) is not None:
        place = _place(held.body, queue)
        await held.nack(requeue=True)
    if place.what != what:
        raise Refused(
            f"a replay of {place.what} into {queue} has stopped half way: ask for the same again "
            "and it goes on, or say --restart and it is forgotten"
        )
    way = await way_into(channel, queue, kept.name)
    return Target(channel, queue, way, kept, place, rate, told)


async def _check_queue(channel: AbstractChannel, queue: str) -> None:
    """Raises `Refused` unless `queue` is a subscriber's, and exists."""
    if queue in _NOT_FOR_EVENTS or queue.endswith((".parked", ".replay")):
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
        place = ReplayPosition(**orjson.loads(body))
        # A place in the stream is a number, one among the articles is an id.
        if not (
            all(type(text) is str for text in (place.name, place.what, place.at))
            and type(place.sent) is int
        ):
            raise TypeError
    except (orjson.JSONDecodeError, TypeError):
        raise Refused(
            f"{queue}.replay holds no place of a replay: --restart throws it away"
        ) from None
    return place


@contextmanager
def told_plainly() -> Iterator[None]:
    """Turn RabbitMQ's refusals into `Refused`."""
    again = "run the same command again, it goes on where it stopped"
    try:
        yield
    except DeliveryError as error:
        raise Refused(
            f"the queue takes no events, it is full or gone: {error}; mend that, then {again}"
        ) from None
    except ChannelAccessRefused as error:
        raise Refused(told_of_rights(error)) from None
    except BROKER_ERRORS as error:
        raise Refused(f"RabbitMQ: {str(error) or type(error).__name__}; {again}") from None
