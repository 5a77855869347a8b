"""The read counts that pages show, and the number of readers online.
Counts come from `reads.counted`, and are corrected from the database.

Of two totals the one of the larger generation is the later one, else the larger: a total falls only
by a correction, which raises its generation (ADR 0037).
"""

import asyncio
from datetime import datetime

from luotdoc_events.events import ReadsCounted
from luotdoc_subscriber.base.tasks import supervised
from luotdoc_subscriber.subscribing import Event
from services.render.database import ReaderQueries
from services.render.store import PageStore
from shared.storage.counts import NOTHING, SITE, Total

RELOAD_SECONDS = 30.0
SITE_SECONDS = 1.0
ONLINE_SECONDS = 60.0
"""Time for which the number of readers online is shown after stats has stored it. It stores it
every 20 s, even if it is the same."""


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
        self._online: tuple[int, datetime] | None = None
        self._online_since: float | None = None
        """The moment, by the event loop's clock, at which a new number was seen."""
        self._looked = False

    def online(self) -> int | None:
        """Readers online of the site; None while stats stores no number."""
        if self._online is None or self._online_since is None:
            return None
        age = asyncio.get_running_loop().time() - self._online_since
        return self._online[0] if age <= ONLINE_SECONDS else None

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
        self._note_online(await self._store.online())
        self._queries.note_answer()

    def _note_online(self, held: tuple[int, datetime] | None) -> None:
        # The first number may be of any age, and stats' clock may differ from ours: so a number is
        # shown once another one has been there before it.
        if self._looked and held != self._online:
            self._online_since = asyncio.get_running_loop().time()
        self._online, self._looked = held, True

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
