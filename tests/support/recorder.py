"""A tracer of OpenTelemetry's SDK that keeps its spans."""

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared.base.spans import RecordingTracer


class Recorder:
    """`tracer`, which records that share of new traces, and the spans that have ended."""

    def __init__(self, share: float = 1.0) -> None:
        self.exporter = InMemorySpanExporter()
        self.tracer = RecordingTracer(SimpleSpanProcessor(self.exporter), "test", share)

    @property
    def spans(self) -> list[ReadableSpan]:
        """The spans that have ended, in that order."""
        return list(self.exporter.get_finished_spans())


def id_of(span: ReadableSpan) -> str:
    """A span's id."""
    assert span.context is not None
    return f"{span.context.span_id:016x}"


def parent_of(span: ReadableSpan) -> str:
    """The id of a span's parent; "" for the first of a trace."""
    return f"{span.parent.span_id:016x}" if span.parent else ""


def links_of(span: ReadableSpan) -> list[str]:
    """The ids of the spans that a span is linked to."""
    return [f"{link.context.span_id:016x}" for link in span.links]
