"""What the outbox relay says of what stands in its way."""

import asyncio
import logging
from contextlib import suppress
from datetime import UTC, datetime
from typing import cast

import pytest
from aio_pika.exceptions import DeliveryError
from pamqp.commands import Basic

from luotdoc_subscriber.base.errors import Transient
from luotdoc_subscriber.base.metrics import new_registry
from services.ingest.articles import relay as module
from services.ingest.articles.documents import Outgoing
from services.ingest.articles.relay import Relay
from services.ingest.metrics import IngestMetrics
from services.ingest.store import ArticleStore


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
