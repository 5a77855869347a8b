"""Answers without an end: written past ASGI, bounded in number, and told to end at the stop."""

import socket
from contextlib import asynccontextmanager
from typing import Any

import pytest

from luotdoc_subscriber.base.metrics import new_registry
from shared.web import app as apps
from shared.web.asgi import Receive, Scope, Send
from shared.web.connections import ENDLESS_SHARE, MOST_CONNECTIONS, Limits, limits_of
from shared.web.uvicorn_protocol import EndlessAnswer, endless_answer, has_left
from tests.support.connection import Application, Connection
from tests.unit.test_shared_connections import settings

GET = b"GET /stream HTTP/1.1\r\n\r\n"


class Streaming(Application):
    """Begins an answer without an end to each request."""

    def __init__(self, limits: Limits | None = None) -> None:
        super().__init__(limits=limits)
        self.answers: list[EndlessAnswer] = []
        self.refused = self.left = self.ended = 0
        self.ending = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = endless_answer(receive)
        assert answer
        if not answer.hold():
            self.refused += 1
        else:
            self.answers.append(answer)
        answer.close_after()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"begin", "more_body": True})
        while not self.ending and not has_left(receive):
            await receive()
        self.left += has_left(receive)
        self.ended += 1
        await send({"type": "http.response.body", "body": b""})


async def test_chunks_are_written_past_asgi_between_those_of_asgi() -> None:
    app = Streaming()
    one = Connection(app)
    begun = await one.send(GET)
    assert begun.startswith(b"HTTP/1.1 200")
    assert begun.endswith(b"connection: close\r\ntransfer-encoding: chunked\r\n\r\n5\r\nbegin\r\n")
    (answer,) = app.answers
    answer.write(b"3\r\nabc\r\n")
    assert await one.answers() == b"3\r\nabc\r\n"
    app.ending = True
    answer.wake()
    assert await one.answers() == b"0\r\n\r\n"
    assert one.ended()
    answer.write(b"3\r\nabc\r\n")  # to nobody
    assert await one.answers() == b""


async def test_no_bound_on_time_ends_it_and_the_client_that_leaves_does() -> None:
    app = Streaming()
    one = Connection(app)
    await one.send(GET)
    await app.pass_time(500)
    assert not one.ended()
    assert app.connections.endless == {one.protocol}
    one.protocol.connection_lost(None)
    await one.answers()
    assert (app.left, app.ended) == (1, 1)
    assert app.connections.endless == set()


async def test_more_input_of_its_client_does_no_harm() -> None:
    app = Streaming()
    one = Connection(app)
    await one.send(GET)
    await one.send(GET * 3 + b"\r\n\r\n")
    assert len(app.answers) == 1, "they wait for the answer before"
    await one.send(b"nonsense\r\n\r\n")
    app.answers[0].write(b"3\r\nabc\r\n")
    assert await one.answers() == b"3\r\nabc\r\n"


async def test_an_aborted_answer_is_over() -> None:
    app = Streaming()
    one = Connection(app)
    await one.send(GET)
    app.answers[0].abort()
    assert one.ended()
    await one.answers()
    assert (app.left, app.ended) == (1, 1)


async def test_others_find_connections_however_many_there_are() -> None:
    app = Streaming(Limits(connections=8))
    several = [Connection(app) for _ in range(8)]
    for one in several:
        await one.send(GET)
    assert len(app.answers) == 8 * ENDLESS_SHARE
    assert app.refused == 2


async def test_what_waits_for_a_client_is_known() -> None:
    app = Streaming()
    one = Connection(app)
    await one.send(GET)
    (answer,) = app.answers
    assert (answer.unsent(), answer.unconfirmed()) == (0, 0)
    one.transport.waiting = 77
    assert answer.unsent() == 77
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with ours, theirs:
        one.transport.extra["socket"] = ours
        answer.keep_small(16 << 10)
        assert ours.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) == 2 * (16 << 10)
        ours.send(b"x" * 100)
        assert answer.unconfirmed() > 0
        theirs.recv(100)
        assert answer.unconfirmed() == 0


async def test_another_server_has_none() -> None:
    async def receive() -> Any:
        raise AssertionError

    assert endless_answer(receive) is None


def test_there_are_connections_for_them_besides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (-1, -1))
    monkeypatch.setattr("resource.setrlimit", lambda *_: None)
    assert limits_of(settings(0), 10_000).connections == MOST_CONNECTIONS + 10_000
    assert limits_of(settings(2000), 10_000).connections == 2000


async def test_they_are_told_of_the_stop_at_once_and_are_not_in_flight() -> None:
    @asynccontextmanager
    async def running() -> Any:
        yield

    told: list[str] = []
    registry = new_registry()
    service = apps.Service(
        "test", running, lambda: None, registry=registry, leaving=lambda: told.append("leaving")
    )
    app = apps.Application(service)
    app.leave()
    assert app.leaving
    assert told == ["leaving"]
    one: Any = object()
    app.connections.endless.add(one)
    assert registry.get_sample_value("luotdoc_http_in_flight") == -1, "its request is 1"
