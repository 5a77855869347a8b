"""Caches pages in memory, and drops a page when the change stream reports a change."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable

from luotdoc_subscriber.base.errors import Transient
from luotdoc_subscriber.base.tasks import background, supervised
from services.render.database import ReaderQueries
from services.render.metrics import RenderMetrics
from services.render.store import Page, PageStore
from shared.storage.changes import follow

log = logging.getLogger(__name__)

CURRENT_SECONDS = 3.0
"""Without a sign of MongoDB for this long, cached pages are stale. An open change stream gets one
every half second."""
TICK_SECONDS = 0.5


class PageCache:
    """An LRU cache of pages.

    While the change stream of `pages` works, cached pages are current and are served from memory.
    Without it each request queries MongoDB. A cached page is then served, as stale, only if
    MongoDB gives no answer, for at most `stale_seconds` after the stream's last sign of it.
    `seconds` is a monotonic clock.
    """

    def __init__(
        self,
        *,
        store: PageStore,
        queries: ReaderQueries,
        capacity: int,
        changed: Callable[[], None],
        seconds: Callable[[], float],
        stale_seconds: float,
        metrics: RenderMetrics,
    ) -> None:
        self._store, self._queries, self._capacity = store, queries, capacity
        self._changed, self._seconds = changed, seconds
        self._stale_seconds, self._metrics = stale_seconds, metrics
        self._pages: OrderedDict[str, Page] = OrderedDict()
        self._loading: dict[str, asyncio.Task[Page | None]] = {}
        self._watching = False
        self._confirmed_at = float("-inf")
        self.current = False
        """True while cached pages are known to be equal to those in MongoDB."""

    @property
    def holds_stale(self) -> bool:
        """True if there are cached pages that may be served although MongoDB gives no answer."""
        return bool(self._pages) and not self.current

    async def get(self, article_id: str) -> tuple[Page | None, bool]:
        """The page or tombstone of an article, and whether it is stale.
        Concurrent requests share one query.

        Raises `Transient` if there is no cached page to serve instead.
        """
        page = self._pages.get(article_id)
        if page is not None and self.current:
            self._pages.move_to_end(article_id)
            return page, False
        try:
            return await self._load(article_id), False
        except Transient:
            page = self._pages.get(article_id)
            if page is None:
                raise
            return page, True

    def forget(self, article_id: str) -> None:
        """Drop a changed page.
        A query in flight may have missed the change, so its result is not cached.
        """
        self._pages.pop(article_id, None)
        self._loading.pop(article_id, None)
        self._changed()

    async def _load(self, article_id: str) -> Page | None:
        loading = self._loading.get(article_id)
        if loading is None:
            loading = self._queries.start(lambda: self._store.get(article_id))
            self._loading[article_id] = loading
            loading.add_done_callback(lambda task: self._loaded(article_id, task))
        return await self._queries.wait(loading)

    def _loaded(self, article_id: str, task: asyncio.Task[Page | None]) -> None:
        if self._loading.get(article_id) is not task:
            return
        del self._loading[article_id]
        if task.cancelled() or task.exception():
            return
        page = task.result()
        if page is None or not self._watching:
            # Without the change stream nothing would drop the page later, so it is not cached; an
            # older cached one must not outlive it.
            self._pages.pop(article_id, None)
            return
        self._pages[article_id] = page
        while len(self._pages) > self._capacity:
            self._pages.popitem(last=False)

    async def run(self) -> None:
        """For ever: follow the change stream, and open it again after it was lost."""
        async with background(supervised("the ageing of pages", self._age, TICK_SECONDS)):
            await self.watch()

    async def watch(self) -> None:
        """For ever: follow the change stream alone."""
        await follow(
            "the change stream of pages",
            self._store.watch,
            opened=self._on_open,
            changed=self._on_change,
            lost=self._on_loss,
        )

    async def _on_open(self) -> None:
        self._clear()
        self._watching = True
        self._confirm()

    def _on_change(self, article_id: str | None) -> None:
        self._confirm()
        if article_id is not None:
            self.forget(article_id)

    def _on_loss(self) -> None:
        self._watching = self.current = False
        self._loading.clear()
        self._changed()

    def _confirm(self) -> None:
        self._confirmed_at, self.current = self._seconds(), True
        self._queries.note_answer()

    async def _age(self) -> None:
        self.tick()

    def tick(self) -> None:
        """Mark cached pages as stale, or drop them, after too long without a sign of MongoDB."""
        silent = self._seconds() - self._confirmed_at
        if silent > CURRENT_SECONDS:
            self.current = False
        if self._pages and silent > max(CURRENT_SECONDS, self._stale_seconds):
            log.warning(
                "MongoDB has given no answer for %.0f s: the pages in memory are too old to serve",
                silent,
            )
            self._clear()
        self._metrics.stale_seconds.set(0.0 if self.current or not self._pages else silent)

    def _clear(self) -> None:
        self._pages.clear()
        self._loading.clear()
        self._changed()
