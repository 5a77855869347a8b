"""Spans by OpenTelemetry's SDK, exported by OTLP over HTTP.

Imported only while tracing is on. Sampler, collector and limits are read by the SDK from the
standard `OTEL_…` variables. The exporter has a thread and a bounded queue of its own: while the
collector is away, spans are dropped and nothing else waits.
"""

import logging
import os
import random
import time
from collections.abc import Callable, Iterable

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)
from opentelemetry.trace import Span as SdkSpan

from luotdoc_events.version import VERSION
from luotdoc_subscriber.base import tracing
from luotdoc_subscriber.base.tracing import NO_ATTRIBUTES, Span, SpanAttributes, current_traceparent

TOLD_SECONDS = 60.0
"""Shortest time between two log lines of one part of the exporter."""

_KINDS = {
    "internal": SpanKind.INTERNAL,
    "server": SpanKind.SERVER,
    "client": SpanKind.CLIENT,
    "producer": SpanKind.PRODUCER,
    "consumer": SpanKind.CONSUMER,
}


class RecordedSpan(Span):
    """A span that is exported when it ends."""

    recorded = True

    def __init__(self, span: SdkSpan) -> None:
        context = span.get_span_context()
        super().__init__(
            f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
        )
        self._span = span

    def rename(self, name: str) -> None:
        """Give the span a name that was not known at its start."""
        self._span.update_name(name)

    def note(self, attributes: SpanAttributes) -> None:
        """Add attributes."""
        self._span.set_attributes(dict(attributes))

    def link(self, traceparent: str) -> None:
        """Link the span to another one, which is not its parent."""
        self._span.add_link(_context_of(traceparent))

    def fail(self, why: str) -> None:
        """Mark the span as failed."""
        self._span.set_status(Status(StatusCode.ERROR, why[:500]))

    def end(self) -> None:
        """Hand the span to the exporter."""
        self._span.end()


class _TraceIds(RandomIdGenerator):
    """Random ids. The lower half of the next trace's id may be given: the ratio samplers decide by
    it.
    """

    def __init__(self) -> None:
        self.next_half: int | None = None

    def generate_trace_id(self) -> int:
        half, self.next_half = self.next_half, None
        if half is None:
            return super().generate_trace_id()
        return random.getrandbits(64) << 64 | half or 1


class RecordingTracer(tracing.Tracer):
    """Makes spans with the SDK, which decides what is sampled."""

    on = True

    def __init__(self, processor: SpanProcessor, service: str, sampled_share: float) -> None:
        self._ids = _TraceIds()
        self._bound = TraceIdRatioBased.get_bound_for_rate(sampled_share)
        self._provider = TracerProvider(
            resource=_resource(service), id_generator=self._ids, shutdown_on_exit=False
        )
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("luotdoc", VERSION)

    def start(
        self,
        name: str,
        kind: tracing.SpanKind = "internal",
        parent: str | None = None,
        *,
        attributes: SpanAttributes = NO_ATTRIBUTES,
        links: Iterable[str] = (),
    ) -> Span:
        """A step of the trace `parent`, by default the current one."""
        before = current_traceparent.get() if parent is None else parent
        if not before:
            return Span("")
        remote = NonRecordingSpan(_context_of(before))
        span = self._tracer.start_span(
            name,
            set_span_in_context(remote, Context()),
            _KINDS[kind],
            attributes,
            [Link(_context_of(link)) for link in links],
        )
        # A span that is not sampled hands its parent's context on, which says so too.
        return RecordedSpan(span) if span.is_recording() else Span(before)

    def begin(self, name: str, *, attributes: SpanAttributes = NO_ATTRIBUTES) -> Span:
        """The first step of a new trace, if the sampler takes it."""
        return self._begin(name, attributes, None) or Span("")

    def draw(self, name: str, started: float) -> Span | None:
        """As `begin`, for each read. The sampler is asked only for those that it takes: asking it
        costs as much as a tenth of a read.
        """
        half = random.getrandbits(64)
        if half >= self._bound:
            return None
        self._ids.next_half = half
        begun = time.time_ns() - int((time.perf_counter() - started) * 1e9)
        return self._begin(name, NO_ATTRIBUTES, begun)

    def _begin(self, name: str, attributes: SpanAttributes, begun_ns: int | None) -> Span | None:
        span = self._tracer.start_span(
            name, Context(), SpanKind.SERVER, attributes, start_time=begun_ns
        )
        return RecordedSpan(span) if span.is_recording() else None

    def close(self) -> None:
        """Export the ended spans. May block for half a minute."""
        self._provider.shutdown()


def _resource(service: str) -> Resource:
    resource = Resource.create({"service.version": VERSION, "service.namespace": "luotdoc"})
    if not os.environ.get("OTEL_SERVICE_NAME") and "service.name" not in os.environ.get(
        "OTEL_RESOURCE_ATTRIBUTES", ""
    ):
        resource = resource.merge(Resource({"service.name": f"luotdoc-{service}"}))
    return resource


def _context_of(traceparent: str) -> SpanContext:
    """The context in a valid traceparent."""
    _, trace, span, flags = traceparent.split("-")
    return SpanContext(int(trace, 16), int(span, 16), True, TraceFlags(int(flags, 16)))


class OnceAMinute(logging.Filter):
    """Lets a line through, then none for a minute: the exporter logs each failed attempt."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._seconds, self._due = seconds, 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        """True if the line is to be logged."""
        now = self._seconds()
        if now < self._due:
            return False
        self._due = now + TOLD_SECONDS
        return True


def exporting_tracer(service: str, sampled_share: float) -> RecordingTracer:
    """A tracer whose spans go to the collector of the standard variables.

    Raises ValueError for limits that contradict one another.
    """
    exporter = OTLPSpanExporter()
    for part in (OTLPSpanExporter.__module__, "opentelemetry.sdk._shared_internal"):
        logging.getLogger(part).addFilter(OnceAMinute())
    return RecordingTracer(BatchSpanProcessor(exporter), service, sampled_share)
