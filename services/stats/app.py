"""The composition root of stats."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from luotdoc_subscriber.base.clock import Clock, now
from luotdoc_subscriber.base.metrics import new_registry
from luotdoc_subscriber.base.tasks import background, supervised
from luotdoc_subscriber.consuming import not_consuming
from luotdoc_subscriber.guard import Unguarded
from luotdoc_subscriber.queue_depth import watch_depth
from luotdoc_subscriber.rabbit import broker as rabbit
from luotdoc_subscriber.subscribing import listen, subscribe
from services.stats import gauges
from services.stats.article_history import ArticleHistories
from services.stats.exporting.exports import Exports
from services.stats.exporting.places import ExportPlaces
from services.stats.freshness import Freshness
from services.stats.handlers import catalogue_handler
from services.stats.live import hub as live_hub
from services.stats.live.frames import LiveFigures
from services.stats.live.hub import Hub
from services.stats.live.metrics import LiveMetrics
from services.stats.live.places import ListenerPlaces
from services.stats.live.route import LIVE_PATH, live
from services.stats.live.store import LiveStore
from services.stats.metrics import StatsMetrics
from services.stats.pages.article_pages import ArticlePages
from services.stats.pages.pages import Pages
from services.stats.pages.recent import RecentHours
from services.stats.pages.shown import PageRenderer
from services.stats.pages.site_pages import SitePages
from services.stats.portal.store import PortalStore
from services.stats.portal.writer import PORTAL_LOOK_SECONDS, PortalWriter
from services.stats.readers.audience import Audience, make_audience
from services.stats.reports import SITE_LOOK_SECONDS, Reports
from services.stats.serving import answering, public_api
from services.stats.settings import StatsSettings
from services.stats.store import Store
from services.stats.traffic.keeper import Keeper
from services.stats.traffic.maker import Maker
from services.stats.traffic.sections.memory import CatalogueMemory, SectionMemory
from services.stats.traffic.sections.store import SectionStore
from shared.base import metrics
from shared.base.site_following import SiteFollower
from shared.base.tracing import make_tracer
from shared.rabbit import topology
from shared.rabbit.declaring import declare_own
from shared.storage import mongo
from shared.storage.types import Client
from shared.web import state
from shared.web.addresses import Addresses
from shared.web.app import Service
from shared.web.cors import readable_by
from shared.web.headers import OPEN
from shared.web.observed import observed

PING_SECONDS, PING_TIMEOUT_SECONDS = 1.0, 2.0
BOOKS_SECONDS = 5.0
TRAFFIC_SECONDS = 0.5


class Ping:
    """Pings MongoDB, to know whether stats can answer."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.away: str | None = None
        """The reason why stats can't answer; None while MongoDB answers."""

    async def ping(self) -> None:
        """Ping MongoDB. Raises `Transient` or TimeoutError without an answer."""
        try:
            async with asyncio.timeout(PING_TIMEOUT_SECONDS):
                await self._store.ping()
        except Exception:
            self.away = "MongoDB does not answer"
            raise
        self.away = None


@dataclass(frozen=True, kw_only=True)
class Statistics:
    """The life of one stats."""

    settings: StatsSettings
    client: Client
    broker: rabbit.Broker
    store: Store
    database: Ping
    reports: Reports
    keeper: Keeper
    audience: Audience
    portal: PortalWriter
    hub: Hub
    metrics: StatsMetrics

    def not_ready(self) -> str | None:
        """The reason why stats can't answer requests or consume events; None while it can."""
        return self.database.away or not_consuming(self.broker) or self.keeper.preparing()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Connect, then consume events and run the background work until the stop."""
        refresh = self.reports.keep_site_fresh
        try:
            await mongo.wait_for(self.client, self.settings.mongo_url, "stats", set_up=True)
            await rabbit.connect(self.broker, self.settings.amqp_url, declare_own)
            async with background(
                supervised("the ping of MongoDB", self.database.ping, PING_SECONDS),
                supervised("the reader of the books", self._show_books, BOOKS_SECONDS),
                supervised("the refresh of the site's figures", refresh, SITE_LOOK_SECONDS),
                self.keeper.catalogue.run(),
                supervised("the keeper of traffic figures", self.keeper.step, TRAFFIC_SECONDS),
                *self.audience.work(),
                supervised("the writer of pages' figures", self.portal.step, PORTAL_LOOK_SECONDS),
                supervised("the reader of live figures", self.hub.look, live_hub.LOOK_SECONDS),
                supervised("the sender of live figures", self.hub.step, live_hub.STEP_SECONDS),
                watch_depth(self.broker),
            ):
                yield
        finally:
            await self.broker.stop()
            await mongo.close(self.client)

    async def _show_books(self) -> None:
        gauges.show(await self.reports.reconciliation(), self.metrics)
        self.metrics.ledger.set(await self.store.ledger_batches())


def make_keeper(
    store: Store,
    sections: SectionStore,
    metrics: StatsMetrics,
    *,
    clock: Clock,
    zone: ZoneInfo,
    seconds: Callable[[], float] = time.monotonic,
) -> Keeper:
    """The keeper of traffic figures, with its parts. `zone` is the site's."""
    traffic = store.traffic
    return Keeper(
        traffic,
        catalogue=CatalogueMemory(sections, seconds),
        sections=SectionMemory(sections, traffic),
        maker=Maker(traffic, sections, metrics, clock=clock, zone=zone),
        metrics=metrics,
        clock=clock,
        zone=zone,
        seconds=seconds,
    )


def make_hub(
    settings: StatsSettings, store: LiveStore, reports: Reports, metrics: LiveMetrics
) -> Hub:
    """The live figures, with their parts."""
    return Hub(
        figures=LiveFigures(secrets.token_hex(4)),
        site=reports.site,
        reads=store.reads,
        places=ListenerPlaces(settings.live_listeners, settings.live_per_address),
        metrics=metrics,
    )


def make_pages(
    settings: StatsSettings,
    store: Store,
    reports: Reports,
    keeper: Keeper,
    audience: Audience,
    measured: StatsMetrics,
    clock: Clock,
) -> Pages:
    """The pages for people. What they ask MongoDB is in the budget of questions about articles."""
    renderer, budget = PageRenderer(settings), reports.of_articles
    histories = ArticleHistories(store, audience, budget, clock=clock, zone=renderer.zone)
    return Pages(
        site=SitePages(
            reports=reports, keeper=keeper, recent=RecentHours(store, budget), renderer=renderer
        ),
        articles=ArticlePages(histories=histories, renderer=renderer),
        renderer=renderer,
        followed=SiteFollower(settings, measured.site_file, renderer.use),
    )


# Long because every part of the service is built and named here, once.
def build(settings: StatsSettings, clock: Clock = now) -> Service:
    """Build every part of stats once, and pass it to the parts that use it. Connects to nothing."""
    tracer = make_tracer("stats", settings)
    client, db = mongo.connect(settings.mongo_url, "stats", tracer)
    registry = new_registry()
    measured = StatsMetrics(registry)
    broker = rabbit.make_broker(settings, "stats", registry, tracer)
    store = Store(client, db)
    zone = ZoneInfo(settings.time_zone)
    sections = SectionStore(client, db, store.traffic, clock=clock)
    keeper = make_keeper(store, sections, measured, clock=clock, zone=zone)
    audience = make_audience(db, broker, keeper, measured, clock=clock, zone=zone)
    reports = Reports(store, keeper, audience, clock=clock, zone=zone)
    exports = Exports(store, reports, ExportPlaces(measured), clock=clock, zone=zone)
    subscribe(broker, topology.STATS_ARTICLES, guard=Unguarded(), clock=clock)(
        catalogue_handler(store)
    )
    listen(broker, "stats.heartbeats")(Freshness(time.monotonic, measured).handle)
    hub = make_hub(settings, LiveStore(client, db), reports, LiveMetrics(registry))
    listen(broker, "stats.live")(hub.handle)
    statistics = Statistics(
        settings=settings,
        client=client,
        broker=broker,
        store=store,
        database=Ping(store),
        reports=reports,
        keeper=keeper,
        audience=audience,
        portal=PortalWriter(keeper, audience.watch.site, PortalStore(db).show, zone=zone),
        hub=hub,
        metrics=measured,
    )
    requests = metrics.Requests(registry)
    pages = make_pages(settings, store, reports, keeper, audience, measured, clock)
    fallback, fast = public_api(
        answering(reports, exports, pages), requests, settings=settings, tracer=tracer
    )
    streamed = observed(live(hub, Addresses(settings.trusted_proxies)), requests, OPEN)
    return Service(
        name="stats",
        running=pages.followed.beside(statistics.running),
        not_ready=statistics.not_ready,
        routes={
            state.PATH: state.listing(store.held),
            LIVE_PATH: readable_by(streamed, settings.cors_origins),
        },
        fallback=fallback,
        fast_get=fast,
        registry=registry,
        leaving=hub.end,
        endless=settings.live_listeners,
        tracer=tracer,
    )
