"""What the outbox relay says of what stands in its way."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import cast
from unittest.mock import Mock

import pytest
from aio_pika.exceptions import DeliveryError
from pamqp.commands import Basic

from luotdoc_subscriber.base.errors import Transient
from luotdoc_subscriber.base.metrics import new_registry
from services.ingest.articles import relay as module
from services.ingest.articles.documents import Outgoing
from services.ingest.articles.relay import POLL_SECONDS, Relay
from services.ingest.metrics import IngestMetrics
from services.ingest.store import ArticleStore
from tests.support.jumping import play


class Outbox:
    """Empty; a look into it raises what it is told, one after the other, then works until it is
    stopped.
    """

    def __init__(self, *errors: Exception | None) -> None:
        self._errors = list(errors)
        self.done = asyncio.Event()

    async def outgoing(self, _limit: int) -> list[Outgoing]:
        if not self._errors:
            self.done.set()
        elif error := self._errors.pop(0):
            raise error
        return []

    async def waiting(self) -> tuple[int, None]:
        return 0, None


async def said(
    caplog: pytest.LogCaptureFixture, *errors: Exception | None
) -> list[tuple[str, str, bool]]:
    """Level, text and whether there is a traceback, of each line that a relay logs."""

    async def publish(_event: Outgoing) -> None:
        raise AssertionError

    outbox = Outbox(*errors)
    relay = Relay(
        store=cast(ArticleStore, outbox),
        publish=publish,
        clock=lambda: datetime(2026, 11, 23, tzinfo=UTC),
        metrics=IngestMetrics(new_registry()),
    )
    task = asyncio.create_task(relay.run())
    async with asyncio.timeout(5):
        await outbox.done.wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    return [
        (record.levelname, record.getMessage(), record.exc_info is not None)
        for record in caplog.records
    ]


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(module, "POLL_SECONDS", 0)
    caplog.set_level(logging.INFO)


async def test_trouble_is_a_warning_whenever_it_changes(caplog: pytest.LogCaptureFixture) -> None:
    away, lost = Transient("RabbitMQ did not confirm"), Transient("MongoDB: connection closed")
    unrouted = DeliveryError(
        None, Basic.Return(312, "NO_ROUTE", "luotdoc.events", "article.published")
    )
    assert await said(caplog, away, away, lost, lost, TimeoutError(), unrouted, None, unrouted) == [
        ("WARNING", "the outbox relay waits: RabbitMQ did not confirm", False),
        ("WARNING", "the outbox relay waits: MongoDB: connection closed", False),
        ("WARNING", "the outbox relay waits: TimeoutError", False),
        ("WARNING", f"the outbox relay waits: {unrouted}", False),
        ("INFO", "the outbox relay works again", False),
        ("WARNING", f"the outbox relay waits: {unrouted}", False),
        ("INFO", "the outbox relay works again", False),
    ]


async def test_a_bug_has_its_traceback_once(caplog: pytest.LogCaptureFixture) -> None:
    away, bug = Transient("RabbitMQ did not confirm"), KeyError("revision")
    assert await said(caplog, away, *[bug] * 20, KeyError("name")) == [
        ("WARNING", "the outbox relay waits: RabbitMQ did not confirm", False),
        ("ERROR", "a bug in the outbox relay, which tries again: 'revision'", True),
        ("ERROR", "a bug in the outbox relay, which tries again: 'name'", True),
        ("INFO", "the outbox relay works again", False),
    ]


class Waiting:
    """An outbox in memory, with the second of each look into it."""

    def __init__(self, *events: Outgoing) -> None:
        self.events = list(events)
        self.looks: list[float] = []

    async def outgoing(self, limit: int) -> list[Outgoing]:
        self.looks.append(asyncio.get_running_loop().time())
        return self.events[:limit]

    async def waiting(self) -> tuple[int, None]:
        return len(self.events), None

    async def sent(self, ids: list[str]) -> None:
        self.events = [event for event in self.events if event.id not in ids]


def outgoing(article: str, revision: int) -> Outgoing:
    event = Mock(spec=Outgoing)
    event.id, event.article = f"{article}{revision:03d}", article
    return cast(Outgoing, event)


def relay(outbox: Waiting, publish: Callable[[Outgoing], Awaitable[None]]) -> Relay:
    return Relay(
        store=cast(ArticleStore, outbox),
        publish=publish,
        clock=lambda: datetime(2026, 11, 23, tzinfo=UTC),
        metrics=IngestMetrics(new_registry()),
    )


async def taken(_event: Outgoing) -> None:
    """RabbitMQ confirms it."""


async def refused(_event: Outgoing) -> None:
    raise Transient("RabbitMQ did not confirm")


def looks(outbox: Waiting, publish: Callable[[Outgoing], Awaitable[None]]) -> int:
    """How often a relay looks within ten seconds."""

    async def scene() -> None:
        running = asyncio.create_task(relay(outbox, publish).run())
        await asyncio.sleep(9.99)
        running.cancel()

    play(scene)
    return len(outbox.looks)


def test_an_empty_outbox_is_looked_into_four_times_a_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "POLL_SECONDS", POLL_SECONDS)
    assert looks(Waiting(), taken) == 40


def test_after_failures_a_relay_backs_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POLL_SECONDS", POLL_SECONDS)
    assert looks(Waiting(outgoing("a", 1)), refused) == 6  # at 0, 0.25, 0.75, 1.75, 3.75, 7.75


def test_a_full_round_is_followed_at_once_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POLL_SECONDS", POLL_SECONDS)
    outbox = Waiting(*(outgoing(f"a{n}", 1) for n in range(450)))
    looks(outbox, taken)
    assert outbox.looks[:4] == [0.0, 0.0, 0.0, 0.25]
    assert outbox.events == []


def test_a_change_of_this_process_wakes_the_relay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POLL_SECONDS", POLL_SECONDS)
    outbox = Waiting()

    async def scene() -> None:
        one = relay(outbox, taken)
        running = asyncio.create_task(one.run())
        await asyncio.sleep(0.1)
        one.wake()
        await asyncio.sleep(0.1)
        running.cancel()

    play(scene)
    assert outbox.looks == [0.0, 0.1]


async def test_a_revision_is_sent_after_the_one_before_and_leaves_after_its_confirm() -> None:
    outbox = Waiting(outgoing("a", 1), outgoing("a", 2), outgoing("b", 1))
    sent: list[tuple[str, list[str]]] = []

    async def publish(event: Outgoing) -> None:
        sent.append((event.id, [each.id for each in outbox.events]))
        await asyncio.sleep(0)
        if event.id == "a002":
            raise Transient("RabbitMQ did not confirm")

    one = relay(outbox, publish)
    with pytest.raises(Transient):
        await one.round()
    assert [each for each, _ in sent] == ["a001", "b001", "a002"]
    assert dict(sent)["a001"] == ["a001", "a002", "b001"]  # not deleted before
    assert "a001" not in dict(sent)["a002"]
    assert [event.id for event in outbox.events] == ["a002"]
