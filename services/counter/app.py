"""counter's composition root."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from aio_pika.abc import AbstractIncomingMessage
from faststream import AckPolicy
from faststream.rabbit import Channel

from luotdoc_events import events
from luotdoc_subscriber.base import metrics
from luotdoc_subscriber.base.clock import Clock, now
from luotdoc_subscriber.base.errors import Transient
from luotdoc_subscriber.base.tasks import background
from luotdoc_subscriber.consuming import not_consuming
from luotdoc_subscriber.parking import park, prepare_parking
from luotdoc_subscriber.queue_depth import watch_depth
from luotdoc_subscriber.rabbit import broker as rabbit
from luotdoc_subscriber.rabbit.faststream_internals import message_of
from services.counter.announce import Announcer
from services.counter.archive.mover import Mover, keep_moving
from services.counter.archive.store import ArchiveStore
from services.counter.consumer import ReadsConsumer
from services.counter.holding import HoldExpired
from services.counter.lease import SlotLease
from services.counter.metrics import ArchiveMetrics, CounterMetrics
from services.counter.parker import Parker
from services.counter.settings import CounterSettings
from services.counter.stages import Stage, no_stage
from services.counter.store import CounterStore
from shared.base.tracing import make_tracer
from shared.rabbit import topology
from shared.rabbit.batch_parsing import accounted
from shared.rabbit.declaring import declare_own
from shared.rabbit.heartbeat import Heartbeats
from shared.storage import mongo
from shared.storage.books import Books
from shared.storage.types import Client
from shared.web.app import Service

log = logging.getLogger(__name__)

STOP_SECONDS = 4.0
"""Time for the last flush at a stop. Batches that are not committed by then are delivered again."""
RELEASE_SECONDS = 2.0
"""Time for the release of the slot at a stop."""
STALE_SECONDS = 15.0
"""Time without an answer from MongoDB after which a counter is not ready."""


@dataclass(frozen=True, kw_only=True)
class CounterReadiness:
    """Judges whether this counter can consume and commit batches."""

    broker: rabbit.Broker
    lease: SlotLease
    consumer: ReadsConsumer

    def not_ready(self) -> str | None:
        """The reason why batches can't be consumed or committed; None while they can."""
        if not self.broker.up:
            return self.broker.away
        if reason := not_consuming(self.broker):
            return reason
        if self.lease.silence > STALE_SECONDS:
            return "MongoDB has not answered for a while"
        failing = self.consumer.pace.failing_since
        if failing is not None and time.perf_counter() - failing > STALE_SECONDS:
            return "flushes have failed for a while"
        return None


@dataclass(frozen=True, kw_only=True)
class Counting:
    """The life of one counter."""

    settings: CounterSettings
    client: Client
    broker: rabbit.Broker
    lease: SlotLease
    consumer: ReadsConsumer
    heartbeats: Heartbeats
    mover: Mover
    archive_metrics: ArchiveMetrics

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Consume until the stop; then flush, ack and release the slot."""
        await mongo.wait_for(self.client, self.settings.mongo_url, "counter", set_up=True)
        await self.lease.renew()
        try:
            async with background(
                self.lease.run(),
                self._keep_consuming(),
                self.heartbeats.run(),
                keep_moving(self.mover, self.archive_metrics),
                watch_depth(self.broker),
            ):
                yield
                await self._last_flush()
        finally:
            await self.broker.stop()
            with contextlib.suppress(Transient, TimeoutError):
                async with asyncio.timeout(RELEASE_SECONDS):
                    await self.lease.release()
            await mongo.close(self.client)

    async def _keep_consuming(self) -> None:
        while True:
            await rabbit.connect(self.broker, self.settings.amqp_url, declare_own)
            try:
                await self.consumer.run()
            except HoldExpired as error:
                log.error("unacked batches go back to RabbitMQ: %s", error)
                await self.broker.stop()
                self.consumer.discard()
                await mongo.wait_for(self.client, self.settings.mongo_url, "counter", set_up=True)

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


# Long because every part of the service is built and named here, once.
def build(settings: CounterSettings, clock: Clock = now, at_stage: Stage = no_stage) -> Service:
    """Build every part of counter once, and pass it to the parts that use it.

    `at_stage` is a fault-injection hook for tests, see `stages`.
    """
    tracer = make_tracer("counter", settings)
    client, db = mongo.connect(settings.mongo_url, "counter", tracer)
    registry = metrics.new_registry()
    measured = CounterMetrics(registry)
    broker = rabbit.make_broker(settings, "counter", registry, tracer)
    store = CounterStore(client, db, clock)
    lease = SlotLease(store, measured)
    announcer = Announcer(broker=broker, store=store, books=Books(db), clock=clock)

    async def note(message: AbstractIncomingMessage, reason: str) -> None:
        # Without a valid batch id there is nothing that the books could note.
        if batch := accounted(message.headers):
            await store.note_parked(*batch, reason, clock())

    async def park_message(message: AbstractIncomingMessage, reason: str, detail: str) -> None:
        await park(broker, topology.COUNTER_READS, message, reason, detail, clock)

    consumer = ReadsConsumer(
        store=store,
        parker=Parker(note=note, park=park_message, hold_seconds=settings.hold),
        announce=announcer.announce,
        slot=lease.slot,
        clock=clock,
        flush_reads=settings.flush_reads,
        flush_interval=settings.flush_interval,
        hold_seconds=settings.hold,
        metrics=measured,
        at_stage=at_stage,
        tracer=tracer,
    )
    readiness = CounterReadiness(broker=broker, lease=lease, consumer=consumer)
    heartbeats = Heartbeats(
        broker=broker,
        producer="counter",
        kinds=(events.ReadsCounted,),
        interval=settings.heartbeat_interval,
        well=lambda: readiness.not_ready() is None,
        clock=clock,
    )
    counting = Counting(
        settings=settings,
        client=client,
        broker=broker,
        lease=lease,
        consumer=consumer,
        heartbeats=heartbeats,
        mover=Mover(
            store=ArchiveStore(client, db, at_stage),
            clock=clock,
            keep_days=settings.keep_buckets_days,
            behind=lambda: consumer.pace.behind,
        ),
        archive_metrics=ArchiveMetrics(registry),
    )
    prepare_parking(broker, topology.COUNTER_READS)
    broker.works.append(topology.COUNTER_READS)

    @broker.subscriber(
        topology.COUNTER_READS.queue,
        ack_policy=AckPolicy.MANUAL,
        # Without this FastStream publishes a reply to any queue that a message's reply_to names.
        no_reply=True,
        channel=Channel(prefetch_count=settings.prefetch, publisher_confirms=False),
    )
    async def on_batch(_body: bytes) -> None:
        consumer.take(message_of(broker))

    return Service(
        name="counter",
        running=counting.running,
        not_ready=readiness.not_ready,
        registry=registry,
        tracer=tracer,
    )
