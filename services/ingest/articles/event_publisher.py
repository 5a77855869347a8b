"""Publishes the events of the outbox."""

from luotdoc_subscriber.rabbit.broker import Broker
from luotdoc_subscriber.rabbit.publishing import publish_encoded
from services.ingest.articles.documents import Outgoing
from services.ingest.articles.relay import PublishEvent


def make_event_publisher(broker: Broker) -> PublishEvent:
    """A function that publishes an event of the outbox, within the trace of its change."""

    async def publish_event(event: Outgoing) -> None:
        await publish_encoded(
            broker,
            event.name,
            event.body,
            id=event.id,
            type=event.type,
            time=event.time,
            correlation_id=event.correlation_id,
            traceparent=event.traceparent,
        )

    return publish_event
