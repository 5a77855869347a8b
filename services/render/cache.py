"""Caches pages in memory, and drops a page when the change stream reports a change."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable

from luotdoc_subscriber.base.errors import Transient
from luotdoc_subscriber.base.tasks import background, supervised
from services.render.database import Questions
from services.render.metrics import RenderMetrics
from services.render.store import Page, PageStore
from shared.storage.changes import follow

log = logging.getLogger(__name__)

PROOF_SECONDS = 3.0
"""An open change stream hears from MongoDB every half second.
After so long without it, cached pages are stale."""
TICK_SECONDS = 0.5


class PageCache:
    """An LRU cache of pages.

    While the change stream of `pages` works, a cached page is as in MongoDB. Without it each
    request queries MongoDB. A cached page is then served, as stale, only if MongoDB gives no
    answer, for at most `stale_seconds` after the stream last heard from it. `seconds` is a
    monotonic clock.
    """

    def __init__(
        self,
        *,
        store: PageStore,
        questions: Questions,
        capacity: int,
        changed: Callable[[], None],
        seconds: Callable[[], float],
        stale_seconds: float,
        metrics: RenderMetrics,
    ) -> None:
        self._store, self._questions, self._capacity = store, questions, capacity
        self._changed, self._seconds = changed, seconds
        self._stale_seconds, self._metrics = stale_seconds, metrics
        self._pages: OrderedDict[str, Page] = OrderedDict()
        self._loading: dict[str, asyncio.Task[Page | None]] = {}
        self._watching = False
        self._proved = float("-inf")
        self.proven = False
        """True while cached pages are known to be as in MongoDB."""

    @property
    def holds_stale(self) -> bool:
        """True if there are cached pages that may be served although MongoDB gives no answer."""
        return bool(self._pages) and not self.proven

    async def get(self, article_id: str) -> tuple[Page | None, bool]:
        """The page or tombstone of an article, and whether it is stale.
        Concurrent requests share one query.

        Raises `Transient` if there is no cached page to serve instead.
        """
        page = self._pages.get(article_id)
        if page is not None and self.proven:
            self._pages.move_to_end(article_id)
            return page, False
        try:
            return await self._look(article_id), False
        except Transient:
            page = self._pages.get(article_id)
            if page is None:
                raise
            return page, not self.proven

    def forget(self, article_id: str) -> None:
        """Drop a changed page.
        The result of a query in flight is not cached, because it may miss the change.
        """
        self._pages.pop(article_id, None)
        self._loading.pop(article_id, None)
        self._changed()

    async def _look(self, article_id: str) -> Page | None:
        loading = self._loading.get(article_id)
        if loading is None:
            loading = self._questions.start(lambda: self._store.get(article_id))
            self._loading[article_id] = loading
            loading.add_done_callback(lambda task: self._loaded(article_id, task))
        return await self._questions.wait(loading)

    def _loaded(self, article_id: str, task: asyncio.Task[Page | None]) -> None:
        if self._loading.get(article_id) is not task:
            return
        del self._loading[article_id]
        if task.cancelled() or task.exception() or not self._capacity:
            return
        page = task.result()
        if page is None or not self._watching:
            # Without the change stream the page can't be cached, and an older cached one must go.
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
            opened=self._opened,
            changed=self._heard,
            lost=self._lost,
        )

    async def _opened(self) -> None:
        self._clear()
        self._watching = True
        self._prove()

    def _heard(self, article_id: str | None) -> None:
        self._prove()
        if article_id is not None:
            self.forget(article_id)

    def _lost(self) -> None:
        self._watching = self.proven = False
        self._loading.clear()
        self._changed()

    def _prove(self) -> None:
        self._proved, self.proven = self._seconds(), True
        self._questions.note_answer()

    async def _age(self) -> None:
        self.tick()

    def tick(self) -> None:
        """Mark pages as stale, or drop them,
        if the change stream has not heard from MongoDB for too long.
        """
        silent = self._seconds() - self._proved
        if silent > PROOF_SECONDS:
            self.proven = False
        if self._pages and silent > max(PROOF_SECONDS, self._stale_seconds):
            log.warning(
                "MongoDB has given no answer for %.0f s: the pages in memory are too old to serve",
                silent,
            )
            self._clear()
        self._metrics.stale_seconds.set(0.0 if self.proven or not self._pages else silent)

    def _clear(self) -> None:
        self._pages.clear()
        self._loading.clear()
        self._changed()
