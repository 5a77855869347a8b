"""Pages that were made a moment ago."""

import time
from collections.abc import Awaitable, Callable, Hashable

from services.stats.pages.shown import HtmlPage

KEPT_SECONDS = 1.0
MOST_PAGES = 64
"""Pages that are kept; each is a few hundred KB at most."""


class KeptPages:
    """Keeps each page for `KEPT_SECONDS`, whatever else an address has in its query.

    The caller makes a missing page itself, so that its request's budget pays for it
    (`shared.base.budget`).
    """

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._made: dict[Hashable, tuple[float, HtmlPage]] = {}

    def held(self, key: Hashable) -> HtmlPage | None:
        """The page, if there is a fresh one."""
        until, page = self._made.get(key, (0.0, None))
        return page if page and self._seconds() < until else None

    async def get(self, key: Hashable, make: Callable[[], Awaitable[HtmlPage]]) -> HtmlPage:
        """The page of `key`, kept or made."""
        if page := self.held(key):
            return page
        page = await make()
        self._made.pop(key, None)
        while len(self._made) >= MOST_PAGES:
            del self._made[next(iter(self._made))]
        self._made[key] = (self._seconds() + KEPT_SECONDS, page)
        return page
