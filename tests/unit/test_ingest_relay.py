"""What the outbox relay says of what stands in its way."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

import pytest
from aio_pika.exceptions import DeliveryError
from pamqp.commands import Basic

from luotdoc_subscriber.base.errors import Transient
from luotdoc_subscriber.base.metrics import Registry, new_registry
from services.ingest.articles import relay as module
from services.ingest.articles.documents import Outgoing
from services.ingest.articles.relay import POLL_SECONDS, Relay
from services.ingest.metrics import IngestMetrics
from tests.support.article_store import NOON, ArticlesInMemory
from tests.support.jumping import play


async def said(
    caplog: pytest.LogCaptureFixture, *errors: Exception | None
) -> list[tuple[str, str, bool]]:
    """Level, text and whether there is a traceback, of each line that a relay logs. Its looks into
    the empty outbox raise `errors`, one after the other, then work.
    """

    async def publish(_event: Outgoing) -> None:
        raise AssertionError

    store, done, script = ArticlesInMemory(), asyncio.Event(), list(errors)

    def fails(query: str, *_: object) -> Exception | None:
        if query != "outgoing":
            return None
        if not script:
            done.set()
        return script.pop(0) if script else None

    store.fails = fails
    task = asyncio.create_task(relay(store, publish).run())
    async with asyncio.timeout(5):
        await done.wait()
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
    monkeypatch.setattr(module, "MEASURE_SECONDS", 0)
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


def outbox(*events: Outgoing) -> tuple[ArticlesInMemory, list[float]]:
    """A store with events in its outbox, and a list that gets the second of each look into it."""
    store, looks = ArticlesInMemory(), list[float]()

    def fails(query: str, *_: object) -> None:
        if query == "outgoing":
            looks.append(asyncio.get_running_loop().time())

    store.outbox, store.fails = list(events), fails
    return store, looks


def outgoing(article: str, revision: int, seconds: int = 0) -> Outgoing:
    """An event of some seconds after noon."""
    return Outgoing(
        id=f"{article}{revision:03d}",
        article=article,
        revision=revision,
        name="article.updated",
        type="luotdoc.article.updated.v1",
        body=b"{}",
        correlation_id="c1",
        time=NOON + timedelta(seconds=seconds),
    )


def relay(
    store: ArticlesInMemory,
    publish: Callable[[Outgoing], Awaitable[None]],
    registry: Registry | None = None,
) -> Relay:
    """It is a minute past noon."""
    return Relay(
        store=store,
        publish=publish,
        clock=lambda: NOON + timedelta(seconds=60),
        metrics=IngestMetrics(registry or new_registry()),
    )


async def taken(_event: Outgoing) -> None:
    """RabbitMQ confirms it."""


async def refused(_event: Outgoing) -> None:
    raise Transient("RabbitMQ did not confirm")


def play_ten_seconds(
    store: ArticlesInMemory, publish: Callable[[Outgoing], Awaitable[None]]
) -> None:
    async def scene() -> None:
        running = asyncio.create_task(relay(store, publish).run())
        await asyncio.sleep(9.99)
        running.cancel()

    play(scene)


def test_an_empty_outbox_is_looked_into_four_times_a_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "POLL_SECONDS", POLL_SECONDS)
    store, looks = outbox()
    play_ten_seconds(store, taken)
    assert len(looks) == 40


def test_after_failures_a_relay_backs_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POLL_SECONDS", POLL_SECONDS)
    store, looks = outbox(outgoing("a", 1))
    play_ten_seconds(store, refused)
    assert looks == [0, 0.25, 0.75, 1.75, 3.75, 7.75]


def test_a_full_round_is_followed_at_once_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POLL_SECONDS", POLL_SECONDS)
    store, looks = outbox(*(outgoing(f"a{n}", 1) for n in range(450)))
    play_ten_seconds(store, taken)
    assert looks[:4] == [0.0, 0.0, 0.0, 0.25]
    assert store.outbox == []


def test_a_change_of_this_process_wakes_the_relay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POLL_SECONDS", POLL_SECONDS)
    store, looks = outbox()

    async def scene() -> None:
        one = relay(store, taken)
        running = asyncio.create_task(one.run())
        await asyncio.sleep(0.1)
        one.wake()
        await asyncio.sleep(0.1)
        running.cancel()

    play(scene)
    assert looks == [0.0, 0.1]


async def test_a_revision_is_sent_after_the_one_before_and_leaves_after_its_confirm() -> None:
    store, _ = outbox(outgoing("a", 1), outgoing("a", 2), outgoing("b", 1))
    sent: list[tuple[str, list[str]]] = []

    async def publish(event: Outgoing) -> None:
        sent.append((event.id, [each.id for each in store.outbox]))
        await asyncio.sleep(0)
        if event.id == "a002":
            raise Transient("RabbitMQ did not confirm")

    one = relay(store, publish)
    with pytest.raises(Transient):
        await one.round()
    assert [each for each, _ in sent] == ["a001", "b001", "a002"]
    assert dict(sent)["a001"] == ["a001", "a002", "b001"]  # not deleted before
    assert "a001" not in dict(sent)["a002"]
    assert [event.id for event in store.outbox] == ["a002"]


async def test_what_waits_is_measured_before_it_is_sent() -> None:
    registry = new_registry()
    store, _ = outbox(outgoing("b", 2, seconds=20), outgoing("a", 1, seconds=30))
    one = relay(store, taken, registry)

    def measured() -> list[float | None]:
        names = ("luotdoc_outbox_waiting", "luotdoc_outbox_oldest_seconds")
        return [registry.get_sample_value(name) for name in names]

    assert not await one.round()
    assert measured() == [2, 40]
    assert not await one.round()
    assert measured() == [0, 0]
    store.outbox = [outgoing("a", 2, seconds=90)]  # of an ingest whose clock is ahead
    await one.round()
    assert measured() == [1, 0]


async def test_a_busy_outbox_is_not_measured_in_each_round(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MEASURE_SECONDS", 60)
    store, _ = outbox(outgoing("a", 1))
    measures, one = list[str](), relay(store, taken)

    def fails(query: str, *_: object) -> None:
        if query == "waiting":
            measures.append(query)

    store.fails = fails
    for revision in range(2, 6):
        await one.round()
        store.outbox = [outgoing("a", revision)]
    assert len(measures) == 1


async def test_an_event_that_fails_holds_up_its_own_article_alone() -> None:
    store, _ = outbox(outgoing("a", 1), outgoing("a", 2), outgoing("b", 1), outgoing("b", 2))
    sent = list[str]()

    async def publish(event: Outgoing) -> None:
        if event.article == "a":
            raise Transient("RabbitMQ did not confirm")
        sent.append(event.id)

    with pytest.raises(Transient, match="did not confirm"):
        await relay(store, publish).round()
    assert (sent, [event.id for event in store.outbox]) == (["b001", "b002"], ["a001", "a002"])
