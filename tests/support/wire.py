"""Events for subscribers, as the services put them on the wire."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import aio_pika

from luotdoc_events import events
from luotdoc_subscriber.rabbit import layout
from tests.support.system import System

URL = "http://127.0.0.1:8000/thoi-su/bai"


def address(article: str) -> str:
    """The address of an article's page."""
    return f"{URL}-{article}.html"


def sample(name: str, article: str, revision: int, **more: Any) -> events.Data:
    """An event's data by its name, with every required field filled in."""
    moment = datetime.now(UTC)
    filled = {
        "id": article,
        "article": article,
        "revision": revision,
        "url": address(article),
        "slug": "bai",
        "section": "thoi-su",
        "title": f"Bài {article} lần {revision}",
        "body_html": "<p>Nội dung</p>",
        "etag": f"{revision}-t",
        "template": "t",
        "items": [{"article": article, "delta": 1, "total": revision}],
        "producer": "/luotdoc/test",
        "instance": "test-1",
        "event": "article.published",
        "interval": 5,
        **{
            f"{verb}_at": moment
            for verb in ("published", "modified", "withdrawn", "rendered", "removed")
        },
        **more,
    }
    kind = events.EVENTS[name]
    return kind.model_validate(
        {field: value for field, value in filled.items() if field in kind.model_fields}
    )


def message(data: events.Data, headers: Mapping[str, Any] | None = None) -> aio_pika.Message:
    """`data` in its envelope, persistent."""
    revision, article = (
        getattr(data, "revision", None),
        getattr(data, "article", getattr(data, "id", None)),
    )
    event = events.envelope(
        data,
        id=f"{data.name}-{article}-{revision}",
        source="/luotdoc/test",
        time=datetime.now(UTC),
        schemas="http://127.0.0.1:8001/schemas",
        subject=article,
        revision=revision,
    )
    return aio_pika.Message(
        events.encode(event),
        headers=dict(headers or {}),
        content_type=events.CONTENT_TYPE,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        message_id=event.id,
    )


async def forget(system: System, *names: str) -> None:
    """Delete the queues of other teams' subscribers: they outlive a test, as they should."""
    async with await aio_pika.connect(system.broker.url) as connection:
        channel = await connection.channel()
        for name in names:
            work = layout.WorkQueue(name, layout.EVENTS_EXCHANGE, (), layout.RETRY_DELAYS)
            for queue in (work.queue, work.parked, *work.retries):
                await channel.queue_delete(queue.name)


async def publish(
    system: System,
    data: Iterable[events.Data],
    headers: Mapping[str, Any] | None = None,
    queue: str = "",
) -> None:
    """Publish in this order, confirmed: for everybody, or straight into one `queue`."""
    async with await aio_pika.connect(system.broker.url) as connection:
        channel = await connection.channel(publisher_confirms=True)
        exchange = (
            channel.default_exchange if queue else await channel.get_exchange("luotdoc.events")
        )
        await asyncio.gather(
            *(exchange.publish(message(one, headers), queue or one.name) for one in data)
        )
