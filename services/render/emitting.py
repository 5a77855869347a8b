"""Publishes render's events."""

from luotdoc_events import events
from luotdoc_subscriber.base.clock import Clock
from luotdoc_subscriber.rabbit.broker import Broker
from luotdoc_subscriber.rabbit.publishing import publish_event
from services.render.rendering.page_events import Emit


def emitter(broker: Broker, clock: Clock) -> Emit:
    """What publishes through `broker` as render."""

    async def emit(data: events.Data, article_id: str, revision: int, event_id: str) -> None:
        await publish_event(
            broker,
            data,
            id=event_id,
            source="/luotdoc/render",
            time=clock(),
            subject=article_id,
            revision=revision,
        )

    return emit
