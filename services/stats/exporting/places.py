"""The places of exports: how many run at once."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

from services.stats.metrics import StatsMetrics
from shared.base.budget import Budget
from shared.base.errors import Unavailable

EXPORTS_AT_ONCE = 2
RETRY_EXPORT_SECONDS = 10
READING_SHARE, READING_BURST, READING_DEBT = 0.15, 2.0, 1.0
"""Share of the time for which all exports together may read from MongoDB, which the counter needs,
too; seconds of that which may be used at once; and the most that a rest makes good."""


class ExportPlaces:
    """Lets `EXPORTS_AT_ONCE` exports run at a time. None waits: an export takes minutes."""

    def __init__(
        self, metrics: StatsMetrics, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._metrics = metrics
        self._taken = 0
        self._budget = Budget(READING_SHARE, READING_BURST, debt=READING_DEBT, seconds=seconds)

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place during the block. Raises `Unavailable` if all are taken."""
        self.check()
        self._taken += 1
        self._metrics.exports_running.set(self._taken)
        try:
            yield
        finally:
            self._taken -= 1
            self._metrics.exports_running.set(self._taken)

    def check(self) -> None:
        """Raise `Unavailable` if all places are taken."""
        if self._taken >= EXPORTS_AT_ONCE:
            self._metrics.exports_refused.inc()
            raise Unavailable(
                f"{EXPORTS_AT_ONCE} exports run, try again later", RETRY_EXPORT_SECONDS
            )

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        """Wait until an export may read again, and read during the block."""
        await asyncio.sleep(self._budget.wait())
        with self._budget.spending():
            yield
