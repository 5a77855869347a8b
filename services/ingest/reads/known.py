"""The set of public articles in memory, which the beacon asks for every read."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable

from luotdoc_subscriber.base.errors import Transient
from services.ingest.metrics import IngestMetrics
from services.ingest.store import ArticleStore
from shared.base.errors import Unavailable
from shared.storage.changes import follow

log = logging.getLogger(__name__)

NEGATIVE_SECONDS = 1.0
"""Time for which an unknown id is cached as unknown."""
MAX_NEGATIVE = 10_000
MAX_LOOKUPS = 8
MAX_WAITING = 500
LOOKUP_SECONDS = 2.0
"""Timeout for queueing and query together. After it the beacon answers 503."""


class KnownArticles:
    """The set of public articles, kept up to date by a change stream."""

    def __init__(
        self, store: ArticleStore, seconds: Callable[[], float], metrics: IngestMetrics
    ) -> None:
        self._store, self._seconds = store, seconds
        self._public: set[str] = set()
        self._absent: OrderedDict[str, float] = OrderedDict()
        self._lookups = asyncio.Semaphore(MAX_LOOKUPS)
        self._waiting = 0
        self._notes = 0
        """How often the set was changed by what was told; a query may be older than a note."""
        self.loaded = False
        metrics.known.read(lambda: len(self._public) if self.loaded else None)

    def __contains__(self, article_id: str) -> bool:
        # Articles are noted before they are loaded, if the API is asked that early.
        return self.loaded and article_id in self._public

    def note(self, article_id: str, public: bool) -> None:
        """Note that an article has become public, or is public no more."""
        self._notes += 1
        if public:
            self._public.add(article_id)
            self._absent.pop(article_id, None)
        else:
            self._public.discard(article_id)

    async def look_up(self, article_id: str) -> bool:
        """Whether an article that is not in memory is public, by MongoDB.
        Raises `Unavailable` without an answer.
        """
        if self._absent.get(article_id, 0.0) > self._seconds():
            return False
        if self._waiting >= MAX_WAITING:
            raise Unavailable("too many reads of unknown articles at once")
        self._waiting += 1
        try:
            async with asyncio.timeout(LOOKUP_SECONDS), self._lookups:
                notes = self._notes
                public = article_id in self._public or await self._store.is_published(article_id)
        except (TimeoutError, Transient) as error:
            raise Unavailable(
                "whether there is such an article is not known now, try again"
            ) from error
        finally:
            self._waiting -= 1
        if not public:
            while len(self._absent) >= MAX_NEGATIVE:
                self._absent.popitem(last=False)
            self._absent[article_id] = self._seconds() + NEGATIVE_SECONDS
        elif notes == self._notes:  # else the article may have been withdrawn during the query
            self._public.add(article_id)
        return public

    async def run(self) -> None:
        """For ever: load the set, follow its changes,
        and load it again after the change stream was lost.
        """
        await follow(
            "the change stream of articles",
            self._store.watch,
            opened=self._load,
            changed=lambda change: self.note(*change),
        )

    async def _load(self) -> None:
        self._public = await self._store.published()
        self._notes += 1
        self.loaded = True
        log.info("%d public articles are known", len(self._public))
