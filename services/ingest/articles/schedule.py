"""Publishes scheduled articles when their time comes."""

import logging
from collections.abc import Callable

from luotdoc_subscriber.base.clock import Clock
from luotdoc_subscriber.base.errors import Transient
from luotdoc_subscriber.base.log import correlate
from luotdoc_subscriber.base.tasks import supervised
from services.ingest.articles.article import StoredArticle
from services.ingest.articles.changes import Decision, come_due
from services.ingest.store import ArticleStore

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
"""Interval of looks for due articles. Every replica looks, and one of them wins each article."""


class Schedule:
    """Publishes due scheduled articles."""

    def __init__(
        self, *, store: ArticleStore, clock: Clock, base_url: str, changed: Callable[[], None]
    ) -> None:
        self._store, self._clock, self._base_url, self._changed = store, clock, base_url, changed

    async def run(self) -> None:
        """For ever: publish due articles."""
        await supervised("the schedule of articles", self.look, LOOK_SECONDS)

    async def look(self) -> None:
        """Publish every article that is due now. One that can't be published keeps no other back:
        its error is raised after the others.
        """
        failed: Exception | None = None
        for article_id in await self._store.due(self._clock()):
            try:
                change = await self._store.change(article_id, self._decide, correlate(None))
            except Transient:
                raise
            except Exception as error:
                failed = failed or error
                continue
            if change.changed:
                log.info("published on schedule", extra={"article": article_id})
                self._changed()
        if failed is not None:
            raise failed

    def _decide(self, current: StoredArticle | None) -> Decision:
        if current is None:
            raise RuntimeError("articles are never deleted")
        return come_due(current, self._clock(), self._base_url)
