"""Traces of batches: a span of each traced batch from its delivery to its ack, and the flush's."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from aio_pika.abc import AbstractIncomingMessage

from luotdoc_events.traceparent import TRACEPARENT
from luotdoc_subscriber.base.tracing import Span, Tracer
from luotdoc_subscriber.rabbit.message_spans import handling_span
from shared.rabbit import topology

MAX_TRACED_BATCHES = 128
"""Upper bound for traced batches in a flush: the SDK's own for the links of a span."""


def trace_batch(tracer: Tracer, message: AbstractIncomingMessage) -> Span | None:
    """The span of a batch's delivery, in the trace of its publish; None if that is not recorded."""
    if TRACEPARENT not in message.headers:
        return None
    span = handling_span(tracer, topology.COUNTER_READS.name, message)
    return span if span.recorded else None


@contextmanager
def flushing(tracer: Tracer, batches: Sequence[Span]) -> Iterator[Span]:
    """The span of a flush, while it runs: in the trace of the first traced batch, linked with the
    others in both directions. The spans of the batches end with it.
    """
    first, *others = batches or (Span(""),)
    outcome = "failed"
    try:
        with tracer.start(
            "flush", parent=first.traceparent, links=[span.traceparent for span in others]
        ) as flush:
            for span in others:
                span.link(flush.traceparent)
            yield flush
        outcome = "settled"
    finally:
        end_batches(batches, outcome)


def end_batches(batches: Sequence[Span], outcome: str) -> None:
    """End the spans of batches that were settled, or will be delivered again."""
    for span in batches:
        span.note({"luotdoc.outcome": outcome})
        span.end()
