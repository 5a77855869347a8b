"""The outbox relay: publishes committed events,
in order per article, until RabbitMQ has confirmed them.

The order needs no leader. Each relay publishes an article's lowest waiting revision first and waits
for the confirm, and an event leaves the outbox only after its confirm. So revision n+1 is never
sent before n was confirmed. At worst several replicas publish the same event, and consumers drop
the repetition by its revision.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from itertools import groupby

from aio_pika.exceptions import DeliveryError

from luotdoc_subscriber.base.clock import Clock
from luotdoc_subscriber.base.errors import Transient
from luotdoc_subscriber.base.tasks import supervised
from services.ingest.articles.documents import Outgoing
from services.ingest.metrics import IngestMetrics
from services.ingest.store import ArticleStore

ROUND = 200
"""Upper bound for the events read at once."""
POLL_SECONDS = 0.25
"""Interval of looks into the outbox. A change by this process wakes the relay at once."""
MEASURE_SECONDS = 0.2
"""Least time between two measures of an outbox with events, which cost two queries."""
LAST_DELAY = 5.0
"""Longest backoff after failures, in seconds."""

PublishEvent = Callable[[Outgoing], Awaitable[None]]
"""Returns after the publisher confirm.
Raises `Transient` without one, aio-pika's `DeliveryError` if no queue is bound."""


class Relay:
    """Publishes the outbox until it is stopped."""

    def __init__(
        self, *, store: ArticleStore, publish: PublishEvent, clock: Clock, metrics: IngestMetrics
    ) -> None:
        self._store, self._publish, self._clock, self._metrics = store, publish, clock, metrics
        self._wake = asyncio.Event()
        self._measured_at = -MEASURE_SECONDS
        self.working = False
        """True if the last round succeeded. Heartbeats are sent only then."""

    def wake(self) -> None:
        """Look into the outbox now: an event was committed."""
        self._wake.set()

    async def run(self) -> None:
        """For ever: publish the outbox, with a backoff after failures."""
        await supervised(
            "the outbox relay", self._work, POLL_SECONDS, longest=LAST_DELAY, pause=self._pause
        )

    async def _work(self) -> bool:
        try:
            more = await self.round()
        except Exception as error:
            self.working = False
            self._metrics.outbox_failures.inc()
            if isinstance(error, DeliveryError):  # no queue is bound: ends once setup has run
                raise Transient(str(error)) from error
            raise
        self.working = True
        return more

    async def round(self) -> bool:
        """Publish the waiting events. True if more may be waiting.
        Raises the error that stopped it.
        """
        self._wake.clear()
        waiting = await self._store.outgoing(ROUND)
        now = asyncio.get_running_loop().time()
        if not waiting or now - self._measured_at >= MEASURE_SECONDS:
            self._measured_at = now
            await self._measure()
        chains = [deque(chain) for _, chain in groupby(waiting, key=lambda event: event.article)]
        errors = list[BaseException]()
        while chains:
            errors += await self._publish_first(chains)
            chains = [chain for chain in chains if chain]
        for error in errors:
            raise error
        return len(waiting) == ROUND

    async def _publish_first(self, chains: list[deque[Outgoing]]) -> list[BaseException]:
        """Publish the first event of each chain, and delete those that RabbitMQ confirmed from
        chains and outbox. A chain whose event failed is emptied. Returns the errors.
        """
        firsts = [chain.popleft() for chain in chains]
        outcomes = await asyncio.gather(*map(self._publish, firsts), return_exceptions=True)
        errors = list[BaseException]()
        confirmed = list[str]()
        for chain, event, outcome in zip(chains, firsts, outcomes, strict=True):
            if isinstance(outcome, BaseException):
                errors.append(outcome)
                chain.clear()
            else:
                confirmed.append(event.id)
        if confirmed:
            await self._store.sent(confirmed)
        return errors

    async def _measure(self) -> None:
        number, oldest = await self._store.waiting()
        self._metrics.outbox_waiting.set(number)
        age = (self._clock() - oldest).total_seconds() if oldest else 0.0
        self._metrics.outbox_oldest.set(max(0.0, age))

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return
