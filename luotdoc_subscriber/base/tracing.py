"""Traces: the current trace context, and the port for the spans of a process that traces.

The kit needs no tracing library. With `UNTRACED` nothing is recorded, and the traceparent of a
message is handed on with what its handling publishes. A process that traces gives `make_broker` a
tracer of its own, as the portal's services do.
"""

import json
from collections.abc import Iterable, Mapping
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any, Literal, Self

from luotdoc_events.traceparent import TRACEPARENT, is_sampled, valid_traceparent

current_traceparent: ContextVar[str] = ContextVar("traceparent", default="")
"""The context of the span that runs, or of the message that is handled; "" without a trace."""

MAX_SEARCHED = 8 * 1024 * 1024
"""Upper bound for the bytes of an event in which its traceparent is looked for."""

SpanKind = Literal["internal", "server", "client", "producer", "consumer"]
SpanAttributes = Mapping[str, str | int | float | bool]
NO_ATTRIBUTES: SpanAttributes = {}


class Span:
    """One step of a trace. This class records nothing and hands its parent's context on.

    As a context manager it is the current one of the block, once, and ends with the block.
    """

    recorded = False

    def __init__(self, traceparent: str) -> None:
        self.traceparent = traceparent
        """The context that the step's own steps and messages belong to; "" without a trace."""
        self._before: Token[str] | None = None

    def rename(self, name: str) -> None:
        """Give the span a name that was not known at its start."""

    def note(self, attributes: SpanAttributes) -> None:
        """Add attributes."""

    def link(self, traceparent: str) -> None:
        """Link the span to another one, which is not its parent."""

    def fail(self, why: str) -> None:
        """Mark the span as failed."""

    def end(self) -> None:
        """The step has ended. Nothing may be added afterwards."""

    def __enter__(self) -> Self:
        self._before = current_traceparent.set(self.traceparent)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if self._before is not None:
            current_traceparent.reset(self._before)
        if kind is not None:
            self.fail(f"{kind.__name__}: {error!s:.200}")
        self.end()


class Tracer:
    """Makes spans. This class makes those that record nothing."""

    on = False
    """True if spans may be recorded."""

    def start(
        self,
        name: str,
        kind: SpanKind = "internal",
        parent: str | None = None,
        *,
        attributes: SpanAttributes = NO_ATTRIBUTES,
        links: Iterable[str] = (),
    ) -> Span:
        """A step of the trace `parent`, by default the current one. Without a trace nothing is
        recorded.
        """
        return Span(current_traceparent.get() if parent is None else parent)

    def begin(self, name: str, *, attributes: SpanAttributes = NO_ATTRIBUTES) -> Span:
        """The first step of a new trace, for a request that arrives. The sampler decides whether
        it is recorded.
        """
        return Span("")

    def draw(self, name: str, started: float) -> Span | None:
        """As `begin`, for a step that began at `started` by `time.perf_counter`; None if it is not
        sampled. Cheap: it is called for each read.
        """
        return None

    def close(self) -> None:
        """Export the ended spans. May block for half a minute: call it in a thread."""


UNTRACED = Tracer()


def in_recorded_trace() -> bool:
    """True if the current step is recorded."""
    return is_sampled(current_traceparent.get())


def headers_of(span: Span) -> dict[str, str]:
    """The AMQP headers that carry the context of a span; none without a trace."""
    return {TRACEPARENT: span.traceparent} if span.traceparent else {}


def traceparent_of(headers: Mapping[str, Any], body: bytes) -> str:
    """The context of an event's last step: the AMQP header's, else that of the CloudEvents
    extension, with which its trace began. "" if there is none, or it is malformed.
    """
    if sent := valid_traceparent(headers.get(TRACEPARENT)):
        return sent
    if len(body) > MAX_SEARCHED or b'"traceparent"' not in body:
        return ""
    try:
        event = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    return valid_traceparent(event.get(TRACEPARENT)) if isinstance(event, dict) else ""
