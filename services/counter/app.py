"""counter's composition root."""

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from aio_pika.abc import AbstractIncomingMessage
from faststream import AckPolicy
from faststream.rabbit import Channel

from luotdoc_events import events
from services.counter.announce import TIMEOUT as ANNOUNCE_TIMEOUT
from services.counter.announce import publish_counts
from services.counter.aside import Aside
from services.counter.consumer import Consumer, Step
from services.counter.holding import HoldExpired
from services.counter.metrics import CounterMetrics
from services.counter.settings import CounterSettings
from services.counter.store import LEASE_SECONDS, NO_SLOT, SLOTS, CounterStore, Flushed
from shared.base import metrics
from shared.base.clock import Clock, now
from shared.base.errors import Transient
from shared.base.tasks import background, supervised
from shared.rabbit import broker as rabbit
from shared.rabbit import topology
from shared.rabbit.batch import accounted
from shared.rabbit.heartbeat import Heartbeats
from shared.storage import mongo
from shared.storage.books import Books
from shared.storage.types import Client, Database
from shared.subscriber.consuming import not_consuming
from shared.subscriber.parking import park, prepare
from shared.subscriber.queue_depth import watch
from shared.web.app import Service

log = logging.getLogger(__name__)

STOP_SECONDS = 4.0
"""Time for the last flush at a stop. Batches that are not committed by then are delivered again."""
STALE_SECONDS = 15.0
"""Time without an answer from MongoDB after which a counter is not ready."""


@dataclass
class Counting:
    """The parts of one counter."""

    settings: CounterSettings
    client: Client
    db: Database
    broker: rabbit.Broker
    store: CounterStore
    clock: Clock
    metrics: CounterMetrics
    consumer: Consumer = field(init=False)
    heartbeats: Heartbeats = field(init=False)
    owner: str = field(default_factory=lambda: secrets.token_hex(8))
    slot: int = NO_SLOT
    _renewed: float = 0.0

    def not_ready(self) -> str | None:
        """None while batches can be consumed and committed, else the reason."""
        if not self.broker.up:
            return self.broker.away
        if reason := not_consuming(self.broker):
            return reason
        if time.monotonic() - self._renewed > STALE_SECONDS:
            return "MongoDB has not answered for a while"
        failing = self.consumer.failing_since
        if failing is not None and time.perf_counter() - failing > STALE_SECONDS:
            return "flushes have failed for a while"
        return None

    def current_slot(self) -> int:
        """The leased slot. Without a lease a random one,
        which may cause write conflicts but no wrong count.
        """
        return self.slot if self.slot != NO_SLOT else secrets.randbelow(SLOTS)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Consume until the stop; then flush, ack and release the slot."""
        await mongo.wait_for(self.client, self.settings.mongo_url)
        await self._lease()
        try:
            async with background(
                self._keep_lease(),
                self._keep_consuming(),
                self.heartbeats.run(),
                watch(self.broker),
            ):
                yield
                await self._last_flush()
        finally:
            await self.broker.stop()
            with contextlib.suppress(Transient, TimeoutError):
                async with asyncio.timeout(2):
                    await self.store.release(self.owner)
            await mongo.close(self.client)

    async def _keep_consuming(self) -> None:
        while True:
            await rabbit.connect(self.broker, self.settings.amqp_url)
            try:
                await self.consumer.run()
            except HoldExpired as error:
                log.error("unacked batches go back to RabbitMQ: %s", error)
                await self.broker.stop()
                self.consumer.discard()
                await mongo.wait_for(self.client, self.settings.mongo_url)

    async def _last_flush(self) -> None:
        for subscriber in self.broker.subscribers:
            await subscriber.stop()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self.consumer.flush()
        except (HoldExpired, TimeoutError) as error:
            log.error(
                "stopped with unacked batches, which go back to RabbitMQ: %s",
                str(error) or "no time left",
            )

    async def _lease(self) -> None:
        slot = await self.store.lease(self.owner, self.slot)
        if slot != self.slot:
            log.info("counting under slot %d", slot)
        self._renewed = time.monotonic()
        self._note(slot)

    def _note(self, slot: int) -> None:
        self.slot = slot
        self.metrics.slot.set(slot)

    async def _keep_lease(self) -> None:
        async def renew() -> None:
            try:
                await self._lease()
            finally:
                if time.monotonic() - self._renewed > LEASE_SECONDS:
                    self._note(NO_SLOT)

        await supervised("the renewal of the slot's lease", renew, LEASE_SECONDS / 3)


def build(
    settings: CounterSettings, clock: Clock = now, step: Step = lambda _name: None
) -> Service:
    """Put counter together. `step` is called at each step of a flush, see `Consumer`."""
    client, db = mongo.connect(settings.mongo_url, "counter")
    registry = metrics.new_registry()
    measured = CounterMetrics(registry)
    broker = rabbit.make_broker(settings, "counter", registry)
    store = CounterStore(client, db, clock)
    counting = Counting(settings, client, db, broker, store, clock, measured)
    books = Books(db)

    async def note(message: AbstractIncomingMessage, reason: str) -> None:
        if batch := accounted(message.headers):  # without a valid id the books can't account for it
            await store.note_parked(*batch, reason, clock())

    async def park_message(message: AbstractIncomingMessage, reason: str, detail: str) -> None:
        await park(broker, topology.COUNTER_READS, message, reason, detail, clock)

    async def announce(flushed: Flushed) -> None:
        try:
            async with asyncio.timeout(ANNOUNCE_TIMEOUT):
                await publish_counts(broker, store, books, flushed, clock)
        except (Transient, TimeoutError) as error:
            log.warning(
                "reads.counted was not published, the next one repeats its totals: %s",
                str(error)[:200],
            )
        except Exception:
            log.exception("a bug in publishing reads.counted; the counts are committed")

    prepare(broker, topology.COUNTER_READS)
    broker.works.append(topology.COUNTER_READS)
    counting.consumer = Consumer(
        store,
        Aside(note, park_message, settings.hold),
        announce,
        counting.current_slot,
        clock,
        settings.flush_reads,
        settings.flush_interval,
        settings.hold,
        measured,
        step,
    )

    counting.heartbeats = Heartbeats(
        broker,
        "counter",
        (events.ReadsCounted,),
        settings.heartbeat_interval,
        lambda: counting.not_ready() is None,
        clock,
    )

    @broker.subscriber(
        topology.COUNTER_READS.queue,
        ack_policy=AckPolicy.MANUAL,
        # else FastStream publishes a reply to any queue that the message's reply_to names
        no_reply=True,
        channel=Channel(prefetch_count=settings.prefetch, publisher_confirms=False),
    )
    async def on_batch(_body: bytes) -> None:
        message: Any = broker.context.get_local("message")
        counting.consumer.take(message.raw_message)

    return Service("counter", counting.running, counting.not_ready, registry=registry)
