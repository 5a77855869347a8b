"""Tests a subscriber's handler without RabbitMQ: `FakeQueue` delivers an event to it and answers
the verdict that the real queue would give.

    from luotdoc_events.events import ArticlePublished
    from luotdoc_subscriber import InMemory
    from luotdoc_subscriber.testing import FakeQueue, Handled, Parked, Stale, example

    async def test_index() -> None:
        queue = FakeQueue(index, guard=InMemory())
        assert await queue.deliver(example(ArticlePublished, revision=2)) == Handled()
        assert await queue.deliver(example(ArticlePublished, revision=1)) == Stale()
        assert await queue.deliver_raw(b"{") == Parked("bad_event")

The consumer asks the same code for its verdicts, and tests/integration/test_same_verdicts.py
compares both. Differences: nothing waits, and an event is alone in the queue, as if others
succeeded meanwhile. So a handler that raises `Transient` is called three times before its event
goes to a retry queue; while everything fails, the real consumer calls it for half a minute.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from luotdoc_events import events
from luotdoc_subscriber.attempts import handle_newer, retry_in_place
from luotdoc_subscriber.base.clock import now
from luotdoc_subscriber.base.errors import Transient
from luotdoc_subscriber.decision import Delivery, Event, Handler, decide, kinds_of
from luotdoc_subscriber.guard import Guard
from luotdoc_subscriber.parking import passed_on
from luotdoc_subscriber.rabbit.layout import RETRY_DELAYS
from luotdoc_subscriber.rabbit.properties import encoded, headers_in
from luotdoc_subscriber.verdicts import Handled, Ignored, Parked, Retried, Stale, Verdict

__all__ = [
    "FakeQueue",
    "Handled",
    "Ignored",
    "Parked",
    "Retried",
    "Stale",
    "Verdict",
    "example",
]

D = TypeVar("D", bound=events.Data)

SCHEMAS = "https://www.example.org/schemas"
_MOMENT = datetime(2026, 11, 23, 7, 5, tzinfo=UTC)
_EXAMPLE: dict[str, Any] = {
    "id": "a1",
    "article": "a1",
    "revision": 1,
    "url": "https://www.example.org/thoi-su/bai-a1.html",
    "slug": "bai",
    "section": "thoi-su",
    "title": "Bài a1",
    "body_html": "<p>Nội dung</p>",
    "etag": "1-t",
    "template": "t",
    "items": [{"article": "a1", "delta": 1, "total": 1}],
    "producer": "/luotdoc/ingest",
    "instance": "ingest-1",
    "event": "article.published",
    "interval": 5.0,
    **{
        f"{verb}_at": _MOMENT
        for verb in ("published", "modified", "withdrawn", "rendered", "removed")
    },
}


def example(kind: type[D], **fields: Any) -> D:
    """An event's data with every required field filled in, of article `a1` at revision 1; `fields`
    replace them. Raises pydantic's `ValidationError`.
    """
    filled = {
        name: _EXAMPLE[name]
        for name, field in kind.model_fields.items()
        if field.is_required() and name in _EXAMPLE
    }
    return kind.model_validate(filled | fields)


class FakeQueue:
    """A subscriber's work queue without RabbitMQ, with the same arguments as `subscribe`.

    It keeps no messages: each delivery ends with a verdict. The guard remembers, as it does in the
    real consumer.
    """

    def __init__(
        self,
        handle: Handler,
        *,
        guard: Guard | None,
        name: str = "test.events",
        delays: tuple[float, ...] = RETRY_DELAYS,
    ) -> None:
        """`delays` are the seconds of the retry ladder. Raises TypeError as `subscribe` does."""
        self._handle, self._guard, self._name, self._delays = handle, guard, name, delays
        self._types = {events.type_of(kind) for kind in kinds_of(handle)}

    async def deliver(
        self,
        event: events.Data | events.Envelope,
        *,
        headers: Mapping[str, Any] | None = None,
        replay: str = "",
    ) -> Verdict:
        """Deliver an event, as its producer would publish it. `replay` is the name of a replay.

        Pass an `Envelope` to choose the CloudEvents attributes. Raises whatever `headers` that
        can't be sent raise.
        """
        body, marked = self._message(event, headers, replay)
        return await self.deliver_raw(body, marked)

    async def deliver_raw(
        self,
        body: bytes,
        headers: Mapping[str, Any] | None = None,
        *,
        properties: bytes | None = None,
    ) -> Verdict:
        """Deliver a message of any bytes, with AMQP `headers`.

        `properties` in place of `headers` are a message's properties as on the wire: flags, then
        values (AMQP 0-9-1, 4.2.6.1). With them a test can send what no client would.
        """
        return await self._decide(_arrived(body, headers, properties))

    async def deliver_until_settled(
        self,
        event: events.Data | events.Envelope,
        *,
        headers: Mapping[str, Any] | None = None,
        replay: str = "",
        most: int = 20,
    ) -> list[Verdict]:
        """Deliver an event, and again after each verdict `Retried`, at most `most` times.
        Answers all verdicts.
        """
        body, marked = self._message(event, headers, replay)
        delivery = _arrived(body, marked, None)
        verdicts: list[Verdict] = []
        while len(verdicts) < most:
            verdicts.append(verdict := await self._decide(delivery))
            if not isinstance(verdict, Retried):
                break
            copy = {**passed_on(delivery.headers), verdict.header: verdict.number}
            delivery = _arrived(body, copy, None)
        return verdicts

    def _message(
        self,
        event: events.Data | events.Envelope,
        headers: Mapping[str, Any] | None,
        replay: str,
    ) -> tuple[bytes, dict[str, Any]]:
        envelope = event if isinstance(event, events.Envelope) else _wrapped(event)
        mark = {events.REPLAY_HEADER: replay} if replay else {}
        return events.encode(envelope), {**(headers or {}), **mark}

    async def _decide(self, delivery: Delivery) -> Verdict:
        async def handle(event: Event[events.Data]) -> bool:
            return await retry_in_place(
                lambda: handle_newer(event, self._name, self._handle, self._guard),
                lambda: True,
                _no_wait,
            )

        return await decide(delivery, self._types, self._delays, handle)


async def _no_wait(_number: int, _seconds: float, _error: Transient) -> None:
    """Tries again at once."""


def _wrapped(data: events.Data) -> events.Envelope:
    article = getattr(data, "article", getattr(data, "id", None)) if data.of_article else None
    revision = getattr(data, "revision", None)
    return events.envelope(
        data,
        id=f"{data.name}-{article}-{revision}",
        source="/luotdoc/test",
        time=now(),
        schemas=SCHEMAS,
        subject=article,
        revision=revision,
    )


def _arrived(body: bytes, headers: Mapping[str, Any] | None, properties: bytes | None) -> Delivery:
    if headers is not None and properties is not None:
        raise ValueError("give headers or properties: properties contain the headers")
    return Delivery(body, headers_in(encoded(headers or {}) if properties is None else properties))
