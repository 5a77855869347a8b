"""Renders pages again with the present templates: at a start after a change, and as an operator's
command.

The template's version in a stored page says whether its turn has been, so the work may end at any
moment and go on later. Pages are rendered in other processes: in this one readers and live articles
would wait for them.
"""

import asyncio
import logging
import os
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace

import anyio
import anyio.to_process

from luotdoc_subscriber.base.errors import Transient
from services.render.page import Page, stored_article
from services.render.rendering.pages import rendered_page
from services.render.rendering.picture_sizes import held_names
from services.render.rendering.renderer import Renderer
from services.render.settings import RenderSettings
from services.render.site.sites import site_of
from services.render.store import PageStore
from shared.base.site_file import read_site

log = logging.getLogger(__name__)

REDO_BATCH = 50
"""Pages that are rendered and stored together, 2 MB."""
IN_FLIGHT = 10
"""Events of one batch that await their confirms at once."""
NICE = 10
"""How much less urgent the other processes are."""

Rendered = Page | str
"""A page, or the traceback of why it can't be rendered."""
RenderBatch = Callable[[list[Page]], Awaitable[list[Rendered]]]
"""Renders stored pages from their articles."""
MakeRenderer = Callable[[], Renderer]


def present_renderer(settings: RenderSettings) -> Renderer:
    """A renderer of the site's file as it is now, which may be another than at the start. Raises
    `UnusableSite`.
    """
    renderer = Renderer(settings)
    if settings.site:
        now = read_site(settings.site.path, type(settings.site.site))
        renderer.use(site_of(settings, now.site))
    return renderer


def render_batch(renderer: Renderer, pages: list[Page]) -> list[Rendered]:
    """Each page again, from its stored article."""
    return [_rendered(renderer, page) for page in pages]


def _rendered(renderer: Renderer, page: Page) -> Rendered:
    try:
        return rendered_page(renderer, stored_article(page), page.pictures or {})
    except Exception:  # else the pages after it would never be rendered again
        return traceback.format_exc()


class RenderProcesses:
    """Renders batches in up to `processes` other processes, which end with this one.

    `make` is pickled. The renderers that it makes there must be of the template that `version`
    answers.
    """

    def __init__(self, make: MakeRenderer, version: Callable[[], str], processes: int) -> None:
        self._make, self._version = make, version
        self._turns = anyio.CapacityLimiter(processes)

    async def render(self, pages: list[Page]) -> list[Rendered]:
        """Each page again. Raises `Transient` if the process has ended."""
        arguments = self._make, self._version(), pages
        try:
            return await anyio.to_process.run_sync(
                _in_a_process, *arguments, cancellable=True, limiter=self._turns
            )
        except anyio.BrokenWorkerProcess:
            raise Transient("the process that renders pages has ended") from None


_kept: list[Renderer] = []
"""The renderer of a process that renders batches."""


def _in_a_process(make: MakeRenderer, version: str, pages: list[Page]) -> list[Rendered]:
    if not _kept:
        os.nice(NICE)
    if not _kept or _kept[0].version != version:
        try:
            _kept[:] = [make()]
        except Exception as error:  # such as a file of the site that is being edited
            raise Transient(f"the site can't be read: {error}") from None
    if _kept[0].version != version:
        raise Transient("the site or the templates have changed meanwhile")
    return render_batch(_kept[0], pages)


class Redo:
    """Renders pages of other templates again, stores them, and publishes their events."""

    def __init__(
        self,
        *,
        store: PageStore,
        version: Callable[[], str],
        render: RenderBatch,
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
        self._store, self._version, self._render = store, version, render
        self._publish, self._stored = publish, stored
        self._at_once, self._in_flight, self._share = at_once, in_flight, share
        self._redone = self._seen = 0

    async def run(self, shown: Callable[[int], None] = lambda _done: None) -> int:
        """Render all of them again. Returns their number; `shown` is called with that of those that
        were looked at. Raises `Transient`; the next call goes on.
        """
        self._redone = self._seen = 0
        pages = self._store.outdated(self._version())
        lock = asyncio.Lock()

        async def line() -> None:
            while batch := await _next(pages, lock):
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

    async def _batch(self, old: list[Page]) -> None:
        old = await self._with_pictures(old)
        made = list[tuple[Page, str]]()
        for page, found in zip(old, await self._render(old), strict=True):
            if isinstance(found, str):
                log.error(
                    "page %s can't be rendered from its stored article, and stays as it is; "
                    "`python -m services.ingest republish %s` replaces it: %s",
                    page.id,
                    page.id,
                    found,
                )
            else:
                made.append((found, page.template))
        replaced = await self._store.redo(made)
        await self._tell([page for page, _ in made if page.id in replaced])

    async def _with_pictures(self, pages: list[Page]) -> list[Page]:
        """The pages with what is known of their pictures; an earlier release stored none of it."""
        named = {page.id: held_names(page.article) for page in pages if page.pictures is None}
        facts = await self._store.picture_facts([n for names in named.values() for n in names])
        return [
            replace(page, pictures={name: facts[name] for name in named[page.id] if name in facts})
            if page.id in named
            else page
            for page in pages
        ]

    async def _tell(self, pages: Sequence[Page]) -> None:
        """Publish the events of stored pages, and remove the marks of those that are confirmed."""
        waiting, told = list(reversed(pages)), list[Page]()

        async def line() -> None:
            while waiting:
                page = waiting.pop()
                self._stored(page.id)
                await self._publish(page)
                told.append(page)

        lines = (line() for _ in range(self._in_flight))
        outcomes = await asyncio.gather(*lines, return_exceptions=True)
        await self._store.unmark(told)
        self._redone += len(told)
        for each in outcomes:
            if each is not None:
                raise each


async def _next(pages: AsyncIterator[Page], lock: asyncio.Lock) -> list[Page]:
    batch = list[Page]()
    async with lock:  # an iterator serves one at a time
        while len(batch) < REDO_BATCH and (page := await anext(pages, None)) is not None:
            batch.append(page)
    return batch
