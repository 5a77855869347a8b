"""Other processes that render pages again: in the service's own, readers and live articles would
wait for them. They read and write pages themselves, so that no page travels between processes.
"""

import asyncio
import os
from collections.abc import Callable
from functools import partial

import anyio
import anyio.to_process

from luotdoc_subscriber.base.errors import Transient
from services.render.rendering.redo_batch import Redone, redo_batch
from services.render.rendering.renderer import Renderer
from services.render.settings import RenderSettings
from services.render.site.sites import site_of
from services.render.store import PageStore
from shared.base.site_file import read_site
from shared.storage import mongo

NICE = 10
"""How much less urgent the other processes are."""

MakeRenderer = Callable[[RenderSettings], Renderer]


def present_renderer(settings: RenderSettings) -> Renderer:
    """A renderer of the site's file as it is now, which may be another than at the start. Raises
    `UnusableSite`.
    """
    renderer = Renderer(settings)
    if settings.site:
        now = read_site(settings.site.path, type(settings.site.site))
        renderer.use(site_of(settings, now.site))
    return renderer


class RedoProcesses:
    """Up to `processes` other processes, which end with this one.

    `make` is pickled. The renderers that it makes there must be of the template that `version`
    answers.
    """

    def __init__(
        self,
        settings: RenderSettings,
        make: MakeRenderer,
        version: Callable[[], str],
        *,
        processes: int,
    ) -> None:
        self._work = partial(_in_a_process, settings, make)
        self._version = version
        self._turns = anyio.CapacityLimiter(processes)

    async def redo(self, ids: list[str]) -> Redone:
        """Render and store these pages again. Raises `Transient`, also if the process has ended."""
        try:
            return await anyio.to_process.run_sync(
                self._work, self._version(), ids, cancellable=True, limiter=self._turns
            )
        except anyio.BrokenWorkerProcess:
            raise Transient("the process that renders pages has ended") from None


class _Redoing:
    """What such a process keeps: its loop, its connection to MongoDB, and its renderer."""

    def __init__(self, mongo_url: str) -> None:
        os.nice(NICE)
        self.runner = asyncio.Runner()
        self.store = PageStore(mongo.connect(mongo_url, "render-redo")[1])
        self.renderer: Renderer | None = None


_kept: list[_Redoing] = []


def _in_a_process(
    settings: RenderSettings, make: MakeRenderer, version: str, ids: list[str]
) -> Redone:
    if not _kept:
        _kept.append(_Redoing(settings.mongo_url))
    kept = _kept[0]
    if kept.renderer is None or kept.renderer.version != version:
        try:
            kept.renderer = make(settings)
        except Exception as error:  # such as a file of the site that is being edited
            raise Transient(f"the site can't be read: {error}") from None
    if kept.renderer.version != version:
        raise Transient("the site or the templates have changed meanwhile")
    return kept.runner.run(redo_batch(kept.store, kept.renderer, ids))
