"""Declares, or checks for, the exchanges, queues and bindings of `shared/rabbit/topology.py`.

RabbitMQ 3.10 stores the members of a new quorum queue or stream only after 5 s. If it is killed
sooner, it does not bring the queue up again, and messages confirmed in that time are lost. So the
first setup binds its queues only after that time. An interrupted first setup starts over with new
queues: the old ones can't have received any message.
"""

import asyncio
import logging

from aio_pika import Channel
from aio_pika.abc import AbstractRobustConnection
from aio_pika.exceptions import ChannelNotFoundEntity, ChannelPreconditionFailed
from faststream.rabbit import RabbitBroker

from luotdoc_subscriber.rabbit.broker import Broker
from luotdoc_subscriber.rabbit.declaring import (
    QueueDown,
    check_up,
    declare_works,
    messages_in,
    queues_of,
)
from luotdoc_subscriber.rabbit.layout import (
    EVENTS_EXCHANGE,
    EVENTS_LOG,
    EVENTS_LOG_KEYS,
    OWN_EVENTS_EXCHANGE,
)
from shared.rabbit.topology import READS_EXCHANGE, READS_KEY, READS_LOG, WORK_QUEUES

log = logging.getLogger(__name__)

SETTLE_SECONDS = 6.0
"""Time after which RabbitMQ has stored the members of a new queue."""


async def declare(broker: RabbitBroker, settle: float = SETTLE_SECONDS) -> None:
    """Declare everything. Idempotent. `broker` must be connected with a user that has the rights.

    The first time, queues are bound `settle` seconds after their declaration, and `READS` is
    declared last: while it is missing, no queue can have received a message. Later a missing queue
    is bound at once, because services publish.

    The log of reads is bound after the counter's queue: a batch that only the log received would be
    confirmed and not counted.
    """
    connection = await broker.connect()
    if settle and not await _has_exchange(connection, READS_EXCHANGE.name):
        await _make_queues(connection, settle)
    async with Channel(connection) as channel:
        for exchange in (EVENTS_EXCHANGE, OWN_EVENTS_EXCHANGE):
            await channel.declare_exchange(exchange.name, exchange.type.value, durable=True)
        history = await channel.declare_queue(
            EVENTS_LOG.name, durable=True, arguments=EVENTS_LOG.arguments
        )
        for key in EVENTS_LOG_KEYS:
            for exchange in (EVENTS_EXCHANGE, OWN_EVENTS_EXCHANGE):
                await history.bind(exchange.name, routing_key=key)
        # An ingest publishes as soon as all three exchanges exist:
        # every queue must be bound before READS is declared.
        await declare_works(
            broker, [work for work in WORK_QUEUES if work.exchange != READS_EXCHANGE]
        )
        await channel.declare_exchange(READS_EXCHANGE.name, READS_EXCHANGE.type.value, durable=True)
    await declare_works(broker, WORK_QUEUES)
    await _bind_reads_log(connection, settle)


async def _bind_reads_log(connection: AbstractRobustConnection, settle: float) -> None:
    """Declare and bind the log of reads. After an upgrade from a release without it, ingests
    publish already: each confirm would wait for it if a kill of RabbitMQ left it down for ever. So
    it is bound only once it is settled.
    """
    name = READS_LOG.name
    is_new = not await _is_made(connection, name)
    try:
        async with Channel(connection) as channel:
            await channel.declare_queue(name, durable=True, arguments=READS_LOG.arguments)
    except ChannelPreconditionFailed as error:
        log.warning(
            "%s was made with other limits, and keeps them: %s. Delete it and run setup again to "
            "have those of this release; that deletes the batches that it holds",
            name,
            error,
        )
    if is_new and settle:
        await asyncio.sleep(settle)
    async with Channel(connection) as channel:
        stream = await channel.get_queue(name)
        await stream.bind(READS_EXCHANGE.name, routing_key=READS_KEY)


async def _make_queues(connection: AbstractRobustConnection, settle: float) -> None:
    works = [queue for work in WORK_QUEUES for queue in queues_of(work)]
    there = [queue.name for queue in works if await _is_made(connection, queue.name)]
    await asyncio.gather(*(_delete_if_down(connection, name) for name in there))
    wanted = (*works, EVENTS_LOG, READS_LOG)
    made = [queue for queue in wanted if not await _is_made(connection, queue.name)]
    async with Channel(connection) as channel:
        for queue in made:
            await channel.declare_queue(queue.name, durable=True, arguments=queue.arguments)
    if made:
        await asyncio.sleep(settle)
        asked = (queue.name for queue in made if queue != READS_LOG)  # no stream can be asked
        await asyncio.gather(*(check_up(connection, name) for name in asked))


async def declare_own(broker: Broker) -> None:
    """Declare the queues of the service (their names begin with its name), and check that all
    others exist.

    Raises aio-pika's `ChannelNotFoundEntity` if one is missing, because an event published
    now would miss it, and `QueueDown` for a queue of the service that can't be consumed.

    Exchanges are looked up on the publisher's channel first. So FastStream publishes
    on that channel, with confirms, even if a subscriber names the same exchange later.
    """
    connection = await broker.connect()
    for exchange in (EVENTS_EXCHANGE, OWN_EVENTS_EXCHANGE, READS_EXCHANGE):
        await broker.declare_exchange(exchange)
    works = [work for work in WORK_QUEUES if work.name.startswith(f"{broker.service}.")]
    await declare_works(broker, works)
    await asyncio.gather(*(check_up(connection, work.name) for work in works))
    for name in (*(work.name for work in WORK_QUEUES), EVENTS_LOG.name):
        try:
            await messages_in(connection, name)
        except QueueDown as error:
            log.warning("%s", error)


async def _is_made(connection: AbstractRobustConnection, name: str) -> bool:
    """Whether a queue exists.
    Raises `QueueDown` for a stream that is down, which no client can repair.
    """
    try:
        await messages_in(connection, name)
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
