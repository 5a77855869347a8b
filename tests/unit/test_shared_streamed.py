"""Answers that are sent while they are made."""

import asyncio
import contextlib
import gzip
import logging
import zlib
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from luotdoc_subscriber.base.errors import Transient
from luotdoc_subscriber.base.metrics import new_registry
from shared.base import metrics
from shared.base.errors import Unavailable
from shared.web.api import make_api
from shared.web.asgi import TURN_KEY, App, Disconnected, Receive, Scope, Send
from shared.web.observed import observed
from shared.web.openapi import Described
from shared.web.revalidated import revalidated
from shared.web.streamed import StreamedAnswer

Message = dict[str, Any]


class Chunks:
    """Chunks of an answer; what `then` raises ends them. Tells how many were taken."""

    def __init__(self, *chunks: bytes, then: Exception | None = None) -> None:
        self._chunks, self._then = chunks, then
        self.taken, self.closed = 0, False

    async def made(self) -> AsyncGenerator[bytes, None]:
        try:
            for chunk in self._chunks:
                self.taken += 1
                yield chunk
            if self._then:
                raise self._then
        finally:
            self.closed = True


class Cycle:
    """What uvicorn gives an application, with a client that takes `takes` messages."""

    def __init__(self, takes: int = 1000, leaves: bool = False) -> None:
        self._takes, self._leaves = takes, leaves
        self.messages: list[Message] = []
        self.disconnected, self.message_event = False, asyncio.Event()
        self.transport = self
        self.full = asyncio.Event()
        """Set once the client takes no more."""
        self.ended = ""

    async def receive(self) -> Message:
        raise AssertionError("the body is not read")

    async def send(self, message: Any) -> None:
        if len(self.messages) == self._takes:
            if self._leaves:
                self.disconnected = True
                return
            self.full.set()
            await asyncio.Event().wait()
        self.messages.append(message)

    def end_silently(self, reason: str) -> None:
        self.ended = reason

    def close(self) -> None:
        self.ended = "closed"


def api_with(chunks: Chunks, **how: Any) -> App:
    """An API with the answer, in the layers of stats."""
    api: FastAPI = make_api("t", "t", Described())

    @api.get("/x")
    async def get_x() -> Any:
        return StreamedAnswer(chunks.made(), "text/csv", {"vary": "Accept"}, **how)

    tagged = revalidated(api, lambda _: b"max-age=1")
    return observed(tagged, metrics.Requests(new_registry()))


async def ask(
    chunks: Chunks, method: str = "GET", *, at_once: bool = False, held: str = ""
) -> httpx.Response:
    transport = httpx.ASGITransport(app=api_with(chunks, head_at_once=at_once))
    async with httpx.AsyncClient(transport=transport, base_url="http://s") as http:
        return await http.request(
            method, "/x", headers={"accept-encoding": "", "if-none-match": held}
        )


async def talk(app: App, cycle: Cycle) -> None:
    """Let `app` answer a client of our server."""
    scope: Scope = {
        "type": "http", "method": "GET", "path": "/x", "raw_path": b"/x", "query_string": b"",
        "headers": [], "root_path": "", "http_version": "1.1", "scheme": "http",
    }  # fmt: skip
    receive: Receive = cycle.receive
    send: Send = cycle.send
    await app(scope, receive, send)


async def test_chunks_are_sent_as_they_come_and_are_not_kept() -> None:
    chunks = Chunks(b"a" * 9, b"b" * 9, b"c")
    answer = await ask(chunks)
    assert answer.content == b"a" * 9 + b"b" * 9 + b"c"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["vary"] == "Accept, Accept-Encoding"
    assert {"etag", "content-length", "content-encoding"}.isdisjoint(answer.headers)
    assert chunks.closed


async def test_an_answer_of_one_chunk_is_sent_whole_and_can_be_revalidated() -> None:
    for only in (b"a" * 9, b""):
        answer = await ask(Chunks(only))
        assert answer.headers["cache-control"] == "max-age=1"
        assert int(answer.headers["content-length"]) == len(answer.content) == len(only)
        again = await ask(Chunks(only), held=answer.headers["etag"])
        assert again.status_code == 304
    assert (await ask(Chunks())).headers["content-length"] == "0"


async def test_clients_that_take_gzip_get_it_chunk_by_chunk() -> None:
    parts = [b"0123456789" * 300, b"9876543210" * 300]
    cycle = Cycle()
    app = api_with(Chunks(*parts))

    async def with_gzip(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "headers": [(b"accept-encoding", b"gzip")]}, receive, send)

    await talk(with_gzip, cycle)
    start, *bodies = cycle.messages
    assert dict(start["headers"])[b"content-encoding"] == b"gzip"
    assert gzip.decompress(b"".join(each["body"] for each in bodies)) == b"".join(parts)
    first = zlib.decompressobj(31).decompress(bodies[0]["body"])
    assert first == parts[0]
    assert len(bodies[0]["body"]) < 200


async def test_a_long_answer_waits_for_its_turn_before_each_further_chunk() -> None:
    chunks, turns = Chunks(b"a", b"b", b"c"), list[int]()
    app = api_with(chunks)

    async def turn() -> None:
        turns.append(chunks.taken)

    async def in_turns(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, TURN_KEY: turn}, receive, send)

    cycle = Cycle()
    await talk(in_turns, cycle)
    assert b"".join(each["body"] for each in cycle.messages[1:]) == b"abc"
    assert turns == [3, 3]


async def test_head_may_have_the_headers_at_once_without_any_chunk() -> None:
    chunks = Chunks(b"a")
    answer = await ask(chunks, "HEAD", at_once=True)
    assert (answer.status_code, answer.content, chunks.taken) == (200, b"", 0)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert {"etag", "content-length"}.isdisjoint(answer.headers)


@pytest.mark.parametrize("parts", [(), (b"a",), (b"a", b"b"), (b"a", b"b", b"c")])
async def test_head_has_the_headers_of_get(parts: tuple[bytes, ...]) -> None:
    chunks = Chunks(*parts)
    got, head = await ask(Chunks(*parts)), await ask(chunks, "HEAD")
    for answer in (got, head):
        del answer.headers["x-correlation-id"]
    assert (head.status_code, head.content, head.headers) == (200, b"", got.headers)
    assert (chunks.taken, chunks.closed) == (min(len(parts), 2), True)


async def test_an_error_before_the_first_chunk_is_answered() -> None:
    refused = await ask(Chunks(then=Unavailable("2 exports run", 10)))
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "10")
    away = await ask(Chunks(then=Transient("MongoDB is away")))
    assert away.status_code == 503


async def test_a_later_error_breaks_the_connection_off(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    chunks, cycle = Chunks(b"a", b"b", then=Transient("MongoDB is away")), Cycle()
    await talk(api_with(chunks), cycle)
    assert [each.get("body") for each in cycle.messages] == [None, b"a", b"b"]
    assert all(each["more_body"] for each in cycle.messages[1:])
    assert (cycle.ended, cycle.disconnected, chunks.closed) == ("closed", True, True)
    assert "MongoDB is away" in caplog.text


async def test_a_server_that_is_not_ours_gets_the_error() -> None:
    with pytest.raises(RuntimeError, match="response already started") as raised:
        await ask(Chunks(b"a", b"b", then=Transient("MongoDB is away")))
    assert isinstance(raised.value.__cause__, Transient)


@pytest.mark.parametrize("takes", [1, 2, 4])
async def test_a_client_that_takes_nothing_is_dropped(takes: int) -> None:
    chunks, cycle = Chunks(b"a", b"b", b"c"), Cycle(takes)
    async with asyncio.timeout(5):
        await talk(api_with(chunks, stalled_seconds=0.05), cycle)
    assert (cycle.ended, chunks.closed) == ("unread", True)
    assert len(cycle.messages) == takes


async def test_a_client_that_goes_away_ends_the_chunks() -> None:
    chunks, cycle = Chunks(*[b"a"] * 100), Cycle(takes=5, leaves=True)
    await talk(api_with(chunks), cycle)
    assert (cycle.ended, chunks.closed) == ("", True)
    assert chunks.taken < 10


async def test_a_stop_breaks_an_answer_off(caplog: pytest.LogCaptureFixture) -> None:
    chunks, cycle = Chunks(b"a", b"b", b"c"), Cycle(takes=2)
    talking = asyncio.create_task(talk(api_with(chunks), cycle))
    await asyncio.wait_for(cycle.full.wait(), 5)
    talking.cancel()
    await talking
    assert (cycle.ended, chunks.closed) == ("closed", True)
    assert "by the stop" in caplog.text


class Clock:
    """A clock that the test moves, and the rests of an answer."""

    def __init__(self) -> None:
        self.now = 0.0
        self.rests = list[float]()

    async def rest(self, seconds: float) -> None:
        self.rests.append(round(seconds, 3))
        self.now += seconds
        await asyncio.sleep(0)

    def answer(self, chunks: AsyncGenerator[bytes, None]) -> StreamedAnswer:
        return StreamedAnswer(chunks, "text/csv", {}, seconds=lambda: self.now, rest=self.rest)


async def test_others_have_half_of_the_time() -> None:
    clock = Clock()

    async def made() -> AsyncGenerator[bytes, None]:
        for took in (9.0, 9.0, 0.2, 2.5, 0.1):
            clock.now += took
            yield b"a"

    await talk(clock.answer(made()), Cycle())
    assert clock.rests == [0.2, 1.0, 1.0, 0.5, 0.1, 0.0]


async def test_an_answer_of_which_nothing_is_made_rests_and_then_begins() -> None:
    clock, cycle = Clock(), Cycle()

    async def made() -> AsyncGenerator[bytes, None]:
        for chunk in (b"a", *[b""] * 20, b"b"):
            clock.now += 0.5
            yield chunk

    await talk(clock.answer(made()), cycle)
    assert clock.rests[:20] == [0.5] * 20
    assert [each.get("body") for each in cycle.messages] == [None, b"a", b"b", b""]
    assert cycle.messages[1]["more_body"]


@pytest.mark.parametrize("first", [b"", b"a"])
async def test_a_client_that_leaves_is_noticed_while_nothing_is_made(first: bytes) -> None:
    clock, cycle, taken = Clock(), Cycle(), 0

    async def made() -> AsyncGenerator[bytes, None]:
        nonlocal taken
        yield first
        for taken in range(1, 1000):
            clock.now += 0.5
            cycle.disconnected = taken == 30
            yield b""

    with contextlib.suppress(Disconnected):
        await talk(clock.answer(made()), cycle)
    print(f"\nleft after {taken} empty chunks")
    assert taken == 30


@pytest.mark.parametrize(("pace", "ends"), [(64 * 1024 / 29, "unread"), (40_000.0, "")])
async def test_a_client_must_take_an_answer_at_a_mean_pace(pace: float, ends: str) -> None:
    chunks, cycle = Chunks(*[b"a" * 32 * 1024] * 400), Cycle()
    clock, taken = Clock(), 0

    async def slowly(message: Any) -> None:
        nonlocal taken
        taken += len(message.get("body", b""))
        clock.now += len(message.get("body", b"")) / pace
        # Nobody waits for long, but longer than for nothing.
        await asyncio.sleep(0.001)

    answer = clock.answer(chunks.made())
    cycle.send = slowly  # type: ignore[method-assign]
    await talk(answer, cycle)
    print(f"\nat {pace:.0f} bytes/s it took {taken} bytes in {clock.now:.0f} s: {cycle.ended!r}")
    assert cycle.ended == ends
    assert chunks.closed
    assert (taken == 400 * 32 * 1024) == (not ends)
