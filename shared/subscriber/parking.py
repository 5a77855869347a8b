"""Parking: a message that cannot be handled waits, with its reason, where an operator finds it."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from aio_pika.abc import AbstractIncomingMessage
from faststream.rabbit import RabbitBroker

from shared.base.clock import Clock, rfc3339
from shared.base.errors import Permanent
from shared.rabbit.broker import Broker
from shared.rabbit.properties import Unreadable, sendable
from shared.rabbit.publishing import publish
from shared.rabbit.topology import WorkQueue

REASON, DETAIL, PARKED_AT = "x-luotdoc-reason", "x-luotdoc-detail", "x-luotdoc-parked-at"
PROPERTIES = "x-luotdoc-properties"
"""Of an unreadable message: its properties as they came, as bytes, at most `MAX_RAW` of them."""
FORCE = "x-luotdoc-force"
"""Set by an operator, to True: count this batch although it is too old."""

UNREADABLE = "unreadable"
REASONS = (UNREADABLE, "bad_headers", "bad_body", "too_old", "too_new", "bad_event", "unknown_event", "bug")

BROKERS_OWN = ("x-death", "x-first-death", "x-last-death", "x-delivery-count", "x-acquired-count")
"""How headers begin that RabbitMQ adds on the way; a copy must not carry them on."""

MAX_DETAIL = 2000
"""Characters; a header must stay far below the frame's 128 KiB."""
MAX_RAW = 48 * 1024

_REASON = re.compile(r"[a-z][a-z0-9_]{0,39}")


def check_readable(message: AbstractIncomingMessage) -> None:
    """Raise `Permanent` with the reason `unreadable` for a message whose properties could not be decoded."""
    if isinstance(message.headers, Unreadable):
        raise Permanent(UNREADABLE, message.headers.why)


def reason_of(message: AbstractIncomingMessage) -> str:
    """Why a message is parked: `dead_letter` if RabbitMQ has brought it, `unreadable`, `other` for no word."""
    reason = message.headers.get(REASON)
    if reason is None:
        return UNREADABLE if isinstance(message.headers, Unreadable) else "dead_letter"
    return reason if isinstance(reason, str) and _REASON.fullmatch(reason) else "other"


def parked_since(message: AbstractIncomingMessage) -> datetime | None:
    """When a message was parked; None where the header is missing, no RFC 3339 time, or without a zone."""
    try:
        since = datetime.fromisoformat(str(message.headers.get(PARKED_AT))[:64])
    except ValueError:
        return None
    return since if since.utcoffset() is not None else None


def passed_on(headers: Mapping[str, Any]) -> dict[str, Any]:
    """The headers that a copy of a message may carry: see `sendable`, and none that RabbitMQ adds by itself."""
    return sendable({name: value for name, value in headers.items() if not name.startswith(BROKERS_OWN)})


def parked_headers(original: Mapping[str, Any], reason: str, detail: str, at: str) -> dict[str, Any]:
    """The original headers, as far as AMQP takes them, with reason, detail and time (RFC 3339) added."""
    told = detail[:MAX_DETAIL].encode(errors="backslashreplace").decode()
    added: dict[str, Any] = {REASON: reason, DETAIL: told, PARKED_AT: at}
    if isinstance(original, Unreadable):
        added[PROPERTIES] = bytearray(original.raw[:MAX_RAW])
    return {**passed_on(original), **added}


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
    headers = parked_headers(message.headers, reason, detail, rfc3339(clock()))
    await forward(broker, work, work.parked.name, message, headers)
    broker.queues.parked.labels(work.name, reason).inc()


async def forward(
    broker: RabbitBroker, work: WorkQueue, queue: str, message: AbstractIncomingMessage, headers: dict[str, Any]
) -> None:
    """Publish `message` with `headers` to one of the queues of `work`, confirmed. Raises as `park`.

    `headers` are such as `passed_on` answers: RabbitMQ ends a connection whose frames are too large.
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
