"""Checks at the start what a subscriber needs later: else parking or a replay fails, days later."""

import asyncio
import logging
from collections.abc import Iterable
from contextlib import suppress

from aio_pika import Channel, Message
from aio_pika.abc import AbstractIncomingMessage, AbstractRobustConnection
from aio_pika.exceptions import DeliveryError
from aiormq.exceptions import AMQPChannelError, ChannelAccessRefused

from luotdoc_subscriber.rabbit import declaring
from luotdoc_subscriber.rabbit.faults import during
from luotdoc_subscriber.rabbit.layout import EVENTS_LOG, WorkQueue

log = logging.getLogger(__name__)

STREAM_SECONDS = 4.0
"""Time in which a stream that is up answers."""


async def check_rights(connection: AbstractRobustConnection, works: Iterable[WorkQueue]) -> None:
    """Check that messages of `works`, which are declared, can be parked, and that the history can
    be read. Raises aio-pika's errors.
    """
    for work in works:
        async with Channel(connection, on_return_raises=True) as channel:
            exchange = await channel.get_exchange(work.dlx.name, ensure=False)
            # No queue is bound under this key, so RabbitMQ returns the message.
            with during("publish"), suppress(DeliveryError):
                await exchange.publish(Message(b""), "luotdoc.check", mandatory=True)
    try:
        async with asyncio.timeout(STREAM_SECONDS), Channel(connection) as channel:
            await channel.set_qos(1)  # RabbitMQ refuses to consume a stream without
            stream = await channel.get_queue(EVENTS_LOG.name, ensure=False)
            with during("consume"):
                await stream.consume(_leave_unacked, arguments={"x-stream-offset": "next"})
    except (AMQPChannelError, TimeoutError) as error:
        if isinstance(error, ChannelAccessRefused) or declaring.ABSENT in str(error):
            raise
        # Live events don't come from the stream, so the start goes on.
        log.warning("the history %s does not answer: %r", EVENTS_LOG.name, error)


async def _leave_unacked(_message: AbstractIncomingMessage) -> None:
    """Does nothing: a stream keeps its messages anyway."""
