"""Publishes batches of reads."""

from luotdoc_subscriber.base.tracing import Span, Tracer, headers_of
from luotdoc_subscriber.rabbit.broker import Broker
from luotdoc_subscriber.rabbit.message_spans import publish_span
from luotdoc_subscriber.rabbit.publishing import publish
from services.ingest.reads.outlet import PublishBatch
from shared.rabbit import topology
from shared.rabbit.batch import Batch


def make_publisher(broker: Broker, confirm_timeout: float) -> PublishBatch:
    """A function that publishes a batch to the exchange of reads,
    with a confirm within `confirm_timeout` seconds.
    """

    async def publish_batch(batch: Batch) -> None:
        with _span(broker.tracer, batch) as span:
            await publish(
                broker,
                batch.body(),
                topology.READS_EXCHANGE,
                topology.READS_KEY,
                timeout=confirm_timeout,
                content_type="application/json",
                message_id=batch.batch_id,
                headers=batch.headers() | headers_of(span),
                correlation_id=batch.batch_id,
            )

    return publish_batch


def _span(tracer: Tracer, batch: Batch) -> Span:
    """A step in the trace of the batch's first traced read, linked to the others."""
    if not batch.traces:
        return Span("")
    span = publish_span(
        tracer,
        topology.READS_EXCHANGE.name,
        topology.READS_KEY,
        batch.batch_id,
        parent=batch.traces[0],
        links=batch.traces[1:],
    )
    span.note({"luotdoc.reads": batch.reads})
    return span
