"""Whether this process consumes what it should, and how a queue that was deleted under it comes back."""

import asyncio
import logging
import time
from typing import Any

from faststream.rabbit import RabbitBroker

from shared.rabbit import declaring
from shared.rabbit.broker import Broker, calls_end_as_errors

log = logging.getLogger(__name__)

FLAPPING_LOSSES, FLAPPING_SECONDS = 3, 30.0
"""A connection that was lost so often in so many seconds is not one that works."""
MEND_SECONDS = 10.0


def not_consuming(broker: Broker) -> str | None:
    """Why this process does not consume its queues although RabbitMQ is there; None while it does, or RabbitMQ is away.

    Broker.up tells the latter.
    """
    recent = [lost for lost in broker.losses if lost > time.monotonic() - FLAPPING_SECONDS]
    if len(recent) >= FLAPPING_LOSSES:
        return f"the connection to RabbitMQ was lost {len(recent)} times within {FLAPPING_SECONDS:.0f} s"
    if broker.up and (names := [subscriber.queue.name for subscriber in idle(broker)]):
        return f"{', '.join(names)}: not consumed, RabbitMQ has cancelled the consumer or closed its channel"
    return None


def idle(broker: RabbitBroker) -> list[Any]:
    """FastStream's subscribers of `broker` that have no consumer now."""
    return [subscriber for subscriber in broker.subscribers if not _consumes(subscriber)]


def _consumes(subscriber: Any) -> bool:
    queue, tag = subscriber._queue_obj, subscriber._consumer_tag
    if queue is None or tag is None or queue.channel.is_closed:
        return False
    return tag in queue.channel._channel.channel.consumers


async def mend(broker: Broker) -> None:
    """Bring back queues and bindings that were deleted, and consumers that are gone. Raises aio-pika's errors."""
    with calls_end_as_errors():
        async with asyncio.timeout(MEND_SECONDS):
            await _mend(broker)


async def _mend(broker: Broker) -> None:
    await declaring.declare_again(broker, broker.works)
    for each in idle(broker):
        queue = each._queue_obj
        if queue is None:
            continue
        log.warning("%s was not consumed any more, and is again", queue.name)
        await (queue.channel.restore() if queue.channel.is_closed else queue.restore())
