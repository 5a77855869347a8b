"""The composition root of stats."""

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from zoneinfo import ZoneInfo

from pymongo.errors import PyMongoError

from services.stats import api, gauges
from services.stats.freshness import Freshness
from services.stats.handlers import catalogue_handler
from services.stats.metrics import StatsMetrics
from services.stats.reports import CACHE_SECONDS, Reports
from services.stats.settings import StatsSettings
from services.stats.store import Store
from shared.base import metrics
from shared.base.clock import Clock, now
from shared.base.tasks import background
from shared.rabbit import broker as rabbit
from shared.rabbit import topology
from shared.storage import mongo
from shared.subscriber.consuming import not_consuming
from shared.subscriber.guard import Unguarded
from shared.subscriber.queue_depth import watch
from shared.subscriber.subscribe import listen, subscribe
from shared.web import state
from shared.web.api import observed
from shared.web.app import Service
from shared.web.cors import readable
from shared.web.headers import OPEN
from shared.web.turnstile import in_turns

log = logging.getLogger(__name__)

PING_SECONDS, PING_TIMEOUT_SECONDS = 1.0, 2.0
BOOKS_SECONDS = 5.0


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
        except (PyMongoError, TimeoutError) as error:
            away[:] = [f"MongoDB does not answer: {type(error).__name__}"]
        else:
            away.clear()

    async def show_books() -> None:
        try:
            gauges.show(await reports.reconciliation(), measured)
        except PyMongoError as error:
            log.warning("the books cannot be read: %s", error)

    async def keep_fresh() -> None:
        with suppress(PyMongoError):  # requests get the error, and `ping` makes stats not ready
            await reports.keep_site_fresh()

    @asynccontextmanager
    async def running() -> AsyncIterator[None]:
        try:
            await mongo.wait_for(client, settings.mongo_url)
            await rabbit.connect(broker, settings.amqp_url)
            async with background(
                _every(PING_SECONDS, ping),
                _every(BOOKS_SECONDS, show_books),
                _every(CACHE_SECONDS * 0.6, keep_fresh),
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


async def _every(seconds: float, act: Callable[[], Awaitable[None]]) -> None:
    while True:
        await act()
        await asyncio.sleep(seconds)
