"""Reconciliation: requests the subscribers' state listings and compares them with the articles."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence

import httpx

from luotdoc_subscriber.base.errors import Refused, Transient
from luotdoc_subscriber.base.tasks import supervised
from services.ingest.articles.reconcile import DIFFERENCES, Difference, compare, lasting
from services.ingest.metrics import IngestMetrics
from services.ingest.store import ArticleStore
from shared.web.state_listing import PAGE, Held, read_listing

log = logging.getLogger(__name__)

INTERVAL_SECONDS = 300.0
"""Interval of comparisons; each reads one line per article on both sides."""
SETTLE_SECONDS = 5.0
"""Time between the first look and the second; an article's page follows within 2 s."""
PAGE_SECONDS = 30.0
MAX_PAGE_BYTES = 1 << 20
"""Upper bound for the bytes of an answer, far more than `PAGE` lines need."""


async def differences(
    store: ArticleStore,
    http: httpx.AsyncClient,
    url: str,
    shown: Callable[[str], None] = lambda _id: None,
) -> list[Difference]:
    """The lasting differences between the articles and the state that a subscriber lists at `url`.

    `shown` is called with the progress.
    Raises `Refused` if the subscriber gives no usable answer, `Transient` while MongoDB is away.
    """
    first = await _look(store, http, url, shown)
    if not first:
        return []
    await asyncio.sleep(SETTLE_SECONDS)
    return lasting(first, await _look(store, http, url, shown))


async def _look(
    store: ArticleStore, http: httpx.AsyncClient, url: str, shown: Callable[[str], None]
) -> list[Difference]:
    found, after = list[Difference](), ""
    while True:
        held = await _ask(http, url, after)
        articles = await store.held(after, PAGE)
        # Compare only up to the last id of both pages.
        # The rest of the longer one comes with the next page.
        ends = [side[-1].id for side in (held, articles) if len(side) >= PAGE]
        end = min(ends, default=None)
        found += compare(_until(articles, end), _until(held, end))
        if end is None:
            return found
        after = end
        shown(after)


def _until(side: Sequence[Held], end: str | None) -> list[Held]:
    return [each for each in side if end is None or each.id <= end]


async def _ask(http: httpx.AsyncClient, url: str, after: str) -> list[Held]:
    body, wanted = b"", httpx.URL(url).copy_merge_params({"after": after, "limit": str(PAGE)})
    try:
        async with asyncio.timeout(PAGE_SECONDS), http.stream("GET", wanted) as answer:
            answer.raise_for_status()
            async for part in answer.aiter_bytes():
                body += part
                if len(body) > MAX_PAGE_BYTES:
                    raise ValueError(f"an answer has more than {MAX_PAGE_BYTES} bytes")
        held = read_listing(body)
        if len(held) > PAGE or (held and held[0].id <= after):
            raise ValueError(f"an answer must have at most {PAGE} lines, all behind the id `after`")
    except (httpx.HTTPError, TimeoutError, ValueError) as error:
        raise Refused(
            f"{url} does not tell its state: {str(error) or type(error).__name__}"
        ) from error
    return held


class Reconciler:
    """Compares every subscriber at an interval, and exposes the differences as metrics."""

    def __init__(
        self, store: ArticleStore, subscribers: Sequence[tuple[str, str]], metrics: IngestMetrics
    ) -> None:
        self._store, self._subscribers, self._metrics = store, subscribers, metrics

    async def run(self) -> None:
        """Compare, for ever."""
        for name, _ in self._subscribers:
            # Start with the current time:
            # then the alert for a subscriber that never answers fires after its usual time.
            self._metrics.compared_at.labels(name).set(time.time())
        async with httpx.AsyncClient() as http:

            async def compare_all() -> None:
                for name, url in self._subscribers:
                    await self._compare(http, name, url)

            await supervised("the comparison of subscribers", compare_all, INTERVAL_SECONDS)

    async def _compare(self, http: httpx.AsyncClient, name: str, url: str) -> None:
        try:
            found = await differences(self._store, http, url)
        except (Refused, Transient) as error:
            log.warning("%s cannot be compared with the articles: %s", name, str(error)[:300])
            return
        for kind in DIFFERENCES:
            number = sum(each.kind == kind for each in found)
            self._metrics.differences.labels(name, kind).set(number)
            if number:
                log.error("%s: %d articles are %s there", name, number, kind)
        self._metrics.compared_at.labels(name).set(time.time())
