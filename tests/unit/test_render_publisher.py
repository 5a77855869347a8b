"""Rendering stored pages again."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from luotdoc_events import events
from luotdoc_subscriber.base.clock import now
from luotdoc_subscriber.base.metrics import new_registry
from services.render.metrics import RenderMetrics
from services.render.pages import Renderer
from services.render.publisher import Publisher
from services.render.settings import RenderSettings
from services.render.store import Page, PageStore

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ARTICLE = events.ArticlePublished(
    id="a3", revision=1, url="https://e.vn/a3", slug="tin", section="thoi-su", title="Tin",
    body_html="<p>Tin</p>", published_at=NOON, modified_at=NOON,
).model_dump()  # fmt: skip


class Pages(PageStore):
    """Three outdated pages; of two nothing useful is stored."""

    def __init__(self) -> None:
        self.redone = list[str]()

    async def outdated(self, template: str) -> AsyncIterator[Page]:
        contents = {"a1": {}, "a2": {**ARTICLE, "revision": float("nan")}, "a3": ARTICLE}
        for name, content in contents.items():
            yield Page(name, 1, "published", "old", article=content)

    async def redo(self, page: Page, template: str) -> bool:
        self.redone.append(page.id)
        return True

    async def unmark(self, page: Page) -> None: ...


async def test_a_page_that_cannot_be_rendered_again_does_not_stop_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def emit(*_: object) -> None: ...

    settings = RenderSettings(amqp_url="amqp://a@h", mongo_url="mongodb://h/d?replicaSet=r")
    store, measured = Pages(), RenderMetrics(new_registry(), [])
    publisher = Publisher(
        store=store,
        renderer=Renderer(settings),
        emit=emit,
        clock=now,
        stored=lambda _: None,
        metrics=measured,
    )
    assert await publisher.redo_outdated() == 1
    assert store.redone == ["a3"]
    faults = [r.getMessage().split()[1] for r in caplog.records if r.levelname == "ERROR"]
    assert faults == ["a1", "a2"]
