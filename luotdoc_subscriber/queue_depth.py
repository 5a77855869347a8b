"""Metrics of queue depth: the messages that wait in the queues that this process consumes."""

import asyncio
import logging
from datetime import datetime

from aio_pika.abc import AbstractQueue, AbstractRobustChannel
from prometheus_client import Gauge

from luotdoc_subscriber.base.clock import Clock, now
from luotdoc_subscriber.consuming import mend
from luotdoc_subscriber.parking import parked_since, reason_parked
from luotdoc_subscriber.rabbit.broker import BROKER_ERRORS, Broker, calls_end_as_errors
from luotdoc_subscriber.rabbit.layout import WorkQueue

log = logging.getLogger(__name__)

WATCH_SECONDS = 5.0


class Oldest:
    """The metric of a parked queue's oldest message: its age, by its reason.

    A look takes the message and returns it, and each return counts toward the delivery limit.
    So it looks only when the number of messages has changed.
    """

    def __init__(self, name: str, ages: Gauge, clock: Clock) -> None:
        self._name, self._ages, self._clock = name, ages, clock
        self._number = 0
        self._reason = ""
        self._since: datetime | None = None

    async def look(self, queue: AbstractQueue, number: int) -> None:
        """Update the gauge; `number` messages are in the queue."""
        if number != self._number:
            if self._since is not None:
                self._ages.remove(self._name, self._reason)
                self._since = None
            message = (
                await queue.get(fail=False) if number else None
            )  # unacked: closing the channel returns it
            if message is not None:
                self._reason, self._since = (
                    reason_parked(message),
                    parked_since(message) or self._clock(),
                )
            self._number = number
        if self._since is not None:
            age = (self._clock() - self._since).total_seconds()
            self._ages.labels(self._name, self._reason).set(max(0.0, age))


async def watch_depth(broker: Broker, clock: Clock = now) -> None:
    """For ever: update the metrics of queue depth and parked messages,
    and restore deleted queues and consumers.
    """
    oldest = {
        work.name: Oldest(work.parked.name, broker.queues.parked_oldest, clock)
        for work in broker.works
    }
    while True:
        try:
            if broker.up:
                await mend(broker)
                with calls_end_as_errors():
                    async with (
                        asyncio.timeout(WATCH_SECONDS),
                        (await broker.connect()).channel() as channel,
                    ):
                        for work in broker.works:
                            await _look(channel, work, oldest[work.name], broker.queues.waiting)
        except BROKER_ERRORS as error:
            log.warning("the queues could not be looked at: %s", error)
            _forget(broker)
        if not broker.up:
            _forget(broker)
        await asyncio.sleep(WATCH_SECONDS)


async def _look(
    channel: AbstractRobustChannel, work: WorkQueue, oldest: Oldest, waiting: Gauge
) -> None:
    for queue in (work.queue, *work.retries, work.parked):
        found = await channel.declare_queue(queue.name, passive=True, robust=False)
        number = found.declaration_result.message_count or 0
        waiting.labels(queue.name).set(number)
        if queue.name == work.parked.name:
            await oldest.look(found, number)


def _forget(broker: Broker) -> None:
    for work in broker.works:
        for queue in (work.queue, *work.retries, work.parked):
            broker.queues.waiting.labels(queue.name).set(float("nan"))
