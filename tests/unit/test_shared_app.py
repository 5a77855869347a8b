"""The app factory, with a service that is nothing but its life."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from shared.base.errors import Problem, Unavailable
from shared.web.app import Application, Service
from shared.web.asgi import Disconnected, Receive, Scope, Send, respond


class Life:
    """A service's life that can be held up at its start and made to fail."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.may_start = asyncio.Event()
        self.fails = asyncio.Event()
        self.reason: str | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        self.events.append("starting")
        try:
            await self.may_start.wait()
            if self.fails.is_set():
                raise ConnectionError("amqp://u:secret@h")
            self.events.append("started")
            yield
        finally:
            self.events.append("ended")

    def service(self, **more: Any) -> Service:
        return Service("test", self.running, lambda: self.reason, **more)


class Server:
    """Plays the ASGI server: starts the app, asks it, and stops it."""

    def __init__(self, app: Application) -> None:
        self.app = app
        self._to_app: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
        self._from_app: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()

    async def start(self) -> None:
        self._lifespan = asyncio.create_task(
            self.app({"type": "lifespan"}, self._to_app.get, self._from_app.put)
        )
        self._to_app.put_nowait({"type": "lifespan.startup"})
        assert await self._from_app.get() == {"type": "lifespan.startup.complete"}
        await asyncio.sleep(0)

    async def stop(self) -> None:
        self._to_app.put_nowait({"type": "lifespan.shutdown"})
        async with asyncio.timeout(3):
            assert await self._from_app.get() == {"type": "lifespan.shutdown.complete"}
            await self._lifespan

    async def get(
        self, path: str, raw_path: bytes | None = None
    ) -> tuple[int, dict[bytes, bytes], bytes]:
        sent: list[MutableMapping[str, Any]] = []

        async def receive() -> MutableMapping[str, Any]:
            return {"type": "http.request", "body": b""}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        await self.app(
            {
                "type": "http",
                "method": "GET",
                "path": path,
                "raw_path": raw_path or path.encode(),
                "headers": [],
            },
            receive,
            send,
        )
        if not sent:
            return 0, {}, b""
        return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]

    async def status(self, path: str) -> int:
        return (await self.get(path))[0]


@asynccontextmanager
async def serving(service: Service) -> AsyncIterator[Server]:
    server = Server(Application(service))
    await server.start()
    yield server
    await server.stop()


@pytest.fixture(autouse=True)
def killed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The signals that the app has sent, instead of sending them."""
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr("shared.web.app.os.kill", lambda pid, number: sent.append((pid, number)))
    return sent


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_starting_service_lives_and_says_that_it_is_not_ready() -> None:
    life = Life()
    async with serving(life.service()) as server:
        assert life.events == ["starting"]
        assert (await server.get("/livez"))[::2] == (200, b'{"alive":true}')
        status, headers, body = await server.get("/readyz")
        assert (status, headers[b"content-type"]) == (503, b"application/json")
        assert json.loads(body) == {"ready": False, "reason": "starting: waiting for what it needs"}
        assert b"luotdoc_ready 0.0" in (await server.get("/metrics"))[2]


async def test_a_started_service_is_as_ready_as_it_says() -> None:
    life = Life()
    life.may_start.set()
    async with serving(life.service()) as server:
        status, _, body = await server.get("/readyz")
        assert (status, json.loads(body)) == (200, {"ready": True, "reason": None})
        assert b"luotdoc_ready 1.0" in (await server.get("/metrics"))[2]

        life.reason = "the spool is full"
        status, _, body = await server.get("/readyz")
        assert (status, json.loads(body)) == (503, {"ready": False, "reason": "the spool is full"})
        assert await server.status("/livez") == 200


async def test_paths_go_to_their_routes_and_all_others_to_the_fallback() -> None:
    async def route(_scope: Scope, _receive: Receive, send: Send) -> None:
        await respond(send, 204)

    async def fallback(scope: Scope, _receive: Receive, send: Send) -> None:
        await respond(send, 200, scope["path"].encode())

    async with serving(Life().service(routes={"/reads": route}, fallback=fallback)) as server:
        assert await server.status("/reads") == 204
        assert (await server.get("/reads/"))[::2] == (200, b"/reads/")
        assert (await server.get("/livez"))[2] == b'{"alive":true}'


async def test_where_nothing_is_served_there_is_a_problem_document() -> None:
    async with serving(Life().service()) as server:
        status, headers, body = await server.get("/nowhere")
    assert (status, headers[b"content-type"]) == (404, b"application/problem+json")
    assert json.loads(body)["detail"] == "nothing is served under this path"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (KeyError("secret"), 500),
        (Unavailable("full"), 503),
        (Problem(409, "no"), 409),
        (Disconnected(), 0),
    ],
)
async def test_what_a_route_raises_is_answered_without_a_stack_trace(
    error: Exception, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    async def fails(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise error

    async with serving(Life().service(routes={"/x": fails})) as server:
        answered, _, body = await server.get("/x")
    assert answered == status
    assert b"secret" not in body
    assert b"Traceback" not in body
    assert ("secret" in caplog.text) == (status == 500)


async def test_a_stop_ends_the_life(killed: list[tuple[int, int]]) -> None:
    life = Life()
    life.may_start.set()
    async with serving(life.service()) as server:
        assert life.events == ["starting", "started"]
    assert life.events == ["starting", "started", "ended"]
    assert (server.app.failed, killed) == (False, [])
    assert await server.status("/readyz") == 503


async def test_a_stop_during_the_start_does_not_wait_for_it(killed: list[tuple[int, int]]) -> None:
    life = Life()
    async with serving(life.service()) as server:
        pass
    assert life.events == ["starting", "ended"]
    assert (server.app.failed, killed) == (False, [])


async def test_a_life_that_fails_at_its_start_ends_the_process(
    killed: list[tuple[int, int]], caplog: pytest.LogCaptureFixture
) -> None:
    life = Life()
    life.fails.set()
    life.may_start.set()
    async with serving(life.service()) as server:
        await settle()
        assert killed == [(os.getpid(), signal.SIGTERM)]
        assert server.app.failed
    assert server.app.failed
    assert "test failed and ends" in caplog.text


async def test_a_life_that_fails_later_ends_the_process_and_is_not_ready_any_more(
    killed: list[tuple[int, int]],
) -> None:
    life = Life()
    life.may_start.set()
    broken = asyncio.Event()

    @asynccontextmanager
    async def running() -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            work = group.create_task(breaks())
            yield
            work.cancel()

    async def breaks() -> None:
        await broken.wait()
        raise ZeroDivisionError("a bug in the background")

    async with serving(Service("test", running, lambda: None)) as server:
        assert await server.status("/readyz") == 200
        broken.set()
        await settle()
        assert killed == [(os.getpid(), signal.SIGTERM)]
        assert await server.status("/readyz") == 503
    assert server.app.failed


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics", "/state"])
async def test_what_is_for_the_cluster_alone_is_answered_only_as_it_is_written(path: str) -> None:
    """A gateway that leaves these paths out knows them by their bytes."""

    async def held(_scope: Scope, _receive: Receive, send: Send) -> None:
        await respond(send, 200, b"held")

    life = Life()
    life.may_start.set()
    server = Server(Application(life.service(routes={"/state": held})))
    await server.start()
    try:
        assert (await server.get(path))[0] == 200
        for escaped in (
            b"/%" + path[1:2].encode().hex().encode() + path[2:].encode(),
            path.encode().replace(b"t", b"%74"),
        ):
            if escaped != path.encode():
                assert (await server.get(path, escaped))[0] == 404
    finally:
        await server.stop()
