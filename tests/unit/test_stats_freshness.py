"""How long each type of event has been silent."""

from datetime import UTC, datetime

from luotdoc_events import events
from luotdoc_subscriber.base.metrics import new_registry
from luotdoc_subscriber.subscribing import Event
from services.stats.freshness import Freshness
from services.stats.metrics import StatsMetrics

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def beat(name: str) -> Event[events.Heartbeat]:
    data = events.Heartbeat(producer="render", instance="i1", event=name, interval=10)
    envelope = events.envelope(
        data, id="h", source="/luotdoc/render", time=NOON, schemas="https://e.vn/schemas"
    )
    return Event(data, envelope)


async def test_silence_lasts_until_a_heartbeat_for_that_type() -> None:
    seconds = 100.0
    registry = new_registry()
    freshness = Freshness(lambda: seconds, StatsMetrics(registry))
    seconds = 130.0
    await freshness.handle(beat("page.rendered"))
    seconds = 142.0
    assert freshness.silence("page.rendered") == 12
    assert freshness.silence("page.removed") == 42  # since it began to listen
    shown = registry.get_sample_value("luotdoc_event_silence_seconds", {"event": "page.rendered"})
    assert shown == 12


async def test_a_heartbeat_of_an_unknown_type_changes_nothing() -> None:
    seconds = 100.0
    freshness = Freshness(lambda: seconds, StatsMetrics(new_registry()))
    seconds = 130.0
    await freshness.handle(beat("page.exploded"))
    assert freshness.silence("page.removed") == 30
