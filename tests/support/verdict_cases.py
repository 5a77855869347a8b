"""Deliveries and the verdict on each, written by hand: for the consumer on RabbitMQ and for
`luotdoc_subscriber.testing`.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from luotdoc_events import events
from luotdoc_events.events import REPLAY_HEADER, Article, ReadsCounted
from luotdoc_subscriber import Event, InMemory, Permanent, Retry, Transient
from luotdoc_subscriber.base.errors import NotTaken
from luotdoc_subscriber.decision import MAX_EVENT_BYTES
from luotdoc_subscriber.rabbit.properties import encoded
from luotdoc_subscriber.testing import Handled, Ignored, Parked, Retried, Stale, Verdict, example
from tests.support.frames import long, properties, short

DELAYS = (3600.0, 7200.0)
"""So long that a retried message stays where a test finds it."""
RETRIES, WAITS = "x-luotdoc-retries", "x-luotdoc-waits"


@dataclass(frozen=True)
class Sent:
    """The bytes of a message: its body and its properties, flags first."""

    body: bytes
    raw: bytes = properties()


def sent(body: bytes, headers: Mapping[str, Any] | None = None) -> Sent:
    return Sent(body, encoded(headers or {}))


def event(
    name: str, article: str, revision: int = 1, change: Mapping[str, Any] | None = None
) -> bytes:
    """An event's body; `change` replaces attributes, and leaves those out that are None."""
    kind = events.EVENTS[name]
    fields = {"id": article, "article": article, "revision": revision}
    data = example(kind, **{key: fields[key] for key in fields if key in kind.model_fields})
    envelope = events.envelope(
        data,
        id=f"{article}-{revision}",
        source="/luotdoc/test",
        time=datetime(2026, 11, 23, tzinfo=UTC),
        schemas="https://www.example.org/schemas",
        subject=article if kind.of_article else None,
        revision=revision if kind.of_article else None,
    )
    filled = {**json.loads(events.encode(envelope)), **(change or {})}
    return json.dumps({key: filled[key] for key in filled if filled[key] is not None}).encode()


def published(article: str, revision: int = 1, **headers: Any) -> Sent:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return sent(event("article.published", article, revision), named)


def changed(article: str, **change: Any) -> Sent:
    return sent(event("article.published", article, change=change))


# The handler
async def times_out() -> None:
    async with asyncio.timeout(0.01):
        await asyncio.sleep(60)


async def cancels_its_own() -> None:
    task = asyncio.create_task(asyncio.sleep(60))
    task.cancel()
    await task


async def fails_in_a_group() -> None:
    async def away() -> None:
        raise Transient("away")

    async with asyncio.TaskGroup() as group:
        group.create_task(away())


class Unprintable(Exception):
    def __repr__(self) -> str:
        raise ValueError("no text")


FAILURES: dict[str, BaseException] = {
    "transient": Transient("the database is away"),
    "nottaken": NotTaken("RabbitMQ refused the message"),
    "retry": Retry("refused", "the cache answers 500"),
    "permanent": Permanent("no_such_cache", "there is none \ud800 \n for thể thao"),
    "longdetail": Permanent("no_such_cache", "\ud800" + "x" * 5000),
    "badreason": Permanent("No such cache!", "there is none"),
    "longreason": Retry("x" * 100_000, "there is none"),
    "bug": ZeroDivisionError("a bug"),
    "os": ConnectionResetError("a socket of the handler's own"),
    "runtime": RuntimeError("the loop is closed"),
    "unprintable": Unprintable(),
}
ACTS: dict[str, Callable[[], Awaitable[Any]]] = {
    "timesout": times_out,
    "cancelled": cancels_its_own,
    "group": fails_in_a_group,
}


class Subscriber:
    """A handler that does what the id of an event's article says, and counts its calls."""

    def __init__(self) -> None:
        self.calls = 0
        self.replays: list[str] = []

    async def handle(self, event: Event[Article | ReadsCounted]) -> bool | None:
        """The name before the first digit of the id says what happens."""
        self.calls += 1
        self.replays.append(event.replay)
        what = (event.envelope.subject or "").rstrip("0123456789")
        if what == "twice" and self.calls < 3:
            raise Transient("away for a moment")
        if what in FAILURES:
            raise FAILURES[what]
        if what in ACTS:
            await ACTS[what]()
        return {"old": False, "zero": 0}.get(what)  # type: ignore[return-value]


class CrankyGuard(InMemory):
    """A guard whose disk fails for one article, and which has a bug for another."""

    async def held(self, subject: str) -> int:
        if subject.endswith("/fulldisk"):
            raise Transient("the guard's file: disk is full")
        return await super().held(subject)

    async def keep(self, subject: str, revision: int) -> None:
        if subject.endswith("/fullafter"):
            raise Transient("the guard's file: disk is full")
        if subject.endswith("/oddguard"):
            raise KeyError(subject)
        await super().keep(subject, revision)


@dataclass(frozen=True)
class Case:
    """A message, those that come before it, the verdict, and how often the handler is called."""

    message: Sent
    verdict: Verdict
    calls: int = 0
    before: tuple[Sent, ...] = ()
    detail: str | None = None
    """Part of the detail; None where there is none."""


def bad(message: Sent, detail: str, reason: str = "bad_event") -> Case:
    return Case(message, Parked(reason), detail=detail)


READ = Handled()
CASES: dict[str, Case] = {
    # handled
    "a good event": Case(published("good1"), READ, 1),
    "without a content type or any property": Case(
        Sent(event("article.published", "good2"), b"\0\0"), READ, 1
    ),
    "an event without revisions": Case(sent(event("reads.counted", "x")), READ, 1),
    "the same, repeated": Case(
        sent(event("reads.counted", "x")), READ, 1, (sent(event("reads.counted", "x")),)
    ),
    "a newer revision": Case(published("newer1", 2), READ, 1, (published("newer1", 1),)),
    "equal, but a replay": Case(
        published("again1", 1, **{REPLAY_HEADER: "all"}), READ, 1, (published("again1", 1),)
    ),
    "equal, but a replay without a readable name": Case(
        published("again2", 1, **{REPLAY_HEADER: 7}), READ, 1, (published("again2", 1),)
    ),
    "the handler fails for a moment": Case(published("twice1"), READ, 3),
    "the handler answers 0": Case(published("zero1"), READ, 1),
    "a field that nobody knows": Case(changed("field1", later=1), READ, 1),
    # stale
    "an older revision": Case(published("older1", 1), Stale(), 0, (published("older1", 2),)),
    "a repetition": Case(published("older2", 1), Stale(), 0, (published("older2", 1),)),
    "older, in a replay": Case(
        published("older3", 1, **{REPLAY_HEADER: "all"}), Stale(), 0, (published("older3", 2),)
    ),
    "the handler answers False": Case(published("old1"), Stale(), 1),
    # ignored
    "another event": Case(sent(event("article.withdrawn", "gone1")), Ignored()),
    "another event, and a broken one": Case(
        sent(event("article.withdrawn", "gone2", change={"data": {}})), Ignored()
    ),
    "a newer version": Case(changed("later1", type="luotdoc.article.published.v2"), Ignored()),
    "an older version": Case(changed("later2", type="luotdoc.article.published.v0"), Ignored()),
    # retried
    "a server is away": Case(
        published("transient1"), Retried(3600, 1, None), 3, detail="the database is away"
    ),
    "a server is away again": Case(
        published("transient2", x_luotdoc_waits=1), Retried(7200, 2, None), 3, detail="away"
    ),
    "a server is away for ever": Case(
        published("transient3", x_luotdoc_waits=99, x_luotdoc_retries=2),
        Retried(7200, 100, None),
        3,
        detail="away",
    ),
    "RabbitMQ refuses what the handler publishes": Case(
        published("nottaken1"), Retried(3600, 1, None), 3, detail="refused the message"
    ),
    "the guard can't read": Case(
        published("fulldisk"), Retried(3600, 1, None), 0, detail="disk is full"
    ),
    "the guard can't write": Case(
        published("fullafter"), Retried(3600, 1, None), 3, detail="disk is full"
    ),
    "a failure": Case(published("retry1"), Retried(3600, 1, 2), 1, detail="answers 500"),
    "a second failure": Case(
        published("retry2", x_luotdoc_retries=1), Retried(7200, 2, 2), 1, detail="answers 500"
    ),
    "a failure, with counts that are none": Case(
        published("retry3", x_luotdoc_retries="2", x_luotdoc_waits=True),
        Retried(3600, 1, 2),
        1,
        detail="answers 500",
    ),
    "a failure, with a count below 0": Case(
        published("retry4", x_luotdoc_retries=-5), Retried(3600, 1, 2), 1, detail="answers 500"
    ),
    "a failure, with a count of millions": Case(
        published("retry5", x_luotdoc_retries=1_000_001),
        Retried(3600, 1, 2),
        1,
        detail="answers 500",
    ),
    # parked: what the handler raises
    "a third failure": Case(
        published("retry6", x_luotdoc_retries=2), Parked("refused"), 1, detail="answers 500"
    ),
    "never": Case(
        published("permanent1"),
        Parked("no_such_cache"),
        1,
        detail="there is none \\ud800 \n for thể thao",
    ),
    "never, at length": Case(
        published("longdetail1"), Parked("no_such_cache"), 1, detail="\\ud800" + "x" * 1994
    ),
    "never, for a reason that is a sentence": Case(
        published("badreason1"), Parked("other"), 1, detail="'No such cache!': there is none"
    ),
    "a failure, for a reason that fits into no header": Case(
        published("longreason1", x_luotdoc_retries=2), Parked("other"), 1, detail="xxx: there is"
    ),
    "a bug": Case(published("bug1"), Parked("bug"), 1, detail="ZeroDivisionError('a bug')"),
    "an error of a socket": Case(
        published("os1"), Parked("bug"), 1, detail="ConnectionResetError("
    ),
    "an error of the loop": Case(published("runtime1"), Parked("bug"), 1, detail="RuntimeError("),
    "an error without a text": Case(published("unprintable1"), Parked("bug"), 1, detail="Unprint"),
    "the handler times out": Case(
        published("timesout1"), Parked("bug"), 1, detail="TimeoutError()"
    ),
    "the handler cancels a task of its own": Case(
        published("cancelled1"), Parked("bug"), 1, detail="CancelledError()"
    ),
    "the handler fails in a task group": Case(
        published("group1"), Parked("bug"), 1, detail="ExceptionGroup("
    ),
    "the guard has a bug": Case(published("oddguard"), Parked("bug"), 1, detail="KeyError("),
    # parked: what the message is
    "no body": bad(sent(b""), "Invalid JSON"),
    "half a body": bad(sent(b"{"), "Invalid JSON"),
    "a body that is no text": bad(sent(b"\xff\xfe"), "Invalid JSON"),
    "a body of nested lists": bad(sent(b"[" * 10_000), "Invalid JSON"),
    "a list": bad(sent(b"[]"), "Input should be an object"),
    "null": bad(sent(b"null"), "Input should be an object"),
    "nothing in it": bad(sent(b"{}"), "id: Field required"),
    "a body that is too large": bad(
        sent(b" " * (MAX_EVENT_BYTES + 1)), "the body has 8388609 bytes, more than 8388608"
    ),
    "no data": bad(changed("broken1", data={}), "title: Field required"),
    "data that is a list": bad(changed("broken2", data=[]), "data: Input should be"),
    "another version of CloudEvents": bad(changed("broken3", specversion="0.3"), "specversion:"),
    "no time": bad(changed("broken4", time=None), "time: Field required"),
    "a time before all": bad(changed("broken5", time="0001-01-01T00:00:00Z"), "time:"),
    "no subject": bad(changed("broken6", subject=None), "must have a subject and a sequence"),
    "no sequence": bad(changed("broken7", sequence=None), "must have a subject and a sequence"),
    "a sequence that is no number": bad(changed("broken8", sequence="1"), "sequence:"),
    "a sequence beyond 64 bits": bad(changed("broken9", sequence="9" * 20), "sequence:"),
    "an event that nobody knows": bad(
        changed("odd1", type="luotdoc.article.exploded.v1"), "article.exploded", "unknown_event"
    ),
    "another's event": bad(
        changed("odd2", type="com.github.push"), "com.github.push", "unknown_event"
    ),
    # parked: unreadable properties
    "a message id that is no text": bad(
        Sent(event("article.published", "raw1"), properties(message_id=short(b"\xff"))),
        "UnicodeDecodeError",
        "unreadable",
    ),
    "a header's name that is no text": bad(
        Sent(event("article.published", "raw2"), properties(short(b"\xff") + b"V")),
        "UnicodeDecodeError",
        "unreadable",
    ),
    "headers that are too large": bad(
        published("raw3", big="x" * 40_000), "more than 32768", "unreadable"
    ),
    "a count in unreadable properties": bad(
        Sent(
            event("article.published", "retry7"),
            properties(short(RETRIES.encode()) + b"b\1", content_type=short(b"\xff")),
        ),
        "UnicodeDecodeError",
        "unreadable",
    ),
    "a stream's offset twice": bad(
        Sent(
            event("article.published", "raw4"),
            properties((short(b"x-stream-offset") + b"S" + long(b"7")) * 2),
        ),
        "x-stream-offset is given twice",
        "unreadable",
    ),
}
