"""A parked message: its handle, its row in a list, and the copy that is redriven."""

from datetime import datetime
from hashlib import sha256

import aio_pika
from aio_pika.abc import AbstractIncomingMessage

from luotdoc_events.events import REPLAY_HEADER
from luotdoc_subscriber.parking import (
    DETAIL,
    PARKED_AT,
    REASON,
    parked_since,
    passed_on,
    reason_parked,
)
from luotdoc_subscriber.rabbit.properties import Unreadable


def handle_of(message: AbstractIncomingMessage) -> str:
    """The handle of a parked message: eight hex digits made from its content and time of
    parking.
    """
    seed = repr(
        (message.message_id, message.headers.get(PARKED_AT), message.headers.get(REASON))
    ).encode()
    return sha256(seed + message.body).hexdigest()[:8]


def age(message: AbstractIncomingMessage, moment: datetime) -> str:
    """The time since the parking, in the largest unit that fits: `3d`, `5h`, `12m`, `40s`."""
    since = parked_since(message)
    if since is None:
        return "?"
    seconds = max(0, int((moment - since).total_seconds()))
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def line(message: AbstractIncomingMessage, moment: datetime) -> str:
    """A row of the list."""
    told = message.headers.get(DETAIL, "")
    if not told and isinstance(message.headers, Unreadable):
        told = message.headers.why
    detail = printable(str(told).partition("\n")[0][:100])
    return (
        f"{handle_of(message)}  {age(message, moment):>4}  {reason_parked(message):<14}  {detail}"
    )


def printable(text: str, kept: str = "") -> str:
    """`text` with control characters for terminals escaped, except those in `kept`."""
    return "".join(
        c if c.isprintable() or c in kept else c.encode("unicode_escape").decode() for c in text
    )


def redriven(message: AbstractIncomingMessage) -> aio_pika.Message:
    """A copy of the message for its work queue."""
    # The replay's header stays. Our other headers were about the failed attempts and go.
    headers = passed_on(
        {
            name: value
            for name, value in message.headers.items()
            if name == REPLAY_HEADER or not name.startswith("x-luotdoc-")
        }
    )
    return aio_pika.Message(
        message.body,
        headers=headers,
        content_type=message.content_type,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        message_id=message.message_id,
        correlation_id=message.correlation_id,
        type=message.type,
    )
