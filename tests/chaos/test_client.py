"""The load generator's client tells refused connections, broken answers and whole answers apart."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from deploy.local import ports
from tests.chaos.client import Client, NotSent, Unanswered

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: b\r\n\r\nok"


@asynccontextmanager
async def server(*answers: bytes, hang: bool = False) -> AsyncIterator[int]:
    """Each connection gets `answers`, one for each request, and is then closed, or kept open with
    `hang`.
    """
    ended = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            if not await reader.read(4096):
                break
            writer.write(answer)
        if hang:
            await ended.wait()
        writer.close()

    port = ports.choose_port()
    running = await asyncio.start_server(serve, ports.HOST, port)
    try:
        yield port
    finally:
        ended.set()
        running.close()
        await asyncio.sleep(0.01)


async def outcome(port: int, requests: int = 1, seconds: float = 1.0) -> str:
    client = Client(seconds)
    try:
        for _ in range(requests - 1):
            await client.request(port, "GET", "/")
        answer = await client.request(port, "POST", "/", b"{}")
    except (NotSent, Unanswered) as error:
        return f"{type(error).__name__}: {error}"
    finally:
        client.close()
        await asyncio.sleep(0)
    return f"{answer.status} {answer.headers['x-a']} {answer.body.decode()}"


async def test_outcomes() -> None:
    assert await outcome(ports.choose_port()) == "NotSent: ConnectionRefusedError"
    async with server(WHOLE, WHOLE) as port:
        assert await outcome(port, requests=2) == "200 b ok"
    async with server(b"") as port:
        assert await outcome(port) == "Unanswered: IncompleteReadError, new connection"
    async with server(WHOLE[:30]) as port:
        assert (
            await outcome(port)
            == "Unanswered: IncompleteReadError, new connection, within the answer"
        )
    async with server(WHOLE, b"") as port:
        assert await outcome(port, requests=2) == "Unanswered: IncompleteReadError, kept connection"
    async with server(hang=True) as port:
        assert await outcome(port, seconds=0.1) == "Unanswered: TimeoutError, new connection"


async def test_a_connection_that_is_closed_is_opened_again() -> None:
    closing = WHOLE.replace(b"X-A", b"Connection: close\r\nX-A")
    async with server(closing) as port:
        assert await outcome(port, requests=3) == "200 b ok"


async def test_an_answer_in_chunks_is_not_misread() -> None:
    async with server(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") as port:
        with pytest.raises(NotImplementedError):
            await outcome(port)
