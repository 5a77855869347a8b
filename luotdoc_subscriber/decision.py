"""Decides what happens to one delivery of a work queue: handled, stale, ignored, retried or parked.

The consumer and `luotdoc_subscriber.testing` both ask `decide`, so a test without a broker gets
the verdict that the real queue gives. Nothing here sends, waits or acks.
"""

import asyncio
import re
import traceback
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import UnionType
from typing import Any, Generic, TypeVar, Union, get_args, get_origin, get_type_hints

from pydantic import ValidationError

from luotdoc_events import events
from luotdoc_subscriber.base.errors import Permanent, Retry, Transient
from luotdoc_subscriber.rabbit.properties import Unreadable
from luotdoc_subscriber.verdicts import (
    RETRIES,
    WAITS,
    Handled,
    Ignored,
    Parked,
    Retried,
    Stale,
    Verdict,
)

D = TypeVar("D", bound=events.Data, covariant=True)

MAX_COUNT = 1_000_000
"""Upper bound for the counts in these headers. A larger one does not come from us and is
ignored."""
MAX_EVENT_BYTES = 8 * 1024 * 1024
"""Upper bound for the bytes of an event; an article has at most a third of this."""
MAX_DETAIL = 2000
"""Upper bound for the characters of the detail; all headers must fit into a frame of 128 KiB."""
MAX_REPLAY = 255
"""Upper bound for the characters of a replay's name."""

UNREADABLE = "unreadable"
REASON_FORM = re.compile(r"[a-z][a-z0-9_]{0,39}")
"""The form of a reason. The metrics have it as a label."""


@dataclass(frozen=True, slots=True)
class Event(Generic[D]):
    """An event as a handler gets it: parsed data and CloudEvents attributes."""

    data: D
    envelope: events.Envelope
    replay: str = ""
    """Name of the replay; empty for a live event. Don't send e-mail or count for a replayed
    event."""


Handler = Callable[[Event[Any]], Awaitable[bool | None]]


@dataclass(frozen=True, slots=True)
class Delivery:
    """The parts of a message that the decision depends on."""

    body: bytes
    headers: Mapping[str, Any]
    """AMQP headers. Those of a message with unreadable properties are an `Unreadable`."""


class Lost(Exception):
    """The message's channel is closed, so the message can't be acked and will be delivered
    again.
    """


def kinds_of(handle: Callable[..., Any]) -> tuple[type[events.Data], ...]:
    """The events in a handler's annotation `Event[…]`;
    a base class such as `Article` stands for all its events. Raises TypeError.
    """
    asked = next(iter(get_type_hints(handle).values()), None)
    name = getattr(handle, "__qualname__", repr(handle))
    if get_origin(asked) is not Event:
        raise TypeError(f"{name}: annotate its parameter, such as `event: Event[PageRendered]`")
    (data,) = get_args(asked)
    wanted = get_args(data) if get_origin(data) in (Union, UnionType) else (data,)
    for each in wanted:
        if not any(issubclass(kind, each) for kind in events.KINDS):
            raise TypeError(f"{name}: {each.__name__} is no event of luotdoc_events.events")
    return tuple(kind for kind in events.KINDS if issubclass(kind, wanted))


async def decide(
    delivery: Delivery,
    types: Collection[str],
    delays: Sequence[float],
    handle: Callable[[Event[events.Data]], Awaitable[bool]],
) -> Verdict:
    """Decide on `delivery` for a queue with the retry ladder `delays`, in seconds.

    `handle` gets an event of one of the CloudEvents `types`, and answers whether it was new.
    Raises `Lost` if `handle` does.
    """
    try:
        event = read(delivery, types)
        if event is None:
            return Ignored()
        return Handled() if await handle(event) else Stale()
    except Lost:
        raise
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        return after(error, delivery.headers, delays)  # the handler cancelled something of its own
    except Exception as error:
        return after(error, delivery.headers, delays)


def read(delivery: Delivery, types: Collection[str]) -> Event[events.Data] | None:
    """The parsed event; None if its type, or its version, is not in `types`. Raises `Permanent`."""
    check_headers(delivery.headers)
    if len(delivery.body) > MAX_EVENT_BYTES:
        raise Permanent(
            "bad_event", f"the body has {len(delivery.body)} bytes, more than {MAX_EVENT_BYTES}"
        )
    with _as_permanent():
        envelope = events.Envelope.model_validate_json(delivery.body)
        if envelope.type not in types and envelope.name in events.EVENTS:
            return None
        data = events.data_of(envelope)
    if data.of_article and (envelope.subject is None or envelope.sequence is None):
        # Without them no guard could drop it, however old it is.
        raise Permanent("bad_event", f"{envelope.name} must have a subject and a sequence")
    return Event(data, envelope, _replay(delivery.headers))


def check_headers(headers: Mapping[str, Any]) -> None:
    """Raises `Permanent` with the reason `unreadable` if the properties could not be decoded."""
    if isinstance(headers, Unreadable):
        raise Permanent(UNREADABLE, headers.why)


@contextmanager
def _as_permanent() -> Iterator[None]:
    try:
        yield
    except KeyError as error:
        raise Permanent("unknown_event", f"no event is named {error!s:.200}") from error
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()
        )
        raise Permanent("bad_event", faults) from error


def after(error: BaseException, headers: Mapping[str, Any], delays: Sequence[float]) -> Verdict:
    """The verdict on a message with `headers` whose handling has failed with `error`."""
    if isinstance(error, Transient):
        done = _count(headers, WAITS)
        return Retried(delays[min(done, len(delays) - 1)], done + 1, None, str(error))
    if isinstance(error, Retry) and (done := _count(headers, RETRIES)) < len(delays):
        return Retried(delays[done], done + 1, len(delays), str(error))
    if isinstance(error, Retry | Permanent):
        return _parked(error.reason, str(error))
    return Parked("bug", sendable_detail(_traceback(error)), error)


def _parked(reason: object, detail: str) -> Parked:
    if isinstance(reason, str) and REASON_FORM.fullmatch(reason):
        return Parked(reason, sendable_detail(detail))
    # A long reason would not fit into a frame, and RabbitMQ would close the connection.
    return Parked("other", sendable_detail(f"reason {reason!r:.200}: {detail}"))


def _traceback(error: BaseException) -> str:
    try:
        first = repr(error)
    except Exception:
        first = type(error).__name__
    return f"{first}\n{''.join(traceback.format_exception(error))}"


def sendable_detail(detail: str) -> str:
    """`detail` cut to `MAX_DETAIL` characters that a header can carry."""
    return detail.encode(errors="backslashreplace").decode()[:MAX_DETAIL]


def _count(headers: Mapping[str, Any], header: str) -> int:
    value = headers.get(header)
    return value if type(value) is int and 0 < value <= MAX_COUNT else 0


def _replay(headers: Mapping[str, Any]) -> str:
    """Name of the replay; empty for a live event.
    A name that is not text still marks a replay, as `?`.
    """
    value = headers.get(events.REPLAY_HEADER)
    if isinstance(value, str):
        return value[:MAX_REPLAY]
    return "" if value is None else "?"
