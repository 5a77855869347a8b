"""Keeps what render's pages show in `online`: the site's figures, most read and trending articles.

Everything is of the newest view, so the figures of a page are of one moment. Every stats writes the
same, and later figures replace earlier ones.
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from services.stats.periods import site_periods
from services.stats.traffic.keeper import OLDEST_SECONDS, Keeper
from services.stats.traffic.view import MAX_TOP, View
from shared.storage.versions import Document

PORTAL_LOOK_SECONDS = 1.0
SHOW_SECONDS = 5.0
"""Least time between two writes of a document."""
REPEAT_SECONDS = 20.0
"""A document that has not changed is stored again so often. render takes one that is not for a dead
one, after a minute."""
LISTS_REST = 100.0
"""The next lists wait for so many times as long as the last ones took, but for `REPEAT_SECONDS` at
most."""
SHOWN_WINDOWS = ("24h", "7d", "30d", "all")
"""The windows of the most read articles that pages offer."""


class PortalWriter:
    """Writes the documents of `online`. `online` answers the readers online of the site, `show`
    stores documents by id with their moment; `zone` is the site's.
    """

    def __init__(
        self,
        keeper: Keeper,
        online: Callable[[], int | None],
        show: Callable[[Mapping[str, Document], datetime], Awaitable[None]],
        zone: ZoneInfo,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keeper, self._online, self._show = keeper, online, show
        self._zone, self._seconds = zone, seconds
        self._shown: dict[str, tuple[float, Document]] = {}
        """By id the fields that were stored last, and when."""
        self._lists_at = 0.0

    async def step(self) -> None:
        """Store what is known and has changed, or is old. Call it each `PORTAL_LOOK_SECONDS`."""
        view = self._keeper.view
        if view is None:
            return
        if self._keeper.clock() - view.as_of > timedelta(seconds=OLDEST_SECONDS):
            return  # an old view must not look like a new one
        made = {"site": site_figures(view, self._zone)}
        if (online := self._online()) is not None:
            made["online"] = {"online": online}  # of its own: another stats may know it
        if (began := self._seconds()) >= self._lists_at:
            made |= await article_lists(view)
            took = self._seconds() - began
            rest = min(REPEAT_SECONDS, max(SHOW_SECONDS, LISTS_REST * took))
            self._lists_at = self._seconds() + rest
        due = {name: fields for name, fields in made.items() if self._is_due(name, fields)}
        if due:
            await self._show(due, view.as_of)
            self._shown |= {name: (self._seconds(), fields) for name, fields in due.items()}

    def _is_due(self, name: str, fields: Document) -> bool:
        if name not in self._shown:
            return True
        at, held = self._shown[name]
        return self._seconds() - at >= (SHOW_SECONDS if fields != held else REPEAT_SECONDS)


def site_figures(view: View, zone: ZoneInfo) -> Document:
    """The site's figures of the view: people's reads, as `/stats/site` has them. Yesterday is None
    if it ended before anything was counted.
    """
    site, periods = view.site, site_periods(view.as_of, zone)
    figures: Document = {name: site.reads(period) for name, period in periods.items()}
    if site.since is None or periods["yesterday"][1] <= site.since:
        figures["yesterday"] = None
    return {"counted": site.counted.reads, "generation": site.counted.generation, **figures}


async def article_lists(view: View) -> Mapping[str, Document]:
    """By id the lists of the view that are ready, of published articles alone."""
    found: dict[str, Document] = {}
    for window in SHOWN_WINDOWS:
        if window in view.rankings:
            ranked = await view.top(window, None)
            found[f"top:{window}"] = {"items": [list(each) for each in ranked[:MAX_TOP]]}
    if view.trends is not None:
        trends = (await view.trends.lists()).get(None, [])
        items = [[trend.article, trend.reads] for trend in trends[:MAX_TOP]]
        found["trending"] = {"items": items}
    return found
