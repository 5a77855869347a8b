"""Parking: a message that cannot be handled waits, with its reason, where an operator finds it."""

from typing import Any

from aio_pika.abc import AbstractIncomingMessage
from faststream.rabbit import RabbitBroker

from shared.broker import Broker, publish
from shared.clock import Clock, rfc3339
from shared.topology import WorkQueue

REASON, DETAIL, PARKED_AT = "x-luotdoc-reason", "x-luotdoc-detail", "x-luotdoc-parked-at"
FORCE = "x-luotdoc-force"
"""Set by an operator: count this batch although it is too old."""

REASONS = ("bad_headers", "bad_body", "too_old", "bad_event", "unknown_event", "bug")

BROKERS_OWN = ("x-death", "x-first-death", "x-last-death", "x-delivery-count")
"""How headers begin that RabbitMQ adds on the way; a copy must not carry them on."""

MAX_DETAIL = 2000
"""Characters; a header must stay far below the frame's 128 KiB."""


def parked_headers(original: dict[str, Any], reason: str, detail: str, at: str) -> dict[str, Any]:
    """The original headers with reason, detail and time (RFC 3339) added."""
    return {**original, REASON: reason, DETAIL: detail[:MAX_DETAIL], PARKED_AT: at}


def prepare(broker: Broker, work: WorkQueue) -> None:
    """Make the metric's series, so that the first parked message is a rise from 0."""
    for reason in REASONS:
        broker.queues.parked.labels(work.name, reason)


async def park(
    broker: Broker,
    work: WorkQueue,
    message: AbstractIncomingMessage,
    reason: str,
    detail: str,
    clock: Clock,
) -> None:
    """Publish `message` to the parked queue, confirmed. The caller acks the original afterwards.

    Raises `Transient` when the broker does not confirm; then the original must not be acked.
    """
    headers = parked_headers(dict(message.headers), reason, detail, rfc3339(clock()))
    await forward(broker, work, work.parked.name, message, headers)
    broker.queues.parked.labels(work.name, reason).inc()


async def forward(
    broker: RabbitBroker, work: WorkQueue, queue: str, message: AbstractIncomingMessage, headers: dict[str, Any]
) -> None:
    """Publish `message` with `headers` to one of the queues of `work`, confirmed. Raises as `park`."""
    await publish(
        broker,
        message.body,
        work.dlx,
        queue,
        timeout=10,
        content_type=message.content_type or "application/octet-stream",
        message_id=message.message_id or "",
        headers={name: value for name, value in headers.items() if not name.startswith(BROKERS_OWN)},
        correlation_id=message.correlation_id,
        message_type=message.type,
    )
