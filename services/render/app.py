"""render's composition root. Long because every part of the service is named here, once."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from luotdoc_events import events
from luotdoc_subscriber.base import metrics
from luotdoc_subscriber.base.clock import Clock, now
from luotdoc_subscriber.base.tasks import background, retried
from luotdoc_subscriber.guard import Unguarded
from luotdoc_subscriber.queue_depth import watch_depth
from luotdoc_subscriber.rabbit import broker as rabbit
from luotdoc_subscriber.subscribing import listen, subscribe
from services.render.emitting import emitter
from services.render.kinds.errors import Errors
from services.render.kinds.machine_routes import machine_routes
from services.render.kinds.parts import PageParts
from services.render.kinds.search_routes import search_routes
from services.render.kinds.table import make_routes
from services.render.machine.store import MachineStore
from services.render.metrics import RenderMetrics
from services.render.readiness import RenderReadiness
from services.render.rendering.publisher import Publisher
from services.render.rendering.redo import Redo
from services.render.rendering.redo_processes import RedoProcesses, present_renderer
from services.render.rendering.renderer import Renderer
from services.render.search.finding.store import FindingStore
from services.render.search.indexing import Indexing
from services.render.search.searching import make_searcher
from services.render.search.store import SearchStore
from services.render.serving.answers import Answers
from services.render.serving.cache import PageCache
from services.render.serving.database import ReaderQueries
from services.render.serving.fast import FastPages
from services.render.serving.fragments import Fragments
from services.render.serving.server import PageServer
from services.render.settings import RenderSettings
from services.render.site.sites import site_of
from services.render.store import PageStore
from services.render.totals import Totals
from shared.base.metrics import SiteFileMetrics
from shared.base.site_basics import SiteBasics
from shared.base.site_following import SiteFollower
from shared.base.tracing import make_tracer
from shared.rabbit import topology
from shared.rabbit.declaring import declare_own
from shared.rabbit.heartbeat import Heartbeats
from shared.storage import mongo
from shared.storage.types import Client
from shared.web import state
from shared.web.app import Service

log = logging.getLogger(__name__)

MONTHS_SECONDS, NEIGHBOURS_SECONDS, NEIGHBOURS = 60.0, 10.0, 5000
"""For how long the numbers of articles by month, and the articles beside an article, are kept, and
for how many articles."""
REDO_SECONDS = 5.0
"""Longest backoff while pages can't be rendered again with the present templates."""
REDO_SHARE = 0.5
"""Share of the time for that, so that readers and live articles have the rest."""


@dataclass(frozen=True, kw_only=True)
class Rendering:
    """The life of one render."""

    settings: RenderSettings
    client: Client
    broker: rabbit.Broker
    totals: Totals
    cache: PageCache
    redo: Redo
    indexing: Indexing
    heartbeats: Heartbeats
    site: SiteFollower
    outdated: asyncio.Event
    """Set when pages need to be rendered again, because templates or the site have changed."""

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Connect, then consume events and run the background work until the stop."""
        await mongo.wait_for(self.client, self.settings.mongo_url, "render", set_up=True)
        try:
            async with background(
                self.totals.run(),
                self.cache.run(),
                self._follow(),
                self.indexing.run(),
                self.indexing.rebuild(),
                self.site.run(),
                watch_depth(self.broker),
                self.heartbeats.run(),
            ):
                yield
        finally:
            await self.broker.stop()
            await mongo.close(self.client)

    async def _follow(self) -> None:
        await rabbit.connect(self.broker, self.settings.amqp_url, declare_own)
        self.outdated.set()
        while await self.outdated.wait():
            self.outdated.clear()
            redone = await retried(
                "rendering with the present templates",
                self.redo.run,
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
    fragments = partial(
        Fragments[Any], queries=queries, seconds=seconds, stale_seconds=stale_seconds
    )
    lists, asides, ranked = fragments(), fragments(), fragments()
    months = fragments(fresh_seconds=MONTHS_SECONDS)
    neighbours = fragments(fresh_seconds=NEIGHBOURS_SECONDS, most=NEIGHBOURS)

    def pages_changed() -> None:
        lists.expire()
        asides.expire()
        ranked.expire()
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
    portal = PageParts(
        renderer=renderer,
        store=store,
        queries=queries,
        cache=cache,
        lists=lists,
        asides=asides,
        ranked=ranked,
        totals=totals,
        errors=Errors(renderer),
        metrics=measured,
        clock=clock,
    )
    searcher, languages = make_searcher(FindingStore(db), seconds), renderer.site.languages
    indexing = Indexing(store=SearchStore(db), languages=languages, clock=clock, seconds=seconds)
    measured.search_waiting.read(lambda: indexing.waiting)
    others = search_routes(portal, searcher, fragments)
    others += machine_routes(portal, MachineStore(db), fragments)
    routes = make_routes(portal, neighbours, months, others)
    answers = Answers(renderer.content_security_policy, measured)
    server = PageServer(routes=routes, errors=portal.errors, answers=answers, metrics=measured)
    fast = FastPages(routes=routes, answers=answers, metrics=measured)
    outdated = asyncio.Event()

    def site_changed(site: SiteBasics) -> None:
        renderer.use(site_of(settings, site))
        answers.use(renderer.content_security_policy)
        portal.errors.make()
        measured.know(list(site.section_tables))
        pages_changed()
        neighbours.expire()
        months.expire()
        outdated.set()

    follower = SiteFollower(settings, SiteFileMetrics(registry), site_changed)

    publisher = Publisher(
        store=store,
        renderer=renderer,
        emit=emitter(broker, clock),
        clock=clock,
        memory=cache,
        wanted=indexing.want,
        metrics=measured,
        tracer=tracer,
    )
    subscribe(broker, topology.RENDER_ARTICLES, guard=Unguarded(), clock=clock)(publisher.handle)
    listen(broker, "render.counts")(totals.handle)
    redo = Redo(
        store=store,
        version=lambda: renderer.version,
        redo=RedoProcesses(settings, present_renderer, lambda: renderer.version, processes=1).redo,
        publish=publisher.events.rendered,
        stored=cache.forget,
        share=REDO_SHARE,
    )
    readiness = RenderReadiness(
        settings=settings,
        broker=broker,
        queries=queries,
        totals=totals,
        cache=cache,
        site=follower,
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
        redo=redo,
        indexing=indexing,
        heartbeats=heartbeats,
        site=follower,
        outdated=outdated,
    )
    return Service(
        name="render",
        running=rendering.running,
        not_ready=readiness.not_ready,
        routes={state.PATH: state.listing(store.held)},
        fallback=server,
        fast_get=fast.take,
        registry=registry,
        degraded=readiness.degraded,
        tracer=tracer,
    )
