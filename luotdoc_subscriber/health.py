"""A small HTTP server for health checks and metrics: `/livez`, `/readyz`, `/metrics`.

Each connection carries one request. It is bounded in everything that a client may choose: the
size of its request, the time it takes, and the number of connections.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from luotdoc_subscriber.base.metrics import Registry

MAX_REQUEST_HEAD = 8 * 1024
"""Upper bound for the bytes of a request's line and headers."""
MAX_CONNECTIONS = 64
"""Upper bound for open connections. One above it is closed without an answer."""
REQUEST_SECONDS = 5.0
"""Time for a whole exchange: the request arrives, the answer is sent."""

_LINE = re.compile(rb"([A-Z]{1,20}) (/[!-~]*) HTTP/1\.[01]")
_JSON = "application/json"


class HealthServer:
    """Answers for one process. `why_not` is None if the process is ready, else the reason."""

    def __init__(self, why_not: Callable[[], str | None], registry: Registry) -> None:
        self._why_not, self._registry = why_not, registry
        self._open = 0

    @asynccontextmanager
    async def listening(self, host: str, port: int) -> AsyncIterator[tuple[str, int]]:
        """Listen during the block, which gets the address and the port. Raises `OSError`."""
        server = await asyncio.start_server(self._connected, host, port, limit=MAX_REQUEST_HEAD)
        try:
            where = server.sockets[0].getsockname()
            yield where[0], where[1]
        finally:
            server.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._open >= MAX_CONNECTIONS:
            writer.transport.abort()
            return
        self._open += 1
        # With a buffer `drain` would return early, and a client that reads nothing would keep its
        # connection beyond the timeout.
        writer.transport.set_write_buffer_limits(0)
        try:
            with suppress(TimeoutError, OSError, asyncio.IncompleteReadError):
                async with asyncio.timeout(REQUEST_SECONDS):
                    writer.write(await self._exchange(reader))
                    await writer.drain()
                    writer.close()
                    await writer.wait_closed()
        finally:
            writer.transport.abort()  # does nothing to a connection that is closed already
            self._open -= 1

    async def _exchange(self, reader: asyncio.StreamReader) -> bytes:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            return _answer(431)
        line = _LINE.fullmatch(head.partition(b"\r\n")[0])
        if line is None:
            return _answer(400)
        method, path = line[1], line[2].partition(b"?")[0]
        status, content_type, body = self._content(path)
        if status != 404 and method not in (b"GET", b"HEAD"):
            return _answer(405, more="allow: GET, HEAD\r\n")
        return _answer(status, body, content_type, silent=method == b"HEAD")

    def _content(self, path: bytes) -> tuple[int, str, bytes]:
        match path:
            case b"/livez":
                return 200, _JSON, b'{"alive":true}'
            case b"/readyz":
                reason = self._why_not()
                body = json.dumps({"ready": reason is None, "reason": reason}, ensure_ascii=False)
                return 503 if reason else 200, _JSON, body.encode()
            case b"/metrics":
                return 200, CONTENT_TYPE_LATEST, generate_latest(self._registry)
            case _:
                return 404, "", b""


def _answer(
    status: int, body: bytes = b"", content_type: str = "", more: str = "", silent: bool = False
) -> bytes:
    """The bytes of an answer. Without `content_type` the body is the status in words."""
    phrase = HTTPStatus(status).phrase
    if not content_type:
        content_type, body = "text/plain; charset=utf-8", f"{phrase}\n".encode()
    head = (
        f"HTTP/1.1 {status} {phrase}\r\ncontent-type: {content_type}\r\n"
        f"content-length: {len(body)}\r\ncache-control: no-store\r\n"
        f"x-content-type-options: nosniff\r\n{more}connection: close\r\n\r\n"
    )
    return head.encode() + (b"" if silent else body)
