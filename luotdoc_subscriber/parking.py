"""Parking: moves a message that can't be handled,
with the reason, to its parked queue for an operator.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aio_pika.abc import AbstractIncomingMessage

from luotdoc_subscriber.base.clock import Clock, rfc3339
from luotdoc_subscriber.decision import (
    REASON_FORM,
    UNREADABLE,
    check_headers,
    sendable_detail,
)
from luotdoc_subscriber.rabbit.broker import Broker
from luotdoc_subscriber.rabbit.layout import WorkQueue
from luotdoc_subscriber.rabbit.properties import Unreadable, sendable
from luotdoc_subscriber.rabbit.publishing import publish

REASON, DETAIL, PARKED_AT = "x-luotdoc-reason", "x-luotdoc-detail", "x-luotdoc-parked-at"
PROPERTIES = "x-luotdoc-properties"
"""Header of an unreadable message's copy:
the original properties as bytes, at most `MAX_RAW` of them."""
FORCE = "x-luotdoc-force"
"""Header that an operator sets to True: count this batch although it is too old."""

REASONS = (
    UNREADABLE,
    "bad_headers",
    "bad_body",
    "too_old",
    "too_new",
    "bad_event",
    "unknown_event",
    "bug",
    "other",
)

BROKERS_OWN = ("x-death", "x-first-death", "x-last-death", "x-delivery-count", "x-acquired-count")
"""Prefixes of headers that RabbitMQ adds itself; a copy must not carry them."""

MAX_RAW = 48 * 1024


def check_readable(message: AbstractIncomingMessage) -> None:
    """Raises `Permanent` with the reason `unreadable`
    for a message whose properties could not be decoded.
    """
    check_headers(message.headers)


def reason_parked(message: AbstractIncomingMessage) -> str:
    """The reason why a message is parked:
    `dead_letter` if RabbitMQ moved it, `other` if the header is malformed.
    """
    reason = message.headers.get(REASON)
    if reason is None:
        return UNREADABLE if isinstance(message.headers, Unreadable) else "dead_letter"
    return reason if isinstance(reason, str) and REASON_FORM.fullmatch(reason) else "other"


def parked_since(message: AbstractIncomingMessage) -> datetime | None:
    """The time at which a message was parked;
    None if the header is missing or not RFC 3339 with an offset.
    """
    try:
        since = datetime.fromisoformat(str(message.headers.get(PARKED_AT))[:64])
    except ValueError:
        return None
    return since if since.utcoffset() is not None else None


def passed_on(headers: Mapping[str, Any]) -> dict[str, Any]:
    """The headers that a copy of a message may carry:
    those of `sendable`, without those that RabbitMQ adds.
    """
    return sendable(
        {name: value for name, value in headers.items() if not name.startswith(BROKERS_OWN)}
    )


def parked_headers(
    original: Mapping[str, Any], reason: str, detail: str, at: str
) -> dict[str, Any]:
    """The headers of a parked copy:
    the original ones, as far as they can be sent, and reason, detail and time.
    """
    added: dict[str, Any] = {REASON: reason, DETAIL: sendable_detail(detail), PARKED_AT: at}
    if isinstance(original, Unreadable):
        added[PROPERTIES] = bytearray(original.raw[:MAX_RAW])
    return {**passed_on(original), **added}


def prepare_parking(broker: Broker, work: WorkQueue) -> None:
    """Create the series of the metric with 0, so that `rate()` sees the first parked message."""
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
    """Publish `message` to the parked queue and wait for the confirm.
    Afterwards the caller acks the original.

    Raises `Transient` if the broker does not confirm; then the original must not be acked.
    """
    headers = parked_headers(message.headers, reason, detail, rfc3339(clock()))
    await forward(broker, work, work.parked.name, message, headers)
    broker.queues.parked.labels(work.name, reason).inc()


async def forward(
    broker: Broker,
    work: WorkQueue,
    queue: str,
    message: AbstractIncomingMessage,
    headers: dict[str, Any],
) -> None:
    """Publish `message` with `headers` to one of the queues of `work`.
    Raises `Transient` without a confirm.

    Pass `headers` through `passed_on` first:
    RabbitMQ closes a connection whose frames are too large.
    """
    await publish(
        broker,
        message.body,
        work.dlx,
        queue,
        timeout=10,
        content_type=message.content_type or "application/octet-stream",
        message_id=message.message_id or "",
        headers=headers,
        correlation_id=message.correlation_id,
        message_type=message.type,
    )
