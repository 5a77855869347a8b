"""Builds top lists: of fixed windows from the keeper's view, of others from the database."""

from collections.abc import Iterable

from luotdoc_subscriber.base.clock import Clock, rfc3339
from services.stats import answers
from services.stats.parameters import TopParameters, window_start
from services.stats.store import Store
from services.stats.traffic.keeper import Keeper
from services.stats.traffic.view import MAX_TOP
from services.stats.traffic.windows import FIXED
from shared.base.concurrency import ConcurrencyLimit
from shared.base.errors import Unavailable
from shared.base.single_flight import SingleFlightCache

AT_ONCE, MOST_WAITING, MAX_WAIT_SECONDS = 1, 16, 2.0
"""Bounds for top lists of other windows, and for series of articles: MongoDB adds them up from many
documents, and the counter's flushes need the same processors."""


def costly_places() -> ConcurrencyLimit:
    """The places for one kind of costly answers."""
    return ConcurrencyLimit(AT_ONCE, most_waiting=MOST_WAITING, seconds=MAX_WAIT_SECONDS)


class TopReports:
    """Top lists. Those that MongoDB adds up are kept in `made`. One is added up at a time, and
    others wait or get `Unavailable`, so that no crowd slows the counter down.
    """

    def __init__(
        self,
        store: Store,
        keeper: Keeper,
        clock: Clock,
        made: SingleFlightCache[answers.TopList],
    ) -> None:
        self._store, self._keeper, self._clock = store, keeper, clock
        self._making = costly_places()
        self._made = made

    async def top(self, query: TopParameters) -> answers.TopList:
        """The most read published articles. Raises `Unavailable` for a window that is not ready."""
        if query.window in FIXED:
            return await self._kept(query)
        key = (query.window, query.section)
        whole = await self._made.get(key, lambda: self._added_up(query.window, query.section))
        return whole.model_copy(update={"items": whole.items[: query.limit]})

    async def _kept(self, query: TopParameters) -> answers.TopList:
        view = await self._keeper.current()
        if query.window not in view.rankings:
            raise Unavailable("the figures of this window are being prepared, try again")
        ranked = view.top(query.window, query.section)[: query.limit]
        titles = await self._keeper.catalogue.titles(article for article, _ in ranked)
        rows = ((each, *titles[each], reads) for each, reads in ranked if each in titles)
        return _list(query.window, query.section, rows, rfc3339(view.as_of))

    async def _added_up(self, window: str, section: str | None) -> answers.TopList:
        async with self._making.place(), self._store.snapshot() as session:
            now = self._clock()
            found = await self._store.top(session, window_start(window, now), MAX_TOP, section)
        rows = ((row["_id"], row["title"], row["url"], row["reads"]) for row in found)
        return _list(window, section, rows, rfc3339(now))


def _list(
    window: str, section: str | None, rows: Iterable[tuple[str, str, str, int]], as_of: str
) -> answers.TopList:
    items = [
        answers.TopItem(article=article, title=title, url=url, reads=reads)
        for article, title, url, reads in rows
    ]
    return answers.TopList(window=window, section=section, items=items, as_of=as_of)
