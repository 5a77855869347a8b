"""The kit's small HTTP server, over real sockets on 127.0.0.1."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from luotdoc_subscriber import health
from luotdoc_subscriber.base.metrics import Process, new_registry
from luotdoc_subscriber.health import MAX_CONNECTIONS, MAX_REQUEST_HEAD, HealthServer


@asynccontextmanager
async def serving(reason: str | None = None) -> AsyncIterator[tuple[str, int]]:
    registry = new_registry()
    Process(registry)
    async with HealthServer(lambda: reason, registry).listening("127.0.0.1", 0) as where:
        yield where


async def exchange(where: tuple[str, int], request: bytes) -> tuple[int, bytes, bytes]:
    """Status, head and body of the answer; status 0 if there is none."""
    reader, writer = await asyncio.open_connection(*where)
    writer.write(request)
    try:
        answer = await asyncio.wait_for(reader.read(), 5)
    except ConnectionError:
        answer = b""
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]) if head else 0, head, body


def get(path: str, method: str = "GET") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


async def test_a_process_that_is_ready() -> None:
    async with serving() as where:
        assert (await exchange(where, get("/livez")))[::2] == (200, b'{"alive":true}')
        status, head, body = await exchange(where, get("/readyz?verbose"))
        assert (status, json.loads(body)) == (200, {"ready": True, "reason": None})
        assert b"content-type: application/json" in head
        status, head, body = await exchange(where, get("/metrics"))
        assert status == 200
        assert b"luotdoc_build_info" in body
        assert b"version=" in head


async def test_a_process_that_is_not_ready_says_why() -> None:
    async with serving("RabbitMQ is away") as where:
        status, _, body = await exchange(where, get("/readyz"))
        assert (status, json.loads(body)) == (503, {"ready": False, "reason": "RabbitMQ is away"})
        assert (await exchange(where, get("/livez")))[0] == 200


async def test_head_has_the_headers_alone() -> None:
    async with serving() as where:
        status, head, body = await exchange(where, get("/livez", "HEAD"))
        assert (status, body) == (200, b"")
        assert b"content-length: 14" in head


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (get("/"), 404),
        (get("/%6divez"), 404),
        (get("/livez", "POST"), 405),
        (b"GET /livez\r\n\r\n", 400),
        (b"\x16\x03\x01\x00\r\n\r\n", 400),
        (b"GET  /livez HTTP/1.1\r\n\r\n", 400),
        (b"GET http://h/livez HTTP/1.1\r\n\r\n", 400),
        (b"GET /livez HTTP/2.0\r\n\r\n", 400),
        (b"GET /livez HTTP/1.1\r\nx: " + b"y" * MAX_REQUEST_HEAD + b"\r\n\r\n", 431),
    ],
)
async def test_other_requests_are_refused(request_: bytes, status: int) -> None:
    async with serving() as where:
        assert (await exchange(where, request_))[0] in (status, *([0] if status == 431 else []))
        assert (await exchange(where, get("/livez")))[0] == 200


async def test_a_slow_request_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "REQUEST_SECONDS", 0.2)
    async with serving() as where:
        assert (await exchange(where, b"GET /livez HTTP/1.1\r\n"))[0] == 0


async def test_one_connection_too_many_is_closed_and_the_others_are_served(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(health, "MAX_CONNECTIONS", 3)
    assert MAX_CONNECTIONS > 3
    async with serving() as where:
        idle = [await asyncio.open_connection(*where) for _ in range(3)]
        await asyncio.sleep(0)  # each was accepted in the order of its connection
        assert (await exchange(where, get("/livez")))[0] == 0
        for reader, writer in idle:
            writer.write(get("/livez"))
            assert (await reader.read()).startswith(b"HTTP/1.1 200")
            writer.close()
        assert (await exchange(where, get("/livez")))[0] == 200


async def test_a_client_that_reads_nothing_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "REQUEST_SECONDS", 1.0)
    monkeypatch.setattr(health, "MAX_CONNECTIONS", 1)
    monkeypatch.setattr(health, "generate_latest", lambda _: b"x" * (16 << 20))
    async with serving() as where:
        with socket.create_connection(where) as hog:
            hog.sendall(get("/metrics"))
            for status in (0, 200):  # the one connection is taken, then free again
                while (await exchange(where, get("/livez")))[0] != status:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
