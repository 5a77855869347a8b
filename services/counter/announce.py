"""Publishes `reads.counted` after a commit, with totals read after it."""

import asyncio
import logging
import secrets

from luotdoc_events import events
from luotdoc_subscriber.base.clock import Clock
from luotdoc_subscriber.base.errors import Transient
from luotdoc_subscriber.rabbit.broker import Broker
from luotdoc_subscriber.rabbit.publishing import publish_event
from services.counter.store import CounterStore, Flushed
from shared.storage.books import Books

log = logging.getLogger(__name__)

ANNOUNCE_SECONDS = 2.0
"""Timeout for the publish. The next flush waits for this event, which is only informational."""


class Announcer:
    """Publishes `reads.counted`."""

    def __init__(self, *, broker: Broker, store: CounterStore, books: Books, clock: Clock) -> None:
        self._broker, self._store, self._books, self._clock = broker, store, books, clock

    async def announce(self, flushed: Flushed) -> None:
        """Publish one event for `flushed`, unless it counted nothing.

        Failures are logged and not raised: the counts are committed, and the article's next event
        repeats its total.
        """
        if not flushed.increments.reads:
            return
        try:
            async with asyncio.timeout(ANNOUNCE_SECONDS):
                await self._publish(flushed)
        except (Transient, TimeoutError) as error:
            log.warning(
                "reads.counted was not published, the next one repeats its totals: %s",
                str(error)[:200] or "no answer in time",
            )
        except Exception:
            log.exception("a bug in publishing reads.counted; the counts are committed")

    async def _publish(self, flushed: Flushed) -> None:
        added = flushed.increments.reads
        totals = await self._store.totals(added)
        moment = self._clock()
        data = events.ReadsCounted(
            items=[
                events.Count(
                    article=name,
                    delta=number,
                    total=totals[name].reads,
                    generation=totals[name].generation,
                )
                for name, number in added.items()
                if name in totals
            ],
            complete_through=await self._store.complete_through(self._books, moment),
        )
        await publish_event(
            self._broker, data, id=secrets.token_hex(16), source="/luotdoc/counter", time=moment
        )
