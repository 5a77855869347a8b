"""When a process sends heartbeats, and what they say, in a time that jumps."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from luotdoc_events.events import ArticlePublished, ArticleWithdrawn, Heartbeat
from luotdoc_subscriber.base.errors import Transient
from luotdoc_subscriber.base.metrics import new_registry
from luotdoc_subscriber.rabbit.broker import Broker
from shared.rabbit import heartbeat as module
from shared.rabbit.heartbeat import Heartbeats
from tests.support.jumping import play

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Process:
    """A producer of two types of events that is well, or not, and its heartbeats."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.well = True
        self.away = False
        self.beats: list[tuple[float, Heartbeat]] = []
        self.attempts = 0
        self.broker = Broker("amqp://localhost/", "test", "https://e.vn/schemas", new_registry())
        monkeypatch.setattr(module, "publish_event", self._publish)

    async def _publish(self, _broker: Broker, data: Heartbeat, **attributes: Any) -> None:
        assert (attributes["source"], attributes["time"]) == ("/luotdoc/ingest", NOON)
        self.attempts += 1
        assert self.attempts < 99, "sends without a pause"
        if self.away:
            raise Transient("RabbitMQ did not confirm")
        self.beats.append((asyncio.get_running_loop().time(), data))

    async def run(self) -> None:
        await Heartbeats(
            broker=self.broker,
            producer="ingest",
            kinds=[ArticlePublished, ArticleWithdrawn],
            interval=5.0,
            well=lambda: self.well,
            clock=lambda: NOON,
        ).run()

    @property
    def seconds(self) -> list[float]:
        """The seconds of the heartbeats of one type."""
        return [at for at, data in self.beats if data.event == "article.published"]


def test_each_type_has_a_heartbeat_every_interval_while_the_process_is_well(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = Process(monkeypatch)

    async def scene() -> None:
        running = asyncio.create_task(one.run())
        for well, until in ((True, 12), (False, 22), (True, 31)):
            one.well = well
            await asyncio.sleep(until - asyncio.get_running_loop().time())
        running.cancel()

    play(scene)
    assert one.seconds == [0, 5, 10, 25, 30]
    assert [data.event for _, data in one.beats] == ["article.published", "article.withdrawn"] * 5
    assert len({data.instance for _, data in one.beats}) == 1


def test_a_heartbeat_names_the_last_event_of_its_type(monkeypatch: pytest.MonkeyPatch) -> None:
    one = Process(monkeypatch)
    one.broker.confirmed["article.published"] = ("e-7", NOON)

    async def scene() -> None:
        running = asyncio.create_task(one.run())
        await asyncio.sleep(1)
        running.cancel()

    play(scene)
    (_, published), (_, withdrawn) = one.beats
    assert (published.producer, published.interval) == ("ingest", 5.0)
    assert (published.last_id, published.last_time) == ("e-7", NOON)
    assert (withdrawn.last_id, withdrawn.last_time) == (None, None)


def test_while_rabbitmq_does_not_confirm_heartbeats_back_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = Process(monkeypatch)
    one.away = True

    async def scene() -> None:
        running = asyncio.create_task(one.run())
        await asyncio.sleep(9)
        one.away = False
        await asyncio.sleep(11)
        running.cancel()

    play(scene)
    assert one.attempts - len(one.beats) == 6  # at 0, 0.25, 0.75, 1.75, 3.75, 7.75
    assert one.seconds == [12.75, 17.75]
