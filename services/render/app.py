"""render's composition root."""

import contextlib
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from luotdoc_events import events
from luotdoc_subscriber.base import metrics
from luotdoc_subscriber.base.clock import Clock, now
from luotdoc_subscriber.base.tasks import background, retried
from luotdoc_subscriber.consuming import not_consuming
from luotdoc_subscriber.guard import Unguarded
from luotdoc_subscriber.queue_depth import watch_depth
from luotdoc_subscriber.rabbit import broker as rabbit
from luotdoc_subscriber.rabbit.publishing import publish_event
from luotdoc_subscriber.subscribing import listen, subscribe
from services.render.cache import PageCache
from services.render.database import ReaderQueries
from services.render.fragments import Fragments
from services.render.metrics import RenderMetrics
from services.render.pages import Renderer
from services.render.publisher import Publisher
from services.render.server import PageServer
from services.render.settings import RenderSettings
from services.render.store import PageStore
from services.render.totals import Totals
from shared.base.tracing import make_tracer
from shared.rabbit import topology
from shared.rabbit.declaring import declare_own
from shared.rabbit.heartbeat import Heartbeats
from shared.storage import mongo
from shared.storage.types import Client
from shared.web import state
from shared.web.app import Service

log = logging.getLogger(__name__)

STALE_SECONDS = 15.0
"""Time without an answer from MongoDB after which render is not ready."""
REDO_SECONDS = 5.0
"""Longest backoff while pages can't be rendered again with the present templates."""


@dataclass(frozen=True, kw_only=True)
class RenderReadiness:
    """Judges whether render can serve pages, and whether they are current."""

    settings: RenderSettings
    broker: rabbit.Broker
    queries: ReaderQueries
    totals: Totals
    cache: PageCache

    def not_ready(self) -> str | None:
        """The reason why no page can be served; None while pages can be, if only from memory.
        RabbitMQ is not needed.
        """
        if not self.totals.loaded:
            return "the read counts are not loaded yet"
        if self.queries.silence > STALE_SECONDS and not self.cache.holds_stale:
            return "MongoDB has not answered for a while"
        return None

    def degraded(self) -> str | None:
        """The reason why pages are served from memory alone or don't follow their articles;
        None while all is well.
        """
        if self.queries.silence <= STALE_SECONDS:
            return not_consuming(self.broker)
        return (
            f"MongoDB has not answered for {self.queries.silence:.0f} s: only the pages in "
            f"memory are served, and those for {self.settings.stale_pages} s at most"
        )

    def publishes(self) -> bool:
        """True while pages follow their articles: only then may heartbeats say so."""
        return (self.not_ready() or not_consuming(self.broker)) is None


@dataclass(frozen=True, kw_only=True)
class Rendering:
    """The life of one render."""

    settings: RenderSettings
    client: Client
    broker: rabbit.Broker
    totals: Totals
    cache: PageCache
    publisher: Publisher
    heartbeats: Heartbeats

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Connect, then consume events and run the background work until the stop."""
        await mongo.wait_for(self.client, self.settings.mongo_url, "render", set_up=True)
        try:
            async with background(
                self.totals.run(),
                self.cache.run(),
                self._follow(),
                watch_depth(self.broker),
                self.heartbeats.run(),
            ):
                yield
        finally:
            await self.broker.stop()
            await mongo.close(self.client)

    async def _follow(self) -> None:
        await rabbit.connect(self.broker, self.settings.amqp_url, declare_own)
        redone = await retried(
            "rendering with the present templates",
            self.publisher.redo_outdated,
            rabbit.RETRY_SECONDS,
            REDO_SECONDS,
        )
        if redone:
            log.info("%d pages were rendered again with the present templates", redone)


# Long because every part of the service is built and named here, once.
def build(settings: RenderSettings, clock: Clock = now) -> Service:
    """Build every part of render once, and pass it to the parts that use it."""
    tracer = make_tracer("render", settings)
    client, db = mongo.connect(settings.mongo_url, "render", tracer)
    registry = metrics.new_registry()
    measured = RenderMetrics(registry, [slug for slug, _ in settings.sections])
    broker = rabbit.make_broker(settings, "render", registry, tracer)
    store, renderer = PageStore(db), Renderer(settings)
    seconds, stale_seconds = time.monotonic, float(settings.stale_pages)
    queries = ReaderQueries(seconds)
    totals = Totals(store, queries)
    lists: Fragments[bytes] = Fragments(
        queries=queries, seconds=seconds, stale_seconds=stale_seconds
    )
    asides: Fragments[str] = Fragments(
        queries=queries, seconds=seconds, stale_seconds=stale_seconds
    )

    def pages_changed() -> None:
        lists.expire()
        asides.expire()
        totals.baseline_changed = True

    cache = PageCache(
        store=store,
        queries=queries,
        capacity=settings.cache_pages,
        changed=pages_changed,
        seconds=seconds,
        stale_seconds=stale_seconds,
        metrics=measured,
    )
    server = PageServer(
        renderer=renderer,
        store=store,
        queries=queries,
        cache=cache,
        lists=lists,
        asides=asides,
        totals=totals,
        metrics=measured,
    )

    async def emit(data: events.Data, article_id: str, revision: int, event_id: str) -> None:
        await publish_event(
            broker,
            data,
            id=event_id,
            source="/luotdoc/render",
            time=clock(),
            subject=article_id,
            revision=revision,
        )

    publisher = Publisher(
        store=store,
        renderer=renderer,
        emit=emit,
        clock=clock,
        stored=cache.forget,
        metrics=measured,
        tracer=tracer,
    )
    subscribe(broker, topology.RENDER_ARTICLES, guard=Unguarded(), clock=clock)(publisher.handle)
    listen(broker, "render.counts")(totals.handle)
    readiness = RenderReadiness(
        settings=settings, broker=broker, queries=queries, totals=totals, cache=cache
    )
    heartbeats = Heartbeats(
        broker=broker,
        producer="render",
        kinds=(events.PageRendered, events.PageRemoved),
        interval=settings.heartbeat_interval,
        well=readiness.publishes,
        clock=clock,
    )
    rendering = Rendering(
        settings=settings,
        client=client,
        broker=broker,
        totals=totals,
        cache=cache,
        publisher=publisher,
        heartbeats=heartbeats,
    )
    return Service(
        name="render",
        running=rendering.running,
        not_ready=readiness.not_ready,
        routes={state.PATH: state.listing(store.held)},
        fallback=server,
        registry=registry,
        degraded=readiness.degraded,
        tracer=tracer,
    )
