"""ingest's composition root."""

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from luotdoc_events import events
from luotdoc_subscriber.base.clock import Clock, now, to_millis
from luotdoc_subscriber.base.metrics import new_registry
from luotdoc_subscriber.base.tasks import background
from luotdoc_subscriber.base.tracing import UNTRACED, Tracer
from luotdoc_subscriber.rabbit import broker as rabbit
from services.ingest.api import build_api
from services.ingest.articles.event_publisher import make_event_publisher
from services.ingest.articles.reconciler import Reconciler
from services.ingest.articles.relay import Relay
from services.ingest.articles.schedule import Schedule
from services.ingest.door import Door
from services.ingest.metrics import IngestMetrics
from services.ingest.reads.batcher import Batcher
from services.ingest.reads.beacon import Beacon
from services.ingest.reads.known import KnownArticles
from services.ingest.reads.limit import ReadLimit
from services.ingest.reads.outlet import Outlet
from services.ingest.reads.pipeline import Pipeline
from services.ingest.reads.publisher import make_publisher
from services.ingest.reads.read_traces import ReadTraces
from services.ingest.reads.referrers import Referrers
from services.ingest.reads.salts import Salts
from services.ingest.reads.spool import Spool
from services.ingest.reads.visitors import ReloadWindow
from services.ingest.service import Articles
from services.ingest.settings import IngestSettings
from services.ingest.store import ArticleStore
from shared.base import metrics
from shared.base.site_following import SiteFollower
from shared.base.tracing import make_tracer
from shared.base.urls import origin_of
from shared.rabbit.declaring import declare_own
from shared.rabbit.heartbeat import Heartbeats
from shared.storage import mongo
from shared.storage.types import Client
from shared.web.addresses import Addresses
from shared.web.app import Service
from shared.web.observed import observed
from shared.web.traced import traced
from shared.web.turnstile import in_turns

log = logging.getLogger(__name__)


PUBLISHED = (events.ArticlePublished, events.ArticleUpdated, events.ArticleWithdrawn)
DRAIN_SECONDS = 4.0
"""Time to drain the last batches at a stop.
Reads of a batch that is not durable by then are answered 503."""


@dataclass(kw_only=True)
class Ingest:
    """The parts of one ingest."""

    settings: IngestSettings
    clock: Clock
    client: Client
    broker: rabbit.Broker
    store: ArticleStore
    known: KnownArticles
    salts: Salts
    relay: Relay
    schedule: Schedule
    outlet: Outlet
    heartbeats: Heartbeats
    reconciler: Reconciler
    batcher: Batcher

    def not_ready(self) -> str | None:
        """None while the articles are loaded and reads can be stored; else the reason."""
        if not self.known.loaded:
            return "the set of public articles is not loaded yet"
        return self.outlet.refusing

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Load the beacon's data, then run the background work until the stop, and drain."""
        await mongo.wait_for(self.client, self.settings.mongo_url, "ingest", set_up=True)
        await self.outlet.open()
        await self.salts.load()
        connecting = asyncio.create_task(
            rabbit.connect(self.broker, self.settings.amqp_url, declare_own), name="connect"
        )
        try:
            async with background(
                self.known.run(),
                self.salts.run(),
                self.relay.run(),
                self.schedule.run(),
                self.outlet.run(),
                self.outlet.check(),
                self.outlet.look_beside(),
                self.heartbeats.run(),
                self.reconciler.run(),
            ):
                async with background(self.batcher.run()):
                    yield
                try:
                    async with asyncio.timeout(DRAIN_SECONDS):
                        await self.batcher.drain()
                except TimeoutError:
                    log.critical(
                        "stopped with batches that neither RabbitMQ nor the disk took; none was "
                        "acknowledged"
                    )
        finally:
            connecting.cancel()
            await asyncio.gather(connecting, return_exceptions=True)
            await self.broker.stop()
            await self.outlet.close()
            await mongo.close(self.client)


def _millis() -> int:
    return time.time_ns() // 1_000_000


def new_epoch(clock: Clock) -> str:
    """A new epoch: the name of one run of one ingest. Later ones sort after earlier ones."""
    return f"{to_millis(clock()):011x}{secrets.token_hex(4)}"


def make_beacon(
    settings: IngestSettings,
    *,
    batcher: Batcher,
    known: KnownArticles,
    salts: Salts,
    metrics: IngestMetrics,
    tracer: Tracer = UNTRACED,
    millis: Callable[[], int] = _millis,
) -> Beacon:
    """The beacon, with the checks that the settings choose."""
    own = origin_of(str(settings.base_url))
    window = ReloadWindow(settings.read_window, settings.read_window_entries, time.monotonic)
    pipeline = Pipeline(
        batcher=batcher,
        known=known,
        limit=ReadLimit(settings.read_limit, time.monotonic),
        origins=settings.read_origins or (own,),
        filter_bots=settings.bot_filter == "on",
        addresses=Addresses(settings.trusted_proxies),
        window=window,
        salts=lambda: salts.at(millis(), window.window),
        referrers=Referrers((own, *settings.read_origins)),
    )
    traces = ReadTraces(tracer, batcher) if tracer.on else None
    return Beacon(pipeline=pipeline, known=known, metrics=metrics, traces=traces)


# Long because every part of the service is built and named here, once.
def build(
    settings: IngestSettings, clock: Clock = now, millis: Callable[[], int] = _millis
) -> Service:
    """Put ingest together. `millis` is the clock of reads, in milliseconds since 1970."""
    tracer = make_tracer("ingest", settings)
    client, db = mongo.connect(settings.mongo_url, "ingest", tracer)
    registry = new_registry()
    measured = IngestMetrics(registry)
    broker = rabbit.make_broker(settings, "ingest", registry, tracer)
    store = ArticleStore(client, db, clock, schemas_url=settings.schemas_url)
    known = KnownArticles(store, time.monotonic, measured)

    relay = Relay(store=store, publish=make_event_publisher(broker), clock=clock, metrics=measured)
    outlet = Outlet(
        publish=make_publisher(broker, settings.confirm_timeout),
        spool=Spool(settings.spool_dir / settings.instance, settings.spool_max_bytes),
        clock=clock,
        metrics=measured,
    )
    salts = Salts(store, clock, ZoneInfo(settings.time_zone))
    batcher = Batcher(
        epoch=new_epoch(clock), deliver=outlet.deliver, millis=millis, metrics=measured,
        window=settings.read_window,
    )  # fmt: skip
    beacon = make_beacon(
        settings, batcher=batcher, known=known, salts=salts, metrics=measured, tracer=tracer,
        millis=millis,
    )  # fmt: skip
    ingest = Ingest(
        settings=settings,
        clock=clock,
        client=client,
        broker=broker,
        store=store,
        known=known,
        salts=salts,
        relay=relay,
        schedule=Schedule(store=store, clock=clock, base_url=settings.base_url, changed=relay.wake),
        outlet=outlet,
        heartbeats=Heartbeats(
            broker=broker,
            producer="ingest",
            kinds=PUBLISHED,
            interval=settings.heartbeat_interval,
            well=lambda: relay.working,
            clock=clock,
        ),
        reconciler=Reconciler(store, settings.reconcile, measured),
        batcher=batcher,
    )
    site = SiteFollower(settings, metrics.SiteFileMetrics(registry))
    api = build_api(
        Articles(
            store=store,
            known=known,
            tokens=settings.tokens,
            base_url=settings.base_url,
            clock=clock,
            changed=relay.wake,
            deliver=outlet.deliver,
            max_article_bytes=settings.max_article_bytes,
            max_media_bytes=settings.max_media_bytes,
            metrics=measured,
            tracer=tracer,
            sections=lambda: site.sections,
        )
    )
    door = Door(
        api=api,
        tokens=settings.tokens,
        addresses=Addresses(settings.trusted_proxies),
        measured=measured,
    )
    return Service(
        name="ingest",
        running=site.beside(ingest.running),
        not_ready=ingest.not_ready,
        routes={"/reads": beacon.post, "/reads.gif": beacon.pixel},
        fast={b"/reads": beacon.take},
        fallback=traced(
            observed(in_turns(door), metrics.Requests(registry)), tracer, trusted=door.knows
        ),
        registry=registry,
        degraded=lambda: outlet.degraded,
        tracer=tracer,
    )
