"""Declares, or checks for, the exchanges, queues and bindings of `shared/rabbit/topology.py`.

RabbitMQ 3.10 stores the members of a new quorum queue or stream only after 5 s. If it is killed
sooner, it does not bring the queue up again, and messages confirmed in that time are lost. So the
first setup binds its queues only after that time. An interrupted first setup starts over with new
queues: the old ones can't have received any message.
"""

import asyncio
import logging
from collections.abc import Iterable

from aio_pika import Channel
from aio_pika.abc import AbstractRobustChannel, AbstractRobustConnection
from aio_pika.exceptions import ChannelNotFoundEntity
from faststream.rabbit import RabbitBroker, RabbitQueue

from shared.rabbit.topology import (
    EVENTS,
    EVENTS_LOG,
    EVENTS_LOG_KEYS,
    OWN_EVENTS,
    READS,
    WORK_QUEUES,
    WorkQueue,
)

log = logging.getLogger(__name__)

# Checks use aio-pika's plain channels: a robust channel reopens after an answer such as 404.

SETTLE_SECONDS = 6.0
"""Time after which RabbitMQ has stored the members of a new queue."""
ANSWER_SECONDS = 4.0
"""Time in which a healthy queue answers that it is empty."""
_ABSENT = "no queue"
"""RabbitMQ's text for a queue that doesn't exist.
A queue that is down has the same code and another text."""


class QueueDown(ConnectionError):
    """A queue exists, but RabbitMQ has not brought it up."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} does not answer: RabbitMQ has not brought it up. If that lasts, see "
            "docs/operations.md, A queue that RabbitMQ 3.10 does not bring up"
        )


async def declare(broker: RabbitBroker, settle: float = SETTLE_SECONDS) -> None:
    """Declare everything. Idempotent. `broker` must be connected with a user that has the rights.

    The first time, queues are bound `settle` seconds after their declaration, and `READS` is
    declared last: while it is missing, no queue can have received a message. Later a missing queue
    is bound at once, because services publish.
    """
    connection = await broker.connect()
    if settle and not await _has_exchange(connection, READS.name):
        await _make_queues(connection, settle)
    async with Channel(connection) as channel:
        for exchange in (EVENTS, OWN_EVENTS):
            await channel.declare_exchange(exchange.name, exchange.type.value, durable=True)
        history = await channel.declare_queue(
            EVENTS_LOG.name, durable=True, arguments=EVENTS_LOG.arguments
        )
        for key in EVENTS_LOG_KEYS:
            for exchange in (EVENTS, OWN_EVENTS):
                await history.bind(exchange.name, routing_key=key)
        # An ingest publishes as soon as all three exchanges exist:
        # every queue must be bound before READS is declared.
        await declare_works(broker, [work for work in WORK_QUEUES if work.exchange != READS])
        await channel.declare_exchange(READS.name, READS.type.value, durable=True)
    await declare_works(broker, WORK_QUEUES)


async def _make_queues(connection: AbstractRobustConnection, settle: float) -> None:
    works = [queue for work in WORK_QUEUES for queue in queues_of(work)]
    there = [queue.name for queue in works if await _is_made(connection, queue.name)]
    await asyncio.gather(*(_delete_if_down(connection, name) for name in there))
    made = [queue for queue in (*works, EVENTS_LOG) if not await _is_made(connection, queue.name)]
    async with Channel(connection) as channel:
        for queue in made:
            await channel.declare_queue(queue.name, durable=True, arguments=queue.arguments)
    if made:
        await asyncio.sleep(settle)
        await asyncio.gather(*(check_up(connection, queue.name) for queue in made))


async def declare_own(broker: RabbitBroker, service: str) -> None:
    """Declare the queues of `service` (their names begin with it), and check that all others exist.

    Raises aio-pika's `ChannelNotFoundEntity` if one is missing, because an event published
    now would miss it, and `QueueDown` for a queue of `service` that can't be consumed.

    Exchanges are looked up on the publisher's channel first. So FastStream publishes
    on that channel, with confirms, even if a subscriber names the same exchange later.
    """
    connection = await broker.connect()
    for exchange in (EVENTS, OWN_EVENTS, READS):
        await broker.declare_exchange(exchange)
    works = [work for work in WORK_QUEUES if work.name.startswith(f"{service}.")]
    await declare_works(broker, works)
    await asyncio.gather(*(check_up(connection, work.name) for work in works))
    for name in (*(work.name for work in WORK_QUEUES), EVENTS_LOG.name):
        try:
            await _is_there(connection, name)
        except QueueDown as error:
            log.warning("%s", error)


async def declare_works(broker: RabbitBroker, works: Iterable[WorkQueue]) -> None:
    """Declare `works` with their retry queues, parked queues and bindings.
    The exchanges must exist.
    """
    # Not through FastStream:
    # it would consume on the channel of the declaration, which has no prefetch.
    await _declare_works(broker, await (await broker.connect()).channel(), works)


async def declare_again(broker: RabbitBroker, works: Iterable[WorkQueue]) -> None:
    """Restore queues and bindings of `works` that were deleted since `declare_works`.

    aio-pika restores a deleted queue that it consumes, but without its bindings:
    without this the queue would be consumed and stay empty for ever.
    """
    async with (await broker.connect()).channel() as channel:
        await _declare_works(broker, channel, works, robust=False)


async def _declare_works(
    broker: RabbitBroker,
    channel: AbstractRobustChannel,
    works: Iterable[WorkQueue],
    robust: bool = True,
) -> None:
    for work in works:
        await broker.declare_exchange(work.dlx)
        for queue in queues_of(work):
            declared = await channel.declare_queue(
                queue.name, durable=True, arguments=queue.arguments, robust=robust
            )
            await declared.bind(work.dlx.name, routing_key=queue.name, robust=robust)
            for exchange, key in work.bindings if queue.name == work.name else ():
                await declared.bind(exchange.name, routing_key=key, robust=robust)


def queues_of(work: WorkQueue) -> tuple[RabbitQueue, ...]:
    """The queues of `work` in the order of their declaration:
    parked queue, retry queues, the work queue itself.
    """
    return (work.parked, *work.retries, work.queue)


async def check_up(connection: AbstractRobustConnection, name: str) -> None:
    """Raises `QueueDown` for a queue that can't be consumed.
    Asks only an empty queue, which a healthy one answers.
    """
    if name == EVENTS_LOG.name or await _is_there(connection, name):
        return
    try:
        async with Channel(connection) as channel, asyncio.timeout(ANSWER_SECONDS):
            queue = await channel.get_queue(name, ensure=False)
            await queue.get(
                fail=False
            )  # a message that has just arrived goes back when the channel closes
    except TimeoutError as error:
        raise QueueDown(name) from error


async def _is_there(connection: AbstractRobustConnection, name: str) -> int:
    """The number of messages in a queue.
    Raises `QueueDown`, or `ChannelNotFoundEntity` if it doesn't exist.
    """
    try:
        async with Channel(connection) as channel:
            found = await channel.declare_queue(name, passive=True)
            return found.declaration_result.message_count or 0
    except ChannelNotFoundEntity as error:
        if _ABSENT in str(error):
            raise
        raise QueueDown(name) from error


async def _is_made(connection: AbstractRobustConnection, name: str) -> bool:
    """Whether a queue exists.
    Raises `QueueDown` for a stream that is down, which no client can repair.
    """
    try:
        await _is_there(connection, name)
    except ChannelNotFoundEntity:
        return False
    return True


async def _delete_if_down(connection: AbstractRobustConnection, name: str) -> None:
    """Delete a queue if it is down. Only for queues that can't have received a message."""
    try:
        await check_up(connection, name)
    except QueueDown:
        log.warning(
            "%s is down since RabbitMQ died within seconds of its declaration, and is declared "
            "again",
            name,
        )
        async with Channel(connection) as channel:
            await channel.queue_delete(name)


async def _has_exchange(connection: AbstractRobustConnection, name: str) -> bool:
    try:
        async with Channel(connection) as channel:
            await channel.get_exchange(name)
    except ChannelNotFoundEntity:
        return False
    return True
