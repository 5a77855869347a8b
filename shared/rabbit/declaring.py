"""RabbitMQ's exchanges, queues and bindings are made, and looked for, as `shared/rabbit/topology.py` tells them.

RabbitMQ 3.10 writes down 5 s late which members a new quorum queue or stream has. Killed sooner, it does not bring it
up again, and what it had confirmed in between is gone. So the first setup leads nothing into its queues before that
time is over; and one that was cut off is begun again, with new queues, for nothing can have come into the old ones.
"""

import asyncio
import logging
from collections.abc import Iterable

from aio_pika import Channel
from aio_pika.abc import AbstractRobustChannel, AbstractRobustConnection
from aio_pika.exceptions import ChannelNotFoundEntity
from faststream.rabbit import RabbitBroker, RabbitQueue

from shared.rabbit.topology import EVENTS, EVENTS_LOG, EVENTS_LOG_KEYS, OWN_EVENTS, READS, WORK_QUEUES, WorkQueue

log = logging.getLogger(__name__)

# A channel here is aio-pika's plain one: a robust one opens itself again after an answer such as 404.

SETTLE_SECONDS = 6.0
"""After which RabbitMQ has written down what a new queue consists of."""
ANSWER_SECONDS = 4.0
"""In which a queue without messages says so."""
_ABSENT = "no queue"
"""RabbitMQ's word for a queue that nobody has made, with the same code as for one that is down."""


class QueueDown(ConnectionError):
    """A queue that RabbitMQ knows, but has not brought up."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} does not answer: RabbitMQ has not brought it up. If that lasts, see docs/operations.md, "
            "A queue that RabbitMQ 3.10 does not bring up"
        )


async def declare(broker: RabbitBroker, settle: float = SETTLE_SECONDS) -> None:
    """Make everything; a repetition changes nothing. The broker must be connected, as one who may do so.

    The first time, queues are bound `settle` seconds after they were made. `READS` is made last: while it is missing,
    nothing can have come into any queue. Later, a queue that is missing is bound at once, for others publish already.
    """
    connection = await broker.connect()
    if settle and not await _has_exchange(connection, READS.name):
        await _make_queues(connection, settle)
    async with Channel(connection) as channel:
        for exchange in (EVENTS, OWN_EVENTS):
            await channel.declare_exchange(exchange.name, exchange.type.value, durable=True)
        history = await channel.declare_queue(EVENTS_LOG.name, durable=True, arguments=EVENTS_LOG.arguments)
        for key in EVENTS_LOG_KEYS:
            for exchange in (EVENTS, OWN_EVENTS):
                await history.bind(exchange.name, routing_key=key)
        # An ingest that finds all three exchanges publishes: by then every event has its way.
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
    """Make the queues of `service`, whose names it begins, and look whether the rest is there.

    Raises aio-pika's `ChannelNotFoundEntity` when it is not: what is published now would miss a queue; `QueueDown`
    for a queue of `service` that can't be consumed. Exchanges are looked for on the publisher's channel, which makes
    FastStream use that one, with its confirms, even where a subscriber names the same exchange later.
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
    """Make these queues with all that belongs to them. The exchanges that they listen to must be there."""
    # Queues not through FastStream: it would consume on the channel that they were declared on, without prefetch.
    await _declare_works(broker, await (await broker.connect()).channel(), works)


async def declare_again(broker: RabbitBroker, works: Iterable[WorkQueue]) -> None:
    """Make what has been deleted of these queues and their bindings since `declare_works`.

    aio-pika declares a queue again whose deletion has cancelled its consumer, but without these bindings: the queue
    would be consumed, and empty for ever.
    """
    async with (await broker.connect()).channel() as channel:
        await _declare_works(broker, channel, works, robust=False)


async def _declare_works(
    broker: RabbitBroker, channel: AbstractRobustChannel, works: Iterable[WorkQueue], robust: bool = True
) -> None:
    for work in works:
        await broker.declare_exchange(work.dlx)
        for queue in queues_of(work):
            declared = await channel.declare_queue(queue.name, durable=True, arguments=queue.arguments, robust=robust)
            await declared.bind(work.dlx.name, routing_key=queue.name, robust=robust)
            for exchange, key in work.bindings if queue.name == work.name else ():
                await declared.bind(exchange.name, routing_key=key, robust=robust)


def queues_of(work: WorkQueue) -> tuple[RabbitQueue, ...]:
    """A work queue, behind its parked queue and its retry queues."""
    return (work.parked, *work.retries, work.queue)


async def check_up(connection: AbstractRobustConnection, name: str) -> None:
    """Raise `QueueDown` for a queue that can't be taken from; look only if it has no messages, and would say so."""
    if name == EVENTS_LOG.name or await _is_there(connection, name):
        return
    try:
        async with Channel(connection) as channel, asyncio.timeout(ANSWER_SECONDS):
            queue = await channel.get_queue(name, ensure=False)
            await queue.get(fail=False)  # what came just now goes back with the end of the channel
    except TimeoutError as error:
        raise QueueDown(name) from error


async def _is_there(connection: AbstractRobustConnection, name: str) -> int:
    """How many messages a queue has. Raises `QueueDown`, or `ChannelNotFoundEntity` if nobody has made it."""
    try:
        async with Channel(connection) as channel:
            found = await channel.declare_queue(name, passive=True)
            return found.declaration_result.message_count or 0
    except ChannelNotFoundEntity as error:
        if _ABSENT in str(error):
            raise
        raise QueueDown(name) from error


async def _is_made(connection: AbstractRobustConnection, name: str) -> bool:
    """Whether RabbitMQ knows a queue; a stream that is down raises `QueueDown`, and no client can do anything."""
    try:
        await _is_there(connection, name)
    except ChannelNotFoundEntity:
        return False
    return True


async def _delete_if_down(connection: AbstractRobustConnection, name: str) -> None:
    """Delete a queue that is down, into which nothing can have come."""
    try:
        await check_up(connection, name)
    except QueueDown:
        log.warning("%s is made again: RabbitMQ died within seconds of its making and left it behind", name)
        async with Channel(connection) as channel:
            await channel.queue_delete(name)


async def _has_exchange(connection: AbstractRobustConnection, name: str) -> bool:
    try:
        async with Channel(connection) as channel:
            await channel.get_exchange(name)
    except ChannelNotFoundEntity:
        return False
    return True
