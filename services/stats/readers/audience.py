"""Unique readers and readers online, for the answers, with the background work behind them."""

import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypedDict
from zoneinfo import ZoneInfo

from luotdoc_subscriber.base.clock import Clock
from luotdoc_subscriber.base.tasks import supervised
from luotdoc_subscriber.rabbit.broker import Broker
from services.stats.metrics import StatsMetrics
from services.stats.readers import answers
from services.stats.readers.keeper import ReaderKeeper
from services.stats.readers.reports import ReaderReports
from services.stats.readers.scopes import ReaderScope
from services.stats.readers.store import ReaderStore
from services.stats.readers.watch import ONLINE_LOOK_SECONDS, OnlineWatch
from services.stats.traffic.keeper import Keeper
from shared.storage.types import MongoDatabase

AGAIN_SECONDS = 1.0
FINISH_SECONDS = 60.0


class AudienceFields(TypedDict):
    """The fields that figures of a site, a section or an article have."""

    online: int | None
    readers: answers.Readers


@dataclass(frozen=True, kw_only=True)
class Audience:
    """Who reads."""

    keeper: ReaderKeeper
    watch: OnlineWatch
    reports: ReaderReports

    def work(self) -> tuple[Coroutine[Any, Any, None], ...]:
        """The background work."""
        keeper = self.keeper
        name = "the number of readers online"
        return (
            supervised(
                "the fold of unique readers", keeper.follow, AGAIN_SECONDS, outage=keeper.outage
            ),
            supervised("the end of readers' hashes", keeper.finish, FINISH_SECONDS),
            supervised(name, self.watch.step, ONLINE_LOOK_SECONDS),
        )

    async def site(self) -> AudienceFields:
        """Of the site."""
        return {"online": self.watch.site(), "readers": await self.reports.site()}

    async def article(self, article: str) -> AudienceFields:
        """Of an article."""
        readers = await self.reports.of(ReaderScope("article", article))
        return {"online": self.watch.article(article), "readers": readers}

    async def sections(self) -> Callable[[str], AudienceFields]:
        """What answers it for each section."""
        readers_of = await self.reports.sections()
        return lambda name: {"online": self.watch.section(name), "readers": readers_of(name)}


def make_audience(
    db: MongoDatabase,
    broker: Broker,
    traffic: Keeper,
    metrics: StatsMetrics,
    *,
    clock: Clock,
    zone: ZoneInfo,
    seconds: Callable[[], float] = time.monotonic,
) -> Audience:
    """The audience, with its parts. `zone` is the site's."""
    store = ReaderStore(db, zone)
    keeper = ReaderKeeper(store, broker, clock=clock, zone=zone, seconds=seconds)
    return Audience(
        keeper=keeper,
        watch=OnlineWatch(keeper, traffic, metrics, clock, seconds),
        reports=ReaderReports(store, clock, zone, seconds),
    )
