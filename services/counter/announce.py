"""`reads.counted`: tells subscribers of a commit, with totals read after it."""

import secrets

from aio_pika.exceptions import DeliveryError

from services.counter.store import CounterStore, Flushed
from shared import events, metrics, topology
from shared.books import Books
from shared.broker import Broker, publish
from shared.clock import Clock
from shared.log import correlation

TIMEOUT = 2.0
"""Seconds that a flush may wait for the confirm of this event, which is informational."""


async def publish_counts(broker: Broker, store: CounterStore, books: Books, flushed: Flushed, clock: Clock) -> None:
    """Publish one event for one flush, if it counted anything. Raises `Transient` or PyMongo's errors."""
    added = flushed.increments.reads
    if not added:
        return
    totals = await store.totals(added)
    moment = clock()
    data = events.ReadsCounted(
        items=[events.Count(article=name, delta=number, total=totals[name]) for name, number in added.items()],
        complete_through=await store.complete_through(books, moment),
    )
    event = events.envelope(
        data,
        id=secrets.token_hex(16),
        source="/luotdoc/counter",
        time=moment,
        correlation_id=correlation.get(),
    )
    try:
        await publish(
            broker,
            events.encode(event),
            topology.EVENTS,
            event.name,
            timeout=TIMEOUT,
            content_type=events.CONTENT_TYPE,
            message_id=event.id,
            correlation_id=event.correlationid,
            message_type=event.type,
        )
    except DeliveryError:
        # Nobody has to listen to counts; an event of an article, in contrast, must find a queue.
        metrics.EVENTS_UNROUTED.labels(event.name).inc()
    else:
        metrics.EVENTS_PUBLISHED.labels(event.name).inc()
