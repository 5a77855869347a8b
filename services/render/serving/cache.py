"""Caches pages in memory, and drops a page when the change stream reports a change."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from luotdoc_subscriber.base.errors import Transient
from luotdoc_subscriber.base.tasks import background, supervised
from services.render.metrics import RenderMetrics
from services.render.page import Page, PageChange, in_memory
from services.render.serving.database import ReaderQueries
from services.render.store import PageStore
from shared.storage.changes import follow

log = logging.getLogger(__name__)

CURRENT_SECONDS = 3.0
"""Without a sign of MongoDB for this long, cached pages are stale. An open change stream gets one
every half second."""
TICK_SECONDS = 0.5
REPORT_SECONDS = 1.0
"""Longest wait for the change stream's report of a page that was just stored."""


@dataclass(slots=True)
class _Expected:
    """A page that is being stored, until the change stream reports it."""

    page: Page
    reported: asyncio.Event = field(default_factory=asyncio.Event)


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
        self._expected: dict[str, _Expected] = {}
        self._watching = False
        self._confirmed_at = float("-inf")
        self.current = False
        """True while cached pages are known to be equal to those in MongoDB."""

    @property
    def holds_stale(self) -> bool:
        """True if there are cached pages that may be served although MongoDB gives no answer."""
        return bool(self._pages) and not self.current

    def peek(self, article_id: str) -> Page | None:
        """The page or tombstone of an article, if it is in memory and current."""
        page = self._pages.get(article_id) if self.current else None
        if page is not None:
            self._pages.move_to_end(article_id)
        return page

    async def get(self, article_id: str) -> tuple[Page | None, bool]:
        """The page or tombstone of an article, and whether it is stale.
        Concurrent requests share one query.

        Raises `Transient` if there is no cached page to serve instead.
        """
        if (page := self.peek(article_id)) is not None:
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
        self._drop(article_id)
        self._changed()

    def _drop(self, article_id: str) -> None:
        self._pages.pop(article_id, None)
        self._loading.pop(article_id, None)

    @contextmanager
    def expecting(self, page: Page) -> Iterator[Callable[[], Awaitable[None]]]:
        """While `page` is being stored. Gives a function that waits for the change stream's report
        of it: then this process has it in memory, and every other one is told at that moment, too.

        The wait ends after `REPORT_SECONDS`, and at once without the change stream.
        """
        self._expected[page.id] = expected = _Expected(in_memory(page))

        async def reported() -> None:
            if self._watching:
                with suppress(TimeoutError):
                    async with asyncio.timeout(REPORT_SECONDS):
                        await expected.reported.wait()

        try:
            yield reported
        finally:
            if self._expected.get(page.id) is expected:
                del self._expected[page.id]

    async def _load(self, article_id: str) -> Page | None:
        loading = self._loading.get(article_id)
        if loading is None:
            loading = self._queries.start(lambda: self._stored(article_id))
            self._loading[article_id] = loading
            loading.add_done_callback(lambda task: self._loaded(article_id, task))
        return await self._queries.wait(loading)

    async def _stored(self, article_id: str) -> Page | None:
        page = await self._store.get(article_id)
        return in_memory(page) if page else None

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
        self._keep(page)

    def _keep(self, page: Page) -> None:
        self._pages[page.id] = page
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

    def _on_change(self, change: PageChange | None) -> None:
        self._confirm()
        if change is None or (change.revision is None and change.template is None):
            return  # nothing that is shown has changed
        self._drop(change.id)
        if change.revision is not None:  # lists show nothing of a template
            self._changed()
        expected = self._expected.get(change.id)
        if expected and _is_of(change, expected.page):
            # In the order of the stream: a later change drops the page again. Of a tombstone the
            # stored document has more, see `page_document`.
            if expected.page.state == "published":
                self._keep(expected.page)
            expected.reported.set()

    def _on_loss(self) -> None:
        self._watching = self.current = False
        for each in self._expected.values():
            each.reported.set()
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


def _is_of(change: PageChange, page: Page) -> bool:
    """True if `page` is what was stored. A revision or template that is not named is the same."""
    return change.revision in (None, page.revision) and change.template in (None, page.template)
