"""Puts what a portal publishes into the system, and waits until all of it is counted."""

from collections.abc import Iterable, Sequence
from datetime import date
from random import Random

import aio_pika
from aio_pika.abc import AbstractExchange, DeliveryMode

from luotdoc_events import events
from luotdoc_subscriber.parking import FORCE
from services.counter.store import SLOTS, CounterStore
from shared.rabbit import topology
from shared.rabbit.batch_parsing import parse
from shared.storage import mongo
from tests.oracle.clock import SharedClock
from tests.oracle.portal import Portal
from tests.oracle.traffic import Delivery
from tests.support import wire
from tests.support.system import System, until

PAST_AT_ONCE = 40
"""Batches of the past in one flush."""


async def write_past(
    system: System, clock: SharedClock, random: Random, past: Sequence[Delivery]
) -> None:
    """Count the batches of the two years before as a counter would, without RabbitMQ."""
    client, db = mongo.connect(system.database.url, "oracle")
    store = CounterStore(client, db, clock.now)
    try:
        for at in range(0, len(past), PAST_AT_ONCE):
            some = [delivery.batch for delivery in past[at : at + PAST_AT_ONCE]]
            parsed = [parse(batch.headers(), batch.body()) for batch in some]
            await store.flush(parsed, random.randrange(SLOTS))
    finally:
        await mongo.close(client)


class Sender:
    """Publishes batches and events, confirmed."""

    def __init__(self, reads: AbstractExchange, articles: AbstractExchange) -> None:
        self._reads, self._articles = reads, articles

    async def send(self, delivery: Delivery) -> None:
        """Publish a batch once."""
        headers = delivery.batch.headers() | ({FORCE: True} if delivery.forced else {})
        message = aio_pika.Message(
            delivery.batch.body(),
            headers=headers,
            content_type="application/json",
            delivery_mode=DeliveryMode.PERSISTENT,
            message_id=delivery.batch.batch_id,
        )
        await self._reads.publish(message, topology.READS_KEY)

    async def publish(self, data: Iterable[events.Data]) -> None:
        """Publish events in this order."""
        for one in data:
            await self._articles.publish(wire.message(one), one.name)


async def all_counted(system: System, portal: Portal, seconds: float) -> None:
    """Wait until the database has every batch and every article's last event, and no article's
    reads are on their way to another section.
    """
    counted = {each.batch.batch_id for each in portal.batches if not each.too_old}
    parked = {each.batch.batch_id for each in portal.batches if each.too_old}
    told = ""

    async def settled() -> bool:
        nonlocal told
        in_ledger = await system.db.ledger.count_documents({})
        aside = await system.db.parked.count_documents({})
        rows = await system.db.catalogue.find({}).to_list(None)
        revisions = {row["_id"]: row["revision"] for row in rows}
        moving = sum("counted_in" in row for row in rows)
        told = (
            f"{in_ledger} of {len(counted)} batches counted, {aside} of {len(parked)} parked, "
            f"{revisions == portal.revisions}, {moving} articles are moved"
        )
        return (
            in_ledger == len(counted)
            and aside == len(parked)
            and revisions == portal.revisions
            and not moving
        )

    await until(settled, seconds, lambda: told)
    assert set(await system.db.ledger.distinct("_id")) == counted
    assert set(await system.db.parked.distinct("_id")) == parked


async def all_folded(system: System, portal: Portal, seconds: float) -> None:
    """Wait until the readers of every article are stored."""
    epoch, told = date(1970, 1, 1), ""

    async def stored() -> bool:
        nonlocal told
        numbers = portal.figures().reader_numbers()
        wanted = {
            f"{'article' if article else 'site'}:{article}:{(day - epoch).days}": number
            for (day, article), number in numbers.items()
        }
        kinds = {"kind": {"$in": ["article", "site"]}}
        found = {each["_id"]: each["number"] async for each in system.db.readers.find(kinds)}
        differing = {key for key in wanted | found if wanted.get(key) != found.get(key)}
        told = f"{len(differing)} of {len(wanted)} sets of readers differ: {sorted(differing)[:5]}"
        return not differing

    await until(stored, seconds, lambda: told)
