"""The spans of messages, with attributes in OpenTelemetry's words."""

from collections.abc import Sequence

from aio_pika.abc import AbstractIncomingMessage

from luotdoc_subscriber.base.tracing import Span, Tracer, traceparent_of


def publish_span(
    tracer: Tracer,
    exchange: str,
    routing_key: str,
    message_id: str,
    *,
    parent: str,
    links: Sequence[str] = (),
) -> Span:
    """The span of a publish, in the trace of the traceparent `parent`."""
    if not tracer.on:
        return Span(parent)
    return tracer.start(
        f"publish {routing_key}",
        "producer",
        parent,
        links=links,
        attributes={
            "messaging.system": "rabbitmq",
            "messaging.operation.type": "send",
            "messaging.destination.name": f"{exchange}:{routing_key}",
            "messaging.message.id": message_id,
        },
    )


def handling_span(tracer: Tracer, queue: str, message: AbstractIncomingMessage) -> Span:
    """The span of a message's handling, in the trace that the message brings."""
    parent = traceparent_of(message.headers, message.body)
    if not tracer.on:
        return Span(parent)
    return tracer.start(
        f"process {queue}",
        "consumer",
        parent,
        attributes={
            "messaging.system": "rabbitmq",
            "messaging.operation.type": "process",
            "messaging.destination.name": queue,
            "messaging.message.id": message.message_id or "",
            "luotdoc.redelivered": bool(message.redelivered),
        },
    )
