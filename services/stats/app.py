"""The composition root of stats."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from zoneinfo import ZoneInfo

from services.stats import api, gauges
from services.stats.freshness import Freshness
from services.stats.handlers import catalogue_handler
from services.stats.metrics import StatsMetrics
from services.stats.reports import CACHE_SECONDS, Reports
from services.stats.settings import StatsSettings
from services.stats.store import Store
from shared.base import metrics
from shared.base.clock import Clock, now
from shared.base.errors import Transient
from shared.base.tasks import background, supervised
from shared.rabbit import broker as rabbit
from shared.rabbit import topology
from shared.storage import mongo
from shared.subscriber.consuming import not_consuming
from shared.subscriber.guard import Unguarded
from shared.subscriber.queue_depth import watch
from shared.subscriber.subscribe import listen, subscribe
from shared.web import state
from shared.web.app import Service
from shared.web.cors import readable
from shared.web.headers import OPEN
from shared.web.observed import observed
from shared.web.turnstile import in_turns

PING_SECONDS, PING_TIMEOUT_SECONDS = 1.0, 2.0
BOOKS_SECONDS = 5.0
REFRESH_SECONDS = CACHE_SECONDS * 0.6


def build(settings: StatsSettings, clock: Clock = now) -> Service:
    """Build the service. It connects when it runs."""
    client, db = mongo.connect(settings.mongo_url, "stats")
    registry = metrics.new_registry()
    measured = StatsMetrics(registry)
    broker = rabbit.make_broker(settings, "stats", registry)
    store = Store(client, db)
    reports = Reports(store, clock, ZoneInfo(settings.time_zone))
    subscribe(broker, topology.STATS_ARTICLES, guard=Unguarded(), clock=clock)(
        catalogue_handler(store)
    )
    freshness = Freshness(time.monotonic, measured)
    listen(
        broker, topology.heartbeats_queue(secrets.token_hex(6)), topology.EVENTS, freshness.handle
    )
    away: list[str] = []

    async def ping() -> None:
        try:
            async with asyncio.timeout(PING_TIMEOUT_SECONDS):
                await store.ping()
        except (Transient, TimeoutError):
            away[:] = ["MongoDB does not answer"]
            raise
        else:
            away.clear()

    async def show_books() -> None:
        gauges.show(await reports.reconciliation(), measured)

    @asynccontextmanager
    async def running() -> AsyncIterator[None]:
        try:
            await mongo.wait_for(client, settings.mongo_url)
            await rabbit.connect(broker, settings.amqp_url)
            async with background(
                supervised("the look at MongoDB", ping, PING_SECONDS),
                supervised("the reader of the books", show_books, BOOKS_SECONDS),
                supervised(
                    "the refresh of the site's figures", reports.keep_site_fresh, REFRESH_SECONDS
                ),
                watch(broker),
            ):
                yield
        finally:
            await broker.stop()
            await mongo.close(client)

    return Service(
        name="stats",
        running=running,
        not_ready=lambda: away[0] if away else not_consuming(broker),
        routes={state.PATH: state.listing(store.held)},
        fallback=readable(
            observed(
                api.site_at_once(in_turns(api.make(reports)), reports),
                metrics.Requests(registry),
                OPEN,
            ),
            settings.cors_origins,
        ),
        registry=registry,
    )
