"""Checks that this process consumes all its queues,
and restores queues that were deleted while it ran.
"""

import asyncio
import logging
import time
from typing import Any

from faststream.rabbit import RabbitBroker

from luotdoc_subscriber.rabbit import declaring
from luotdoc_subscriber.rabbit.broker import Broker, calls_end_as_errors
from luotdoc_subscriber.rabbit.faststream_internals import consumes, queue_of

log = logging.getLogger(__name__)

FLAPPING_LOSSES, FLAPPING_SECONDS = 3, 30.0
"""So many losses of the connection in so many seconds make the process not ready."""
MEND_SECONDS = 10.0


def not_consuming(broker: Broker) -> str | None:
    """The reason why this process does not consume its queues although RabbitMQ is up.

    None while it consumes them, and while RabbitMQ is away (see `Broker.up`).
    """
    recent = [lost for lost in broker.losses if lost > time.monotonic() - FLAPPING_SECONDS]
    if len(recent) >= FLAPPING_LOSSES:
        return (
            f"the connection to RabbitMQ was lost {len(recent)} times within "
            f"{FLAPPING_SECONDS:.0f} s"
        )
    if broker.up and (names := [subscriber.queue.name for subscriber in idle(broker)]):
        return (
            f"{', '.join(names)}: not consumed, RabbitMQ has cancelled the consumer or closed "
            "its channel"
        )
    return None


def idle(broker: RabbitBroker) -> list[Any]:
    """The FastStream subscribers of `broker` that have no consumer now."""
    return [subscriber for subscriber in broker.subscribers if not consumes(subscriber)]


async def mend(broker: Broker) -> None:
    """Restore deleted queues, bindings and consumers. Raises aio-pika's errors."""
    with calls_end_as_errors():
        async with asyncio.timeout(MEND_SECONDS):
            await _mend(broker)


async def _mend(broker: Broker) -> None:
    await declaring.declare_again(broker, broker.works)
    for each in idle(broker):
        queue = queue_of(each)
        if queue is None:
            continue
        log.warning("%s had lost its consumer and is consumed again", queue.name)
        await (queue.channel.restore() if queue.channel.is_closed else queue.restore())
