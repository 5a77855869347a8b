"""How long each type of event has been silent, as a subscriber sees it: over the whole way, producer to consumer."""

from collections.abc import Callable

from luotdoc_events import events
from services.stats.metrics import StatsMetrics


class Freshness:
    """Notes heartbeats; the gauges tell the seconds since the newest for each type, by `monotonic`."""

    def __init__(self, monotonic: Callable[[], float], metrics: StatsMetrics) -> None:
        self._monotonic, self._metrics = monotonic, metrics
        # A producer that never comes up shows as silent since we began to listen.
        self._heard = dict.fromkeys(sorted(events.EVENTS.keys() - {events.Heartbeat.name}), monotonic())
        for name in self._heard:
            self._show(name)

    async def handle(self, _envelope: events.Envelope, data: events.Data) -> bool:
        """Take a heartbeat; those of types that we don't know are a newer producer's."""
        if not isinstance(data, events.Heartbeat) or data.event not in self._heard:
            return False
        self._heard[data.event] = self._monotonic()
        return True

    def silence(self, name: str) -> float:
        """Seconds since the last heartbeat for events called `name`."""
        return self._monotonic() - self._heard[name]

    def _show(self, name: str) -> None:
        self._metrics.silence.labels(name).set_function(lambda: self.silence(name))
