"""Renders pages again with the present templates: at a start after a change, and as an operator's
command.

The template's version in a stored page says whether its turn has been, so the work may end at any
moment and go on later.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from services.render.page import Page
from services.render.rendering.redo_batch import Redone
from services.render.store import PageStore

log = logging.getLogger(__name__)

REDO_BATCH = 50
"""Pages that are rendered and stored together, 1 MB: news waits for MongoDB behind few of them."""
IN_FLIGHT = 10
"""Events of one batch that await their confirms at once: in render readers wait for them."""

RenderAndStore = Callable[[list[str]], Awaitable[Redone]]
"""Renders these pages again and stores them. Raises `Transient`."""


class Redo:
    """Has pages of other templates rendered again, and publishes their events."""

    def __init__(
        self,
        *,
        store: PageStore,
        version: Callable[[], str],
        redo: RenderAndStore,
        publish: Callable[[Page], Awaitable[None]],
        stored: Callable[[str], None],
        at_once: int = 1,
        in_flight: int = IN_FLIGHT,
        share: float = 1.0,
    ) -> None:
        """`stored` is called with the id of each page before its event is published.

        `at_once` batches are in work; each of them pauses, so that the work takes `share` of the
        time.
        """
        self._store, self._version, self._redo = store, version, redo
        self._publish, self._stored = publish, stored
        self._at_once, self._in_flight, self._share = at_once, in_flight, share
        self._redone = self._seen = 0

    async def run(self, shown: Callable[[int], None] = lambda _done: None) -> int:
        """Render all of them again. Returns their number; `shown` is called with that of those that
        were looked at. Raises `Transient`; the next call goes on.
        """
        self._redone = self._seen = 0
        ids = self._store.outdated(self._version())
        lock = asyncio.Lock()

        async def line() -> None:
            while batch := await _next(ids, lock):
                began = time.monotonic()
                await self._batch(batch)
                self._seen += len(batch)
                shown(self._seen)
                await asyncio.sleep((time.monotonic() - began) * (1 / self._share - 1))

        lines = [asyncio.create_task(line()) for _ in range(self._at_once)]
        try:
            await asyncio.gather(*lines)
        finally:
            for each in lines:
                each.cancel()
        return self._redone

    async def _batch(self, ids: list[str]) -> None:
        redone = await self._redo(ids)
        for name, found in redone.faults.items():
            log.error(
                "page %s can't be rendered from its stored article, and stays as it is; "
                "`python -m services.ingest republish %s` replaces it: %s",
                name,
                name,
                found,
            )
        await self._tell(redone.pages, redone.call)

    async def _tell(self, pages: Sequence[Page], call: str) -> None:
        """Publish the events of stored pages, and remove the marks of those that are confirmed."""
        waiting, told = list(reversed(pages)), list[str]()

        async def line() -> None:
            while waiting:
                page = waiting.pop()
                self._stored(page.id)
                await self._publish(page)
                told.append(page.id)

        lines = (line() for _ in range(self._in_flight))
        outcomes = await asyncio.gather(*lines, return_exceptions=True)
        await self._store.unmark(told, call)
        self._redone += len(told)
        for each in outcomes:
            if each is not None:
                raise each


async def _next(ids: AsyncIterator[str], lock: asyncio.Lock) -> list[str]:
    batch = list[str]()
    async with lock:  # an iterator serves one at a time
        while len(batch) < REDO_BATCH and (name := await anext(ids, None)) is not None:
            batch.append(name)
    return batch
