"""Publishing with confirms, persistent and mandatory: messages in general, and events.

Publishing goes past FastStream and aio-pika, by the module `underlay`.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any

from aio_pika.abc import DeliveryMode
from aio_pika.exceptions import DeliveryError
from faststream.exceptions import IncorrectState
from faststream.rabbit import RabbitExchange

from luotdoc_events import events
from luotdoc_subscriber.base.errors import NotTaken, Transient
from luotdoc_subscriber.base.log import correlation
from luotdoc_subscriber.base.tracing import current_traceparent, headers_of
from luotdoc_subscriber.rabbit import layout, underlay
from luotdoc_subscriber.rabbit.broker import BROKER_ERRORS, Broker, calls_end_as_errors
from luotdoc_subscriber.rabbit.message_spans import publish_span
from luotdoc_subscriber.rabbit.refusals import REFUSED_SECONDS

log = logging.getLogger(__name__)

RENEW_SECONDS = 5.0
"""Timeout for closing a channel."""
EVENT_TIMEOUT = 10.0
"""Timeout in seconds for the publisher confirm of an event; its publisher tries again."""


async def publish(
    broker: Broker,
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
    """Publish a persistent, mandatory message, and return when RabbitMQ has confirmed it.

    Raises `Transient` without a confirm within `timeout` seconds; the message may have arrived, so
    repeat it under the same id. Raises `NotTaken` if a queue refuses it, aio-pika's `DeliveryError`
    if no queue is bound. If refusals last, the channel is renewed (`refusals`); not for the
    exchange of all events.
    """
    properties = underlay.Properties(
        content_type=content_type,
        headers=dict(headers or {}),
        delivery_mode=DeliveryMode.PERSISTENT.value,
        message_id=message_id,
        correlation_id=correlation_id,
        message_type=message_type,
        app_id=broker.config.app_id,
    )
    try:
        with _failures_of_publishing():
            async with asyncio.timeout(timeout):
                # FastStream only looks the exchange up: it was declared at the start.
                declared = await broker.declare_exchange(exchange)
                await underlay.publish_on_wire(declared, body, routing_key, properties)
    except NotTaken:
        await _renew_if_it_lasts(broker, exchange, routing_key)
        raise
    if broker.refusals:
        broker.refusals.ended((exchange.name, routing_key))


async def _renew_if_it_lasts(broker: Broker, exchange: RabbitExchange, routing_key: str) -> None:
    """Close the channel if messages for this address have been refused for too long.

    Not for the exchange of all events: there a subscriber's full queue refuses for hours, and the
    events reach the others.
    """
    address = exchange.name, routing_key
    if exchange == layout.EVENTS_EXCHANGE or not broker.refusals.note(address, time.monotonic()):
        return
    log.warning(
        "RabbitMQ has refused messages for %s for %g s; the channel is renewed",
        exchange.name,
        REFUSED_SECONDS,
    )
    with suppress(IncorrectState, *BROKER_ERRORS), calls_end_as_errors():
        async with asyncio.timeout(RENEW_SECONDS):
            await underlay.close_channel(await broker.declare_exchange(exchange))


@contextmanager
def _failures_of_publishing() -> Iterator[None]:
    """Turn the libraries' errors into those that `publish` raises."""
    try:
        with calls_end_as_errors():
            yield
    except DeliveryError as error:
        if underlay.is_refusal(error):
            raise NotTaken("RabbitMQ refused the message") from error
        raise
    except BROKER_ERRORS as error:
        raise Transient(
            f"RabbitMQ did not confirm: {str(error) or type(error).__name__}"
        ) from error
    except IncorrectState as error:
        raise Transient("RabbitMQ is not connected yet") from error


async def publish_encoded(
    broker: Broker,
    name: str,
    body: bytes,
    *,
    id: str,
    type: str,
    time: datetime,
    correlation_id: str | None,
    traceparent: str = "",
) -> None:
    """Publish the event `name` and wait for the confirm; then note it as confirmed, for heartbeats
    and metrics. Raises as `publish` does. The message belongs to the trace of `traceparent`.
    """
    span = publish_span(broker.tracer, layout.EVENTS_EXCHANGE.name, name, id, parent=traceparent)

    async def to(exchange: RabbitExchange) -> None:
        await publish(
            broker,
            body,
            exchange,
            name,
            timeout=EVENT_TIMEOUT,
            content_type=events.CONTENT_TYPE,
            message_id=id,
            headers=headers_of(span),
            correlation_id=correlation_id,
            message_type=type,
        )

    with span:
        await _to_all(broker, name, to)
    broker.confirmed[name] = (id, time)
    broker.publishing.published.labels(name).inc()


async def _to_all(
    broker: Broker, name: str, to: Callable[[RabbitExchange], Awaitable[None]]
) -> None:
    """Publish the event `name` by `to`.

    If a subscriber's queue refuses the event, only that queue misses it: RabbitMQ routes a message
    to all queues before it nacks. But it nacks before the other queues have stored the message, so
    the event is published once more to our own queues, confirmed (ADR 0019).
    """
    try:
        await to(layout.EVENTS_EXCHANGE)
    except NotTaken:
        if layout.is_kept(name):
            await to(layout.OWN_EVENTS_EXCHANGE)
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
    """Wrap `data` as a CloudEvent,
    publish it under its name and wait for the confirm. Raises `Transient`.

    The event carries the current correlation id and traceparent.
    An event that no queue is bound to is only counted.
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
        traceparent=current_traceparent.get(),
    )
    try:
        await publish_encoded(
            broker,
            event.name,
            events.encode(event),
            id=event.id,
            type=event.type,
            time=event.time,
            correlation_id=event.correlationid,
            traceparent=event.traceparent or "",
        )
    except DeliveryError:
        broker.publishing.unrouted.labels(event.name).inc()
