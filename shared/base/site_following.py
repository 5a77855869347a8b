"""Follows the site's file: a changed one is taken without a restart, one with faults is not."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from luotdoc_subscriber.base.tasks import background, supervised
from shared.base.metrics import SiteFileMetrics
from shared.base.settings import Settings
from shared.base.site_basics import SiteBasics
from shared.base.site_file import SiteFile, UnusableSite, digest_of, read_site

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""A change is taken once two looks found the same content, so that no half of a file is read."""
_FIXED = "base_url", "time_zone"
"""Keys that need a restart: all services share them, and counts and events depend on them. So do
languages, which routes and the search index are made of."""

_MOST_BYTES = 2 << 20
"""More than any file of a site may have."""


class SiteFollower:
    """Looks at the site's file each second.

    `taken` is called with a changed file's content. One with faults is not used, and `metrics` say
    so: the one before it stays. Without a file the follower does nothing.
    """

    def __init__(
        self,
        settings: Settings,
        metrics: SiteFileMetrics,
        taken: Callable[[SiteBasics], None] = lambda _: None,
    ) -> None:
        self._settings, self._metrics, self._taken = settings, metrics, taken
        self._held = settings.site
        held = self._held
        self._names: Iterable[str] = held.beside if held else ()
        self._settled = self._seen = held.digest if held else ""
        self.fault = ""
        """Why the file's present content is not used; empty while it is."""

    @property
    def sections(self) -> Mapping[str, str]:
        """The names of the site's sections of now, by slug."""
        if self._held:
            return dict(self._held.settings["sections"])
        return dict(getattr(self._settings, "sections", ()))

    def beside(
        self, running: Callable[[], AbstractAsyncContextManager[None]]
    ) -> Callable[[], AbstractAsyncContextManager[None]]:
        """The life `running` of a service, and the looks beside it."""

        @asynccontextmanager
        async def both() -> AsyncIterator[None]:
            async with background(self.run()), running():
                yield

        return both

    async def run(self) -> None:
        """For ever: look."""
        if self._held is None:
            await asyncio.Event().wait()
        await supervised("the look at the site's file", self.look, LOOK_SECONDS)

    async def look(self) -> None:
        """Look at the file once."""
        if self._held is None:
            return
        found = await asyncio.to_thread(_look_at, self._held.path, self._names)
        seen, self._seen = self._seen, found
        if found == self._settled or found != seen:
            return
        self._settled = found
        try:
            site = await asyncio.to_thread(read_site, self._held.path, type(self._held.site))
            self._check(site)
        except UnusableSite as error:
            # With more names the next looks differ from this one, so the file is read once more.
            self._names = {*self._names, *error.names}
            if str(error) != self.fault:
                self.fault = str(error)
                self._metrics.refused.inc()
                self._metrics.faulty.set(1)
                log.error("the site's file was changed, and the one before stays in use: %s", error)
            return
        self._held, self._names, self.fault = site, site.beside, ""
        self._settled = self._seen = site.digest
        self._metrics.faulty.set(0)
        log.info("the site's file was changed, and is in use")
        self._taken(site.site)

    def _check(self, site: SiteFile) -> None:
        """Raises `UnusableSite` for what only a restart can change."""
        assert self._held is not None  # noqa: S101
        held = self._held.settings
        faults = [
            site.fault(name, "was changed: restart all services")
            for name in _FIXED
            if site.settings.get(name) != held.get(name)
        ]
        if site.site.languages != self._held.site.languages:
            faults.append(site.fault("languages", "was changed: restart all services"))
        for name, value in self._given().items():
            if site.settings.get(name, value) != value:
                told = f"contradicts LUOTDOC_{name.upper()}, which says {value!r}"
                faults.append(site.fault(name, told))
        if faults:
            raise UnusableSite(site.path, faults)

    def _given(self) -> Mapping[str, Any]:
        """The settings that are given besides the file."""
        fields, start = type(self._settings).model_fields, self._settings.site
        given = start.given & fields.keys() - {"site", *_FIXED} if start else frozenset()
        return {name: getattr(self._settings, name) for name in given}


def _look_at(path: Path, names: Iterable[str]) -> str:
    content = _content(path)
    beside = {name: _content(path.parent / name) for name in names}
    return digest_of(content if content is not None else b"\0 can't be read", beside)


def _content(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(_MOST_BYTES)
    except OSError:
        return None
