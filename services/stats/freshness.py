"""Measures the time since the last heartbeat of each event type, as a subscriber would: through the
broker, from the producer to a queue.
"""

from collections.abc import Callable

from luotdoc_events import events
from luotdoc_subscriber.subscribing import Event
from services.stats.metrics import StatsMetrics


class Freshness:
    """Notes heartbeats. A gauge shows the seconds since the last one of each event type.
    `monotonic` is a clock in seconds.
    """

    def __init__(self, monotonic: Callable[[], float], metrics: StatsMetrics) -> None:
        self._monotonic, self._metrics = monotonic, metrics
        # A producer that never starts counts as silent since the start of this process.
        self._last_heartbeat = dict.fromkeys(
            sorted(events.EVENTS.keys() - {events.Heartbeat.name}), monotonic()
        )
        for name in self._last_heartbeat:
            self._show(name)

    async def handle(self, event: Event[events.Heartbeat]) -> None:
        """Note a heartbeat. One for an unknown type comes from a newer producer and is ignored."""
        if event.data.event in self._last_heartbeat:
            self._last_heartbeat[event.data.event] = self._monotonic()

    def silence(self, name: str) -> float:
        """Seconds since the last heartbeat for the event type `name`."""
        return self._monotonic() - self._last_heartbeat[name]

    def _show(self, name: str) -> None:
        self._metrics.silence.labels(name).set_function(lambda: self.silence(name))
