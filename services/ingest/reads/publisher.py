"""Publishes batches of reads."""

from luotdoc_subscriber.rabbit.broker import Broker
from luotdoc_subscriber.rabbit.publishing import publish
from services.ingest.reads.outlet import PublishBatch
from shared.rabbit import topology
from shared.rabbit.batch import Batch


def make_publisher(broker: Broker, confirm_timeout: float) -> PublishBatch:
    """A function that publishes a batch to the exchange of reads,
    with a confirm within `confirm_timeout` seconds.
    """

    async def publish_batch(batch: Batch) -> None:
        await publish(
            broker,
            batch.body(),
            topology.READS_EXCHANGE,
            topology.READS_KEY,
            timeout=confirm_timeout,
            content_type="application/json",
            message_id=batch.batch_id,
            headers=batch.headers(),
            correlation_id=batch.batch_id,
        )

    return publish_batch
