"""Events that may be missed, on RabbitMQ: the same typed events; a failure stops nothing."""

import aio_pika

from luotdoc_events.events import (
    REPLAY_HEADER,
    Article,
    ArticlePublished,
    ArticleWithdrawn,
    ReadsCounted,
)
from luotdoc_subscriber import Event, SubscriberSettings, listen, make_broker
from luotdoc_subscriber.rabbit import broker as rabbit
from tests.support.frames import RawPublisher, properties, short
from tests.support.system import System, until
from tests.support.wire import publish, sample


async def test_a_listener_gets_typed_events_and_survives_what_it_can_not_read(
    system: System,
) -> None:
    broker = make_broker(SubscriberSettings(amqp_url=system.broker.url), "probe")
    counts: list[int] = []
    articles: list[tuple[str, int, str]] = []

    @listen(broker, "probe.counts")
    async def count(event: Event[ReadsCounted]) -> None:
        counts.append(event.data.items[0].total)

    @listen(broker, "probe.articles")
    async def index(event: Event[Article | ArticleWithdrawn]) -> bool:
        if event.data.revision == 2:
            raise ZeroDivisionError("a bug")
        articles.append((type(event.data).__name__, event.data.revision, event.replay))
        return False  # has no effect here

    try:
        await rabbit.connect(broker, system.broker.url)
        names = [name for name in await system.queues() if name.startswith("probe.")]
        assert len(names) == 2
        await publish(
            system,
            [
                sample("reads.counted", "a1", 7),
                sample("page.rendered", "a1", 1),
                sample("article.published", "a1", 1),
                sample("article.updated", "a1", 2),
            ],
        )
        with RawPublisher(system.broker.url) as publisher:
            for raw, body in (
                (properties(message_id=short(b"\xff")), b"{}"),
                (properties(), b"{"),
                (properties(), b'{"type": "luotdoc.article.exploded.v1"}'),
            ):
                publisher.publish("luotdoc.events", b"article.published", raw, body)
        await publish(system, [sample("article.withdrawn", "a1", 3)], {REPLAY_HEADER: "all"})
        await until(lambda: len(articles) == 2 and counts, 10, "what can be read is handled")
    finally:
        await broker.stop()
    assert counts == [7]
    assert sorted(articles) == [
        (ArticlePublished.__name__, 1, ""),
        (ArticleWithdrawn.__name__, 3, "all"),
    ]
    async with await aio_pika.connect(system.broker.url):

        async def gone() -> bool:
            return not [name for name in await system.queues() if name.startswith("probe.")]

        await until(gone, 10, "the temporary queues end with their connection")
