"""Pages in memory, dropped the moment MongoDB says that they changed."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable

from pymongo.errors import PyMongoError

from services.render.store import Page, PageStore

log = logging.getLogger(__name__)


class PageCache:
    """Holds the pages that were asked for last. Without a standing watch it holds nothing and asks every time."""

    def __init__(self, store: PageStore, capacity: int, changed: Callable[[], None]) -> None:
        self._store, self._capacity, self._changed = store, capacity, changed
        self._pages: OrderedDict[str, Page] = OrderedDict()
        self._loading: dict[str, asyncio.Task[Page | None]] = {}
        self._watching = False

    async def get(self, article_id: str) -> Page | None:
        """The page or tombstone of an article. Those who ask at once share one look."""
        page = self._pages.get(article_id)
        if page is not None:
            self._pages.move_to_end(article_id)
            return page
        loading = self._loading.get(article_id)
        if loading is None:
            loading = self._loading[article_id] = asyncio.create_task(self._store.get(article_id))
            loading.add_done_callback(lambda task: self._loaded(article_id, task))
        return await asyncio.shield(loading)

    def forget(self, article_id: str) -> None:
        """This page has changed; a look that is on its way may have missed that and is not kept."""
        self._pages.pop(article_id, None)
        self._loading.pop(article_id, None)
        self._changed()

    def _loaded(self, article_id: str, task: asyncio.Task[Page | None]) -> None:
        if self._loading.get(article_id) is not task:
            return
        del self._loading[article_id]
        if task.cancelled() or task.exception() or not self._watching or not self._capacity:
            return
        if page := task.result():
            self._pages[article_id] = page
            while len(self._pages) > self._capacity:
                self._pages.popitem(last=False)

    async def run(self) -> None:
        """Watch for changes, for ever."""
        while True:
            try:
                async for article_id in self._store.watch(self._opened):
                    self.forget(article_id)
            except PyMongoError as error:
                log.warning("the watch on pages is lost, pages are read from MongoDB: %s", str(error)[:200])
            self._watching = False
            self._clear()
            await asyncio.sleep(0.5)

    async def _opened(self) -> None:
        self._clear()
        self._watching = True

    def _clear(self) -> None:
        self._pages.clear()
        self._loading.clear()
        self._changed()
