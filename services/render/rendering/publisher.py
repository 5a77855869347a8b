"""Turns article events into stored pages, and publishes `page.rendered` and `page.removed`."""

import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Protocol

from luotdoc_events import events
from luotdoc_subscriber.base.clock import Clock
from luotdoc_subscriber.base.tracing import UNTRACED, Tracer
from luotdoc_subscriber.subscribing import Event
from services.render.metrics import RenderMetrics
from services.render.page import Page
from services.render.rendering.page_events import Emit, PageEvents
from services.render.rendering.pages import rendered_page
from services.render.rendering.picture_sizes import PictureFacts, held_names
from services.render.rendering.renderer import Renderer
from services.render.store import PageStore, Stored

log = logging.getLogger(__name__)


class PageMemory(Protocol):
    """The pages that this process has in memory."""

    def expecting(self, page: Page) -> AbstractContextManager[Callable[[], Awaitable[None]]]:
        """While `page` is being stored. Gives a function that waits until it is in memory."""

    def forget(self, article_id: str) -> None:
        """Drop the page of an article."""


class Publisher:
    """Keeps the stored pages in step with the articles."""

    def __init__(
        self,
        *,
        store: PageStore,
        renderer: Renderer,
        emit: Emit,
        clock: Clock,
        memory: PageMemory,
        wanted: Callable[[str, int], Awaitable[None]],
        metrics: RenderMetrics,
        tracer: Tracer = UNTRACED,
    ) -> None:
        """A page's event is published once this process has the page in `memory`. `wanted` is
        awaited with its id and revision: search follows the page.
        """
        self.events = PageEvents(emit, lambda: renderer.site.url, clock)
        self._store, self._renderer = store, renderer
        self._clock, self._memory, self._metrics = clock, memory, metrics
        self._wanted = wanted
        self._tracer = tracer

    async def handle(self, event: Event[events.Article | events.ArticleWithdrawn]) -> bool:
        """Handle one article event. False if it is older than the stored page.

        An event of the stored revision stores nothing, but `page.rendered` is published again: the
        process may have died between the store and the publish.
        """
        data = event.data
        if isinstance(data, events.Article):
            with self._metrics.render_seconds.time():
                with self._tracer.start("render page"):
                    names = held_names(data.model_dump(include={"image", "body_html"}))
                    page = self._make(data, await self._store.picture_facts(names))
                stored = await self._put(page)
            if stored != "stale":
                await self._wanted(page.id, page.revision)
                await self.events.rendered(page)
        else:
            page = Page(
                id=data.id,
                revision=data.revision,
                state=data.reason,
                template=self._renderer.version,
                replaced_by=data.replaced_by,
            )
            stored = await self._put(page)
            if stored != "stale":
                await self._wanted(page.id, page.revision)
                await self.events.removed(page, data.url)
        if stored == "stored":
            if not event.replay:
                age = (self._clock() - event.envelope.time).total_seconds()
                self._metrics.freshness.observe(max(0.0, age))
            log.info("page %s at revision %d is %s", page.id, page.revision, page.state)
        return stored != "stale"

    async def _put(self, page: Page) -> Stored:
        with (
            self._tracer.start("store page") as span,
            self._memory.expecting(page) as reported,
        ):
            stored = await self._store.put(page)
            span.note({"luotdoc.outcome": stored})
            if stored != "stale":
                self._memory.forget(page.id)
            if stored == "stored":
                await reported()
            return stored

    def _make(self, article: events.Article, facts: PictureFacts) -> Page:
        known = len(self._renderer.pictures.refused)
        page = rendered_page(self._renderer, article, facts)
        if len(refused := self._renderer.pictures.refused) > known:
            log.warning(
                "pictures of these hosts become links, because LUOTDOC_PICTURE_HOSTS does not "
                "list them: %s",
                ", ".join(sorted(refused))[:1000],
            )
        return page
