"""Builds top lists: of fixed windows from the keeper's view, of others from projections."""

from collections.abc import Callable, Iterable
from datetime import datetime

from luotdoc_subscriber.base.clock import rfc3339
from services.stats import answers
from services.stats.parameters import TopParameters, window_span, window_start
from services.stats.periods import Period
from services.stats.store import Store
from services.stats.traffic.keeper import Keeper
from services.stats.traffic.view import MAX_TOP, View
from services.stats.traffic.windows import FIXED, NEVER
from shared.base.budget import Budget
from shared.base.concurrency import ConcurrencyLimit
from shared.base.errors import Unavailable
from shared.base.single_flight import SingleFlightCache

AT_ONCE, MOST_WAITING, MAX_WAIT_SECONDS = 1, 16, 2.0
"""Bounds for each kind of costly answers: top lists of other windows, and figures of articles.
MongoDB needs many documents for them, and the counter's flushes need the same processors."""
TOP_SHARE, ARTICLE_SHARE = 0.05, 0.15
"""Shares of the time for which costly answers may be made. In that of an article MongoDB has little
to do, in that of a top list nearly all."""
COSTLY_BURST = 1.0
"""Seconds that costly answers may use at once. A rest is not longer than others wait for it."""


def costly_budget(share: float) -> Budget:
    """A budget of costly answers. Several kinds may share it."""
    return Budget(share, COSTLY_BURST, debt=share * MAX_WAIT_SECONDS)


def costly_places(budget: Budget) -> ConcurrencyLimit:
    """The places for one kind of costly answers."""
    return ConcurrencyLimit(
        AT_ONCE, most_waiting=MOST_WAITING, seconds=MAX_WAIT_SECONDS, budget=budget
    )


class TopReports:
    """Top lists. Those of other windows are kept for `seconds` after they were made. One is made at
    a time, and others wait or get `Unavailable`, so that no crowd slows the counter down.
    """

    def __init__(
        self,
        store: Store,
        keeper: Keeper,
        seconds: float,
        monotonic: Callable[[], float],
        budget: Budget,
    ) -> None:
        self._store, self._keeper = store, keeper
        self._making = costly_places(budget)
        self._views: SingleFlightCache[View | None] = SingleFlightCache(seconds, monotonic)
        self._added_up: SingleFlightCache[answers.TopList] = SingleFlightCache(seconds, monotonic)

    async def top(self, query: TopParameters) -> answers.TopList:
        """The most read published articles. Raises `Unavailable` for a window that is not ready."""
        view: View | None
        if query.window in FIXED:
            view = await self._keeper.current()
        else:
            view = await self._views.get(query.window, lambda: self._view(query.window))
        if view and query.window in view.rankings:
            ranked = await view.top(query.window, query.section, query.limit)
            titles = await self._keeper.catalogue.titles(article for article, _ in ranked)
            rows = ((each, *titles[each], reads) for each, reads in ranked if each in titles)
            return _list(query, view.spans[query.window], rows, view.as_of, view.site.since)
        if query.window in FIXED:
            raise Unavailable("the figures of this window are being prepared, try again")
        key = (query.window, query.section)
        whole = await self._added_up.get(key, lambda: self._add_up(query))
        return whole.model_copy(update={"items": whole.items[: query.limit]})

    async def _view(self, window: str) -> View | None:
        async with self._making.place():
            return await self._keeper.with_window(window, window_span(window))

    async def _add_up(self, query: TopParameters) -> answers.TopList:
        """A list from the buckets alone, while projections are being made."""
        async with self._making.place(), self._store.snapshot() as session:
            now = self._keeper.clock()
            start = window_start(query.window, now)
            found = await self._store.top(session, start, MAX_TOP, query.section)
            since = await self._store.traffic.since(session)
        rows = ((row["_id"], row["title"], row["url"], row["reads"]) for row in found)
        return _list(query, (start, NEVER), rows, now, since)


def _list(
    query: TopParameters,
    span: Period,
    rows: Iterable[tuple[str, str, str, int]],
    as_of: datetime,
    since: int | None,
) -> answers.TopList:
    start, end = span
    items = [
        answers.TopItem(article=article, title=title, url=url, reads=reads)
        for article, title, url, reads in rows
    ]
    return answers.TopList(
        window=query.window,
        from_=answers.moment_of(start or None),
        to=answers.moment_of(None if end == NEVER else end),
        section=query.section,
        items=items,
        as_of=rfc3339(as_of),
        since=answers.moment_of(since),
    )
