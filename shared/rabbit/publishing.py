"""Publishing with confirms, persistent and mandatory: messages in general, and events.

One module reaches past FastStream and aio-pika into aiormq: this one (`_publish`).
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aio_pika import RobustChannel
from aio_pika.abc import DeliveryMode
from aio_pika.exceptions import ChannelInvalidStateError, DeliveryError
from aiormq import spec
from faststream.exceptions import IncorrectState
from faststream.rabbit import RabbitBroker, RabbitExchange

from luotdoc_events import events
from shared.base.errors import NotTaken, Transient
from shared.base.log import correlation
from shared.rabbit import topology
from shared.rabbit.broker import BROKER_ERRORS, Broker, calls_end_as_errors

EVENT_TIMEOUT = 10.0
"""Seconds to wait for the confirm of an event; whoever publishes it then tries again."""


async def publish(
    broker: RabbitBroker,
    body: bytes,
    exchange: RabbitExchange,
    routing_key: str,
    *,
    timeout: float,  # noqa: ASYNC109  (publish needs a limit of its own: FastStream ignores the one it takes)
    content_type: str,
    message_id: str,
    headers: Mapping[str, Any] | None = None,
    correlation_id: str | None = None,
    message_type: str | None = None,
) -> None:
    """Publish persistent and mandatory, and return when RabbitMQ has confirmed it.

    Raises `Transient` when that is not known within `timeout` seconds: the message may have arrived, so repeat it
    under the same id; `NotTaken` when a queue refuses it. Raises aio-pika's `DeliveryError` when no queue wants it.
    """
    properties = spec.Basic.Properties(
        content_type=content_type,
        headers=dict(headers or {}),
        delivery_mode=DeliveryMode.PERSISTENT.value,
        message_id=message_id,
        correlation_id=correlation_id,
        message_type=message_type,
        app_id=broker.config.app_id,
    )
    try:
        with calls_end_as_errors():
            async with asyncio.timeout(timeout):
                await _publish(broker, body, exchange, routing_key, properties)
    except DeliveryError as error:
        if isinstance(error.frame, spec.Basic.Nack):  # a queue took it not: full, or in trouble
            raise NotTaken("RabbitMQ refused the message") from error
        raise
    except BROKER_ERRORS as error:
        raise Transient(f"RabbitMQ did not confirm: {str(error) or type(error).__name__}") from error
    except IncorrectState as error:
        raise Transient("RabbitMQ is not connected yet") from error


async def _publish(
    broker: RabbitBroker, body: bytes, exchange: RabbitExchange, routing_key: str, properties: spec.Basic.Properties
) -> None:
    # Past the publish of FastStream and of aio-pika, which spend over a tenth of a millisecond on messages of their
    # own (docs/performance.md): a reader waits for this. The exchange is declared: this looks it up.
    channel = (await broker.declare_exchange(exchange)).channel
    if channel.is_closed and isinstance(channel, RobustChannel):
        await channel.restore()  # aio-pika tries once by itself, which fails while an exchange is missing
    if channel.is_closed:
        raise ChannelInvalidStateError("the channel is closed")
    wire = await channel.get_underlay_channel()
    await wire.basic_publish(
        body, exchange=exchange.name, routing_key=routing_key, properties=properties, mandatory=True
    )


async def publish_encoded(
    broker: Broker, name: str, body: bytes, *, id: str, type: str, correlation_id: str | None
) -> None:
    """Publish the event `name`, confirmed. Raises as `publish`, but for a queue of a subscriber that refuses.

    Such a queue misses the event, and nobody else does: RabbitMQ has routed it to every other queue before it said
    no. But it says so without waiting for those, so that our own get the event once more, confirmed (ADR 0019).
    """

    async def to(exchange: RabbitExchange) -> None:
        await publish(
            broker,
            body,
            exchange,
            name,
            timeout=EVENT_TIMEOUT,
            content_type=events.CONTENT_TYPE,
            message_id=id,
            correlation_id=correlation_id,
            message_type=type,
        )

    try:
        await to(topology.EVENTS)
    except NotTaken:
        if topology.is_kept(name):
            await to(topology.OWN_EVENTS)
        broker.publishing.refused.labels(name).inc()
        broker.tell_of_refusal(name)


async def publish_event(
    broker: Broker,
    data: events.Data,
    *,
    id: str,
    source: str,
    time: datetime,
    subject: str | None = None,
    revision: int | None = None,
) -> None:
    """Wrap `data` as a CloudEvent and publish it under its name, confirmed. Raises `Transient` as `publish` does.

    The correlation id is that of what is being handled. News that no queue wants is no fault.
    """
    event = events.envelope(
        data,
        id=id,
        source=source,
        time=time,
        schemas=broker.schemas_url,
        subject=subject,
        revision=revision,
        correlation_id=correlation.get(),
    )
    try:
        await publish_encoded(
            broker,
            event.name,
            events.encode(event),
            id=event.id,
            type=event.type,
            correlation_id=event.correlationid,
        )
    except DeliveryError:
        broker.publishing.unrouted.labels(event.name).inc()
    else:
        broker.confirmed[event.name] = (event.id, event.time)
        broker.publishing.published.labels(event.name).inc()
