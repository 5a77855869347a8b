"""The last 24 hours of a few articles, for sparklines."""

from collections.abc import Collection
from datetime import datetime

from services.stats.pages.lists import Hours
from services.stats.store import Store
from services.stats.tops import costly_places
from services.stats.traffic.course import SparseCourse
from shared.base.budget import Budget
from shared.base.errors import Unavailable
from shared.base.single_flight import SingleFlightCache
from shared.storage.quarters import PER_DAY, quarter_of

RECENT_SECONDS = 15.0
"""Age up to which the hours of the same articles are used again."""
PER_HOUR_STEP = 4


class RecentHours:
    """Reads the buckets of at most three days, of the articles that a list shows."""

    def __init__(self, store: Store, budget: Budget) -> None:
        self._store, self._places = store, costly_places(budget)
        self._made: SingleFlightCache[Hours] = SingleFlightCache(RECENT_SECONDS)

    async def of(self, articles: Collection[str], now: datetime) -> Hours:
        """The hours of `articles`; none if too many ask for such figures at once."""
        wanted = frozenset(articles)
        if not wanted:
            return {}
        try:
            return await self._made.get(wanted, lambda: self._read(wanted, now))
        except Unavailable:
            return {}

    async def _read(self, articles: Collection[str], now: datetime) -> Hours:
        end = quarter_of(now) + 1
        edges = range(end - PER_DAY, end + 1, PER_HOUR_STEP)
        async with self._places.place(), self._store.snapshot() as session:
            found = await self._store.days.quarters_of(session, articles, (edges[0], end))
        return {each: SparseCourse(found.get(each, {})).ranges(edges) for each in articles}
