"""stats' reports over a database, as its composition root makes them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from luotdoc_subscriber.base.clock import Clock
from luotdoc_subscriber.base.metrics import Registry, new_registry
from luotdoc_subscriber.rabbit.broker import Broker
from services.stats.app import make_keeper
from services.stats.exporting.exports import Exports
from services.stats.exporting.places import ExportPlaces
from services.stats.metrics import StatsMetrics
from services.stats.readers.audience import Audience, make_audience
from services.stats.reports import Reports
from services.stats.store import Store
from services.stats.traffic.keeper import Keeper
from services.stats.traffic.maker import Maker
from services.stats.traffic.sections.store import SectionStore
from shared.base.budget import Budget
from shared.storage.quarters import add_up
from shared.storage.types import Client, MongoDatabase, Session


@dataclass
class Reporting:
    """One stats without its API and its background tasks."""

    store: Store
    sections: SectionStore
    keeper: Keeper
    maker: Maker
    reports: Reports
    exports: Exports
    audience: Audience
    registry: Registry


def reporting(
    client: Client,
    db: MongoDatabase,
    clock: Clock,
    zone: ZoneInfo,
    seconds: Callable[[], float] = time.monotonic,
) -> Reporting:
    """A new one. `seconds` is the clock of its caches. Its costly answers never wait for a budget:
    tests that ask one after the other ask more than a crowd may.
    """
    registry, store = new_registry(), Store(client, db)
    sections, metrics = SectionStore(client, db, store.traffic, clock), StatsMetrics(registry)
    keeper = make_keeper(store, sections, metrics, clock=clock, zone=zone, seconds=seconds)
    broker = Broker("amqp://127.0.0.1:9", "stats", "", registry)
    audience = make_audience(db, broker, keeper, metrics, clock=clock, zone=zone, seconds=seconds)
    reports = Reports(
        store, keeper, audience, clock=clock, zone=zone, seconds=seconds, budget=_unhurried
    )
    exports = Exports(store, reports, ExportPlaces(metrics), clock, zone)
    return Reporting(store, sections, keeper, keeper.maker, reports, exports, audience, registry)


def _unhurried(_: float) -> Budget:
    return Budget(1.0, 3600.0, debt=0.0)


async def reads_between(
    store: Store, session: Session, article: str, edges: Sequence[int]
) -> list[int]:
    """The reads of an article between each quarter of `edges`, in rising order, and the next."""
    return add_up(edges, await store.traffic.article_parts(session, article, edges, "q"))
