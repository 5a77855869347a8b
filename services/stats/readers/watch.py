"""Keeps the number of readers online, for stats itself and as a metric."""

import time
from collections.abc import Callable

from luotdoc_subscriber.base.clock import Clock, to_millis
from services.stats.metrics import StatsMetrics
from services.stats.readers.keeper import ReaderKeeper
from services.stats.readers.online import OnlineFigures
from services.stats.traffic.keeper import Keeper

ONLINE_LOOK_SECONDS = 1.0
REST = 20.0
"""The next look waits for so many times as long as the last one took: at 20,000 reads a second it
takes half a second."""
BEHIND_SECONDS = 60.0
"""The number is not known while the fold is further behind the stream."""


class OnlineWatch:
    """The readers online of the site and the sections, as of a moment ago."""

    def __init__(
        self,
        keeper: ReaderKeeper,
        traffic: Keeper,
        metrics: StatsMetrics,
        clock: Clock,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keeper, self._traffic = keeper, traffic
        self._clock, self._seconds = clock, seconds
        self._figures: OnlineFigures | None = None
        self._rest_until = 0.0
        metrics.readers_lag.read(keeper.lag)
        metrics.online.read(self.site)

    def is_known(self) -> bool:
        """Whether this process knows the reads of the last minutes."""
        lag = self._keeper.lag()
        return self._keeper.known_until is not None and lag is not None and lag <= BEHIND_SECONDS

    def site(self) -> int | None:
        """Readers online of the site; None if that is not known."""
        return self._figures.site if self._figures and self.is_known() else None

    def section(self, name: str) -> int | None:
        """Readers online of a section; None if that is not known."""
        if not self._figures or not self.is_known():
            return None
        return self._figures.sections.get(name, 0)

    def article(self, article: str) -> int | None:
        """Readers online of an article, now; None if that is not known."""
        if not self.is_known():
            return None
        return self._keeper.online.of_article(article, to_millis(self._clock()))

    async def step(self) -> None:
        """Count the readers of the last minutes again. Call it each `ONLINE_LOOK_SECONDS`."""
        if self._seconds() < self._rest_until:
            return
        view = self._traffic.view
        if not self.is_known() or view is None:
            self._figures = None
            return
        started, now = self._seconds(), self._clock()
        self._figures = await self._keeper.online.figures(to_millis(now), view.listed.section_of)
        self._rest_until = self._seconds() + REST * (self._seconds() - started)
