"""stats' handler of article events."""

from collections.abc import Awaitable, Callable

from luotdoc_events.events import Article, ArticleWithdrawn
from luotdoc_subscriber.subscribing import Event
from services.stats.catalogue import change
from services.stats.store import Store

ArticleEvent = Event[Article | ArticleWithdrawn]


def catalogue_handler(store: Store) -> Callable[[ArticleEvent], Awaitable[bool]]:
    """The handler that updates the catalogue. It returns False for an event that is not newer."""

    async def handle(event: ArticleEvent) -> bool:
        return await store.apply(change(event.data))

    return handle
