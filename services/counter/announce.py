"""Publishes `reads.counted` after a commit, with totals read after it."""

import secrets

from luotdoc_events import events
from services.counter.store import CounterStore, Flushed
from shared.base.clock import Clock
from shared.rabbit.broker import Broker
from shared.rabbit.publishing import publish_event
from shared.storage.books import Books

TIMEOUT = 2.0
"""Timeout in seconds. The flush waits for this event, which is only informational."""


async def publish_counts(
    broker: Broker, store: CounterStore, books: Books, flushed: Flushed, clock: Clock
) -> None:
    """Publish one event for `flushed`, unless it counted nothing.
    Raises `Transient`.
    """
    added = flushed.increments.reads
    if not added:
        return
    totals = await store.totals(added)
    moment = clock()
    data = events.ReadsCounted(
        items=[
            events.Count(article=name, delta=number, total=totals[name])
            for name, number in added.items()
        ],
        complete_through=await store.complete_through(books, moment),
    )
    await publish_event(
        broker, data, id=secrets.token_hex(16), source="/luotdoc/counter", time=moment
    )
