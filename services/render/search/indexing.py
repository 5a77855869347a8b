"""Keeps the index in step with the pages, in the background."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial

from luotdoc_subscriber.base.clock import Clock
from luotdoc_subscriber.base.tasks import Pause, retried, supervised
from services.render.search.entries import INDEX_VERSION, entry_of
from services.render.search.store import SearchStore, ToIndex

log = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
"""Interval at which entries are looked for that another process has not made."""
AT_ONCE = 200
COUNT_SECONDS = 10.0
"""Interval at which the entries that are due are counted."""
_REST = 2.0
"""Rest after each entry, as a multiple of the time it took: in a burst of articles pages and the
count come first."""


class Indexing:
    """Makes the entries that are due. Several processes share the work."""

    def __init__(
        self,
        *,
        store: SearchStore,
        languages: Sequence[str],
        clock: Clock,
        seconds: Callable[[], float],
        pause: Pause = asyncio.sleep,
    ) -> None:
        """`languages`: the site's; other ones make all entries anew."""
        self._store, self._clock = store, clock
        self._version = f"{INDEX_VERSION} {' '.join(languages)}"
        self._seconds, self._pause = seconds, pause
        self._woken = asyncio.Event()
        self.waiting: int | None = None
        """Articles whose entries are not made yet, as of the last look; None before the first."""
        self._counted = -COUNT_SECONDS

    async def want(self, article_id: str, revision: int) -> None:
        """The article's page is stored at `revision`: its entry will follow."""
        await self._store.want(article_id, revision)
        self._woken.set()

    async def run(self) -> None:
        """Make entries until the process stops."""
        await supervised("the search index", self._step, LOOK_SECONDS)

    async def rebuild(self) -> None:
        """Make the entries due that are missing, older than their page, or of another version.
        To be called at the start.
        """
        after, found = "", 0
        while True:
            look = partial(self._want_outdated, after)
            after, more = await retried("rebuilding the search index", look, 0.25, LOOK_SECONDS)
            found += more
            if not after:
                break
        if found:
            log.info("%d entries of the search index were missing or outdated", found)

    async def _want_outdated(self, after: str) -> tuple[str, int]:
        while await self._store.waiting(AT_ONCE) >= AT_ONCE:
            await self._pause(LOOK_SECONDS)
        last, revisions = await self._store.outdated(after, AT_ONCE, self._version)
        if revisions:
            await self._store.want_all(revisions, self._clock())
            self._woken.set()
        return last, len(revisions)

    async def _step(self) -> object:
        self._woken.clear()
        started = self._seconds()
        if started - self._counted >= COUNT_SECONDS:
            self.waiting, self._counted = await self._store.to_make(), started
        claimed = await self._store.claim(self._clock())
        if claimed is None:
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._woken.wait()
            except TimeoutError:
                pass
            return True
        await self.make(claimed)
        await self._pause(_REST * (self._seconds() - started))
        return True

    async def make(self, claimed: ToIndex) -> bool:
        """Make one entry. False if its page is not stored yet, or has become newer meanwhile: the
        entry stays due.
        """
        page = await self._store.page(claimed.id)
        if page is None or page.revision < claimed.wanted:
            return False
        if (claimed.revision, claimed.version) == (page.revision, self._version):
            return await self._store.keep(page.id, page.revision)
        if page.article is None:
            return await self._store.remove(page.id, page.revision, self._version)
        try:
            entry = entry_of(page.article, page.language)
        except Exception:
            # Without this the entries after it would wait for ever behind it.
            log.exception("article %s can't be indexed, and is not found by search", page.id)
            return await self._store.remove(page.id, page.revision, self._version)
        return await self._store.put(entry, self._version)
