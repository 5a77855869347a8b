"""Pages that new templates make again: each is told, whatever stops between the page and its
news.
"""

import asyncio
from datetime import UTC, datetime

import aio_pika
import pytest

from luotdoc_events import events
from luotdoc_subscriber.base.clock import now
from luotdoc_subscriber.base.errors import Transient
from luotdoc_subscriber.base.metrics import new_registry
from luotdoc_subscriber.rabbit import broker as rabbit
from services.render.emitting import emitter
from services.render.metrics import RenderMetrics
from services.render.page import Page
from services.render.rendering.publisher import Publisher
from services.render.rendering.redo import Redo
from services.render.rendering.redo_processes import RedoProcesses
from services.render.rendering.renderer import Renderer
from services.render.settings import RenderSettings
from services.render.store import PageStore
from tests.support.page_memory import NotedMemory
from tests.support.system import System, until

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
PATH = "/thoi-su/tin-{}.html"


def made(article: str, template: str, revision: int = 1) -> Page:
    """A page as the templates `template` have made it."""
    data = events.ArticlePublished(
        id=article, revision=revision, url=f"https://e.vn/{article}", slug="tin", section="thoi-su",
        title="Tin",
        body_html="<p>Tin</p>", published_at=NOON, modified_at=NOON,
    )  # fmt: skip
    return Page(
        article,
        revision,
        "published",
        template,
        path=PATH.format(article),
        article=data.model_dump(),
    )


async def marked(system: System) -> list[str]:
    return [page["_id"] async for page in system.db.pages.find({"untold": {"$exists": True}})]


async def test_a_page_is_told_although_rabbitmq_went_away_once_it_was_stored(
    system: System,
) -> None:
    settings = RenderSettings(
        amqp_url=system.broker.url,
        mongo_url=system.database.url,
        sections=(("thoi-su", "Thời sự"),),
    )
    store, renderer = PageStore(system.db), Renderer(settings)
    for name in ("a1", "a2", "a3"):
        await store.put(made(name, "old"))
    broker = rabbit.make_broker(settings, "render")
    steps: list[str] = []

    async def emit(data: events.Data, article: str, revision: int, event_id: str) -> None:
        steps.append(f"tell {article}")
        if len(steps) == 4:  # the first page's event is confirmed by now
            await system.end_broker()
        await emitter(broker, now)(data, article, revision, event_id)

    async def never_wanted(article: str, _revision: int) -> None:
        raise AssertionError(f"other templates don't change what search finds: {article}")

    def redo() -> Redo:
        measured = RenderMetrics(new_registry(), [])
        memory = NotedMemory(steps)
        publisher = Publisher(
            store=store,
            renderer=renderer,
            emit=emit,
            clock=now,
            memory=memory,
            wanted=never_wanted,
            metrics=measured,
        )
        return Redo(
            store=store,
            version=lambda: renderer.version,
            redo=RedoProcesses(settings, Renderer, lambda: renderer.version, processes=1).redo,
            publish=publisher.events.rendered,
            stored=memory.forget,
            in_flight=1,
        )

    async with await aio_pika.connect(system.broker.url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(
            "purger.test", durable=True, arguments={"x-queue-type": "quorum"}
        )
        await queue.bind("luotdoc.events", "page.rendered")
    try:
        await rabbit.connect(broker, system.broker.url)
        try:
            with pytest.raises(Transient):
                await redo().run()
            first, last = steps[0].split()[1], steps[-1].split()[1]
            assert steps == [f"dropped {first}", f"tell {first}", f"dropped {last}", f"tell {last}"]
            assert sorted(await marked(system)) == sorted({"a1", "a2", "a3"} - {first})
        finally:
            await asyncio.to_thread(system.broker.start)
        await until(lambda: broker.up, 15, "render is connected again")

        assert await redo().run() == 2  # as another process would, after this one was killed

        assert await marked(system) == []
        assert await redo().run() == 0
        assert await system.db.pages.count_documents({"template": renderer.version}) == 3
    finally:
        await broker.stop()
    async with await aio_pika.connect(system.broker.url) as connection:
        channel = await connection.channel()
        queue = await channel.get_queue("purger.test")
        told = []
        while (message := await queue.get(fail=False, no_ack=True)) is not None:
            told.append(events.Envelope.model_validate_json(message.body))
        await channel.queue_delete("purger.test")
    urls = [settings.base_url.rstrip("/") + PATH.format(name) for name in ("a1", "a2", "a3")]
    assert sorted({event.data["url"] for event in told}) == urls
    assert {event.data["template"] for event in told} == {renderer.version}


async def test_news_of_a_page_leaves_the_mark_of_a_newer_one(system: System) -> None:
    store = PageStore(system.db)
    await store.put(made("a1", "t1"))
    second, third = made("a1", "t2"), made("a1", "t3")
    assert await store.redo([(second, made("a1", "t1"))], "1") == {"a1"}
    assert not await store.redo([(second, made("a1", "t1"))], "2")  # the other replica was faster
    assert await store.redo([(third, made("a1", "t2"))], "3") == {"a1"}
    await store.unmark(["a1"], "1")
    assert await marked(system) == ["a1"]
    assert [name async for name in store.outdated("t3")] == ["a1"]
    await store.unmark(["a1"], "3")
    assert await marked(system) == []

    assert await store.redo([(second, made("a1", "t3"))], "4") == {"a1"}
    assert await store.put(made("a1", "t2", revision=2)) == "stored"
    assert await marked(system) == []
    await store.unmark(["a1"], "4")
    assert not await store.redo([(third, made("a1", "t2"))], "5")
    held = await system.db.pages.find_one({"_id": "a1"}, {"revision": 1, "template": 1})
    assert held == {"_id": "a1", "revision": 2, "template": "t2"}
    assert await store.get("a1") is not None
