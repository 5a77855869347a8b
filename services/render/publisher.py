"""Turns article events into stored pages, and publishes `page.rendered` and `page.removed`."""

import logging
from collections.abc import Awaitable, Callable

from luotdoc_events import events
from luotdoc_subscriber.base.clock import Clock
from luotdoc_subscriber.base.tracing import UNTRACED, Tracer
from luotdoc_subscriber.subscribing import Event
from services.render.metrics import RenderMetrics
from services.render.pages import Renderer
from services.render.store import Page, PageStore, Stored, stored_article
from shared.web.paths import article_path

log = logging.getLogger(__name__)

Emit = Callable[[events.Data, str, int, str], Awaitable[None]]
"""Publishes (data, article id, revision, event id) and waits for the confirm. Raises
`Transient`."""


class Publisher:
    """Keeps the stored pages in step with the articles."""

    def __init__(
        self,
        *,
        store: PageStore,
        renderer: Renderer,
        emit: Emit,
        clock: Clock,
        stored: Callable[[str], None],
        metrics: RenderMetrics,
        tracer: Tracer = UNTRACED,
    ) -> None:
        """`stored` is called with a page's id before its event is published. It drops the old page
        from memory, so that this process serves the new one by then.
        """
        self._store, self._renderer, self._emit = store, renderer, emit
        self._clock, self._stored, self._metrics = clock, stored, metrics
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
                    page = self._make(data)
                stored = await self._put(page)
            if stored != "stale":
                self._stored(page.id)
                await self._publish_rendered(page)
        else:
            page = Page(
                id=data.id,
                revision=data.revision,
                state=data.reason,
                template=self._renderer.version,
            )
            stored = await self._put(page)
            if stored != "stale":
                self._stored(page.id)
                await self._publish_removed(page, data.url)
        if stored == "stored":
            if not event.replay:
                age = (self._clock() - event.envelope.time).total_seconds()
                self._metrics.freshness.observe(max(0.0, age))
            log.info("page %s at revision %d is %s", page.id, page.revision, page.state)
        return stored != "stale"

    async def _put(self, page: Page) -> Stored:
        with self._tracer.start("store page") as span:
            stored = await self._store.put(page)
            span.note({"luotdoc.outcome": stored})
            return stored

    async def redo_outdated(self) -> int:
        """Render pages of other templates again. Returns their number.

        A page is marked until its event is confirmed, so the next call repeats pages that failed.
        """
        redone = 0
        async for old in self._store.outdated(self._renderer.version):
            try:
                page = self._make(stored_article(old))
            except Exception:
                # Without this the pages after it would never be rendered again.
                log.exception(
                    "page %s can't be rendered from its stored article, and stays as it is; "
                    "`python -m services.ingest republish %s` replaces it",
                    old.id,
                    old.id,
                )
                continue
            if await self._store.redo(page, old.template):
                self._stored(page.id)
                await self._publish_rendered(page)
                await self._store.unmark(page)
                redone += 1
        return redone

    def _make(self, article: events.Article) -> Page:
        known = len(self._renderer.pictures.refused)
        page = self._page(article)
        if len(refused := self._renderer.pictures.refused) > known:
            log.warning(
                "pictures of these hosts become links, because LUOTDOC_PICTURE_HOSTS does not "
                "list them: %s",
                ", ".join(sorted(refused))[:1000],
            )
        return page

    def _page(self, article: events.Article) -> Page:
        return Page(
            id=article.id,
            revision=article.revision,
            state="published",
            template=self._renderer.version,
            baseline=article.reads_baseline,
            path=article_path(article.section, article.slug, article.id),
            section=article.section,
            published_at=article.published_at,
            parts=self._renderer.article(article),
            summary=article.model_dump(mode="json", include={"title", "lead", "image"}),
            article=article.model_dump(),
        )

    async def _publish_rendered(self, page: Page) -> None:
        data = events.PageRendered(
            article=page.id,
            revision=page.revision,
            url=self._renderer.site.url + page.path,
            etag=f"{page.revision}-{page.template}",
            template=page.template,
            rendered_at=self._clock(),
        )
        await self._emit(data, page.id, page.revision, f"{page.id}-{page.revision}-{page.template}")

    async def _publish_removed(self, page: Page, url: str) -> None:
        # The host is this service's own, as in `page.rendered`. Ingest's `url` may have another,
        # and a subscriber such as a purge of caches would not find the page.
        own = self._renderer.site.url + "/" + "/".join(url.rsplit("/", 2)[1:])
        data = events.PageRemoved(
            article=page.id, revision=page.revision, url=own, removed_at=self._clock()
        )
        await self._emit(data, page.id, page.revision, f"{page.id}-{page.revision}-removed")
