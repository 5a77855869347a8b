"""The read counts that pages show, and what stats stores for pages.
Counts come from `reads.counted`, and are corrected from the database.

Of two totals the one of the larger generation is the later one, else the larger: a total falls only
by a correction, which raises its generation (ADR 0037).
"""

import asyncio
from dataclasses import replace

from luotdoc_events.events import ReadsCounted
from luotdoc_subscriber.base.tasks import supervised
from luotdoc_subscriber.subscribing import Event
from services.render.figures import (
    NO_FIGURES,
    SHOWN_SECONDS,
    TRENDING,
    RankedArticle,
    VisitFigures,
)
from services.render.serving.database import ReaderQueries
from services.render.store import PageStore
from shared.storage.counts import NOTHING, SITE, Total

RELOAD_SECONDS = 30.0
SITE_SECONDS = 1.0


class Totals:
    """Counted reads by article; without a correction they only grow.
    Until `loaded`, numbers may be too low and must not be shown.
    """

    def __init__(self, store: PageStore, queries: ReaderQueries) -> None:
        self._store, self._queries = store, queries
        self._counted: dict[str, Total] = {}
        self._site = NOTHING
        self.baseline = 0
        self.baseline_changed = True
        self.loaded = False
        self._figures, self._figures_at = NO_FIGURES, 0.0
        """What stats has stored, and when it was read, by the event loop's clock."""

    def figures(self) -> VisitFigures | None:
        """The site's reads by period, of one moment, and readers online. None while stats stores
        nothing.

        No period has more reads than `site`, which is of a later moment. Only a correction lowers
        it, so reads from before the last correction are not answered.
        """
        held, visits, online = self._figures, None, None
        if held.visits and self._is_shown(held.visits[1]):
            visits = held.visits[0] if held.counted.generation == self._site.generation else None
        if held.online and self._is_shown(held.online[1]):
            online = held.online[0]
        if visits is None and online is None:
            return None
        return replace(visits or VisitFigures(), online=online)

    def top(self, window: str) -> tuple[RankedArticle, ...] | None:
        """The most read articles of `24h`, `7d`, `30d` or `all`, with their reads in that time.
        None while they are not known.
        """
        return self._list(f"top:{window}")

    def trending(self) -> tuple[RankedArticle, ...] | None:
        """The trending articles, with their reads of the last two hours. None while they are not
        known.
        """
        return self._list(TRENDING)

    def _list(self, name: str) -> tuple[RankedArticle, ...] | None:
        ranked, age = self._figures.lists.get(name, ((), SHOWN_SECONDS + 1))
        return ranked if self._is_shown(age) else None

    def _is_shown(self, age: float) -> bool:
        since = asyncio.get_running_loop().time() - self._figures_at
        return age + since <= SHOWN_SECONDS

    @property
    def site(self) -> int:
        """Counted reads of the whole site."""
        return self._site.reads

    def of(self, article_id: str) -> int:
        """Counted reads of an article."""
        return self._counted.get(article_id, NOTHING).reads

    def note(self, counts: dict[str, Total]) -> None:
        """Keep those of `counts`, totals by article, that are later than the ones here."""
        for article, total in counts.items():
            if total > self._counted.get(article, NOTHING):
                self._counted[article] = total

    async def handle(self, event: Event[ReadsCounted]) -> None:
        """Note the totals of an event."""
        self.note(
            {count.article: Total(count.generation, count.total) for count in event.data.items}
        )

    async def load(self) -> None:
        """Read every total."""
        self.baseline_changed = True
        counted = await self._store.counted()
        counted.pop(SITE, None)
        self.note(counted)
        await self.load_site()
        self.loaded = True

    async def load_site(self) -> None:
        """Read the total of the whole site."""
        self._site = max(self._site, await self._store.site_counted())
        if self.baseline_changed:
            self.baseline_changed = False
            self.baseline = await self._store.baseline()
        asked_at = asyncio.get_running_loop().time()
        self._figures = await self._store.figures()
        self._figures_at = asked_at
        # They may be newer than the total that was read before them.
        self._site = max(self._site, self._figures.counted)
        self._queries.note_answer()

    async def run(self) -> None:
        """For ever: read the site's total each second, and all totals every `RELOAD_SECONDS`."""
        loop = asyncio.get_running_loop()
        reload_at = loop.time()

        async def step() -> None:
            nonlocal reload_at
            if not self.loaded or loop.time() >= reload_at:
                reload_at = loop.time() + RELOAD_SECONDS
                await self.load()
            else:
                await self.load_site()

        await supervised("the reader of read counts", step, SITE_SECONDS)
