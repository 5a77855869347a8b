"""The places of exports: how many run at once."""

from collections.abc import Iterator
from contextlib import contextmanager

from services.stats.metrics import StatsMetrics
from shared.base.errors import Unavailable

EXPORTS_AT_ONCE = 2
RETRY_EXPORT_SECONDS = 10


class ExportPlaces:
    """Lets `EXPORTS_AT_ONCE` exports run at a time. None waits: an export takes minutes."""

    def __init__(self, metrics: StatsMetrics) -> None:
        self._metrics = metrics
        self._taken = 0

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
