"""The waits of the kit's consumer, in a time that jumps, and what it sends and acks meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aio_pika.abc import AbstractIncomingMessage

from luotdoc_events.events import ArticlePublished
from luotdoc_subscriber import Event
from luotdoc_subscriber import consumer as module
from luotdoc_subscriber.base.errors import Permanent, Transient
from luotdoc_subscriber.base.metrics import new_registry
from luotdoc_subscriber.consumer import Consumer
from luotdoc_subscriber.parking import parked_headers
from luotdoc_subscriber.rabbit.broker import Broker
from luotdoc_subscriber.rabbit.layout import EVENTS_EXCHANGE, WorkQueue
from tests.support.jumping import play
from tests.support.verdict_cases import event

WORK = WorkQueue("search.events", EVENTS_EXCHANGE, ("article.published",), delays=(60.0, 600.0))
AWAY = Transient("the index is away")


def second() -> float:
    return round(asyncio.get_running_loop().time(), 3)


class Arrived:
    """A message from the work queue; notes the second of its ack."""

    def __init__(self, article: str) -> None:
        self.body, self.headers = event("article.published", article), dict[str, Any]()
        self.correlation_id = None
        self.channel = SimpleNamespace(is_closed=False)
        self.acked: list[float] = []

    async def ack(self) -> None:
        self.acked.append(second())


class Copies:
    """Takes the place of `forward` and `park`, whose first publishes RabbitMQ does not confirm."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, unconfirmed: int = 0) -> None:
        self.unconfirmed = unconfirmed
        self.tried: list[float] = []
        self.sent: list[str] = []
        monkeypatch.setattr(module, "forward", self._forward)
        monkeypatch.setattr(module, "park", self._park)

    async def _forward(
        self, _broker: object, _work: object, queue: str, _message: object, _headers: object
    ) -> None:
        self._publish(queue)

    async def _park(
        self, _broker: object, _work: object, _message: object, reason: str, *_: object
    ) -> None:
        self._publish(f"parked: {reason}")

    def _publish(self, where: str) -> None:
        self.tried.append(second())
        assert len(self.tried) < 99, "publishes without a pause"
        if len(self.tried) <= self.unconfirmed:
            raise Transient("RabbitMQ did not confirm")
        self.sent.append(where)


def consumer(handle: Callable[[Event[Any]], Awaitable[bool | None]]) -> Consumer:
    broker = Broker("amqp://localhost/", "test", "https://e.vn/schemas", new_registry())
    clock = lambda: datetime(2026, 11, 23, tzinfo=UTC)  # noqa: E731
    return Consumer(broker, WORK, (ArticlePublished,), handle, None, clock, prefetch=10)


class Index:
    """A handler; notes the second of each call, and fails in the first `fails` of them."""

    def __init__(self, fails: int, error: Exception = AWAY) -> None:
        self.calls: list[float] = []
        self._fails, self._error = fails, error

    async def __call__(self, _event: Event[Any]) -> None:
        self.calls.append(second())
        if len(self.calls) > 99:
            raise AssertionError("called without a pause")
        if len(self.calls) <= self._fails:
            raise self._error


def take(one: Consumer, *messages: Arrived) -> None:
    """Let the consumer settle messages, one after the other."""

    async def scene() -> None:
        for message in messages:
            await one.take(cast(AbstractIncomingMessage, message))

    play(scene)


def test_while_a_server_is_away_attempts_back_off(monkeypatch: pytest.MonkeyPatch) -> None:
    copies, index, message = Copies(monkeypatch), Index(fails=5), Arrived("a1")
    take(consumer(index), message)
    assert index.calls == [0, 0.1, 0.3, 0.7, 1.5, 3.1]
    assert (message.acked, copies.sent) == ([3.1], [])


def test_after_half_a_minute_the_message_steps_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    copies, index, message = Copies(monkeypatch), Index(fails=99), Arrived("a1")
    take(consumer(index), message)
    assert index.calls == [0, 0.1, 0.3, 0.7, 1.5, 3.1, 6.3, 12.7, 22.7, 32.7]
    assert (copies.sent, message.acked) == (["search.events.retry.60"], [32.7])


def test_a_copy_is_published_every_second_until_it_is_confirmed_and_then_acked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    copies = Copies(monkeypatch, unconfirmed=3)
    message = Arrived("a1")
    take(consumer(Index(1, Permanent("no_such_cache", "there is none"))), message)
    assert copies.tried == [0, 1, 2, 3]
    assert (copies.sent, message.acked) == (["parked: no_such_cache"], [3])


def test_a_message_whose_channel_is_closed_meanwhile_is_left_to_rabbitmq(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    copies, index, message = Copies(monkeypatch), Index(fails=99), Arrived("a1")

    async def scene() -> None:
        taking = asyncio.create_task(consumer(index).take(cast(AbstractIncomingMessage, message)))
        await asyncio.sleep(1)
        message.channel.is_closed = True
        await taking

    play(scene)
    assert index.calls == [0, 0.1, 0.3, 0.7]
    assert (message.acked, copies.sent) == ([], [])


def test_the_headers_of_a_parked_copy_are_cut() -> None:
    headers = parked_headers({"own": "kept"}, "bug", "ộ" * 100_000, "2026-11-23T07:05:00.000Z")
    assert headers == {
        "own": "kept",
        "x-luotdoc-reason": "bug",
        "x-luotdoc-detail": "ộ" * 2000,
        "x-luotdoc-parked-at": "2026-11-23T07:05:00.000Z",
    }
