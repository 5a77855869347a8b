"""A client of Server-Sent Events that notes what comes, byte by byte, as browsers do."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import orjson

from tests.support.system import until


@dataclass
class Heard:
    """One event."""

    id: str
    data: dict[str, Any]
    at: float


@dataclass
class EventStream:
    """An open stream: status, headers and events until now. `ended` once the server has ended it,
    `whole` if in good order.
    """

    status: int
    headers: dict[str, str]
    writer: asyncio.StreamWriter
    events: list[Heard] = field(default_factory=list)
    comments: int = 0
    retry: int = 0
    ended: bool = False
    whole: bool = False

    def reads(self, article: str) -> int | None:
        """The newest count of an article."""
        found = [each.data["articles"][article] for each in self.events
                 if article in each.data.get("articles", {})]  # fmt: skip
        return found[-1] if found else None

    def site(self) -> dict[str, Any]:
        """The newest figures of the site."""
        found = [each.data["site"] for each in self.events if "site" in each.data]
        return found[-1] if found else {}

    async def become(self, article: str, reads: int, seconds: float = 10) -> None:
        """Wait until the article has so many reads."""
        await until(
            lambda: self.reads(article) == reads,
            seconds,
            lambda: f"{article} has {reads} reads, not {self.reads(article)}",
        )

    async def is_over(self, seconds: float = 10) -> None:
        """Wait for the end."""
        await until(lambda: self.ended, seconds, "the stream has ended")

    def take(self, text: str) -> None:
        """Note an event, or what else stands between two blank lines."""
        fields = dict(line.split(": ", 1) for line in text.split("\n") if ": " in line)
        if "data" in fields:
            self.events.append(Heard(fields["id"], orjson.loads(fields["data"]), time.monotonic()))
        elif "retry" in fields:
            self.retry = int(fields["retry"])
        else:
            assert text == ":"
            self.comments += 1


@asynccontextmanager
async def stream(
    url: str, query: str = "", headers: Mapping[str, str] | None = None
) -> AsyncIterator[EventStream]:
    """An open stream of the server at `url`."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    lines = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
    writer.write(f"GET /stats/live{query} HTTP/1.1\r\nHost: h\r\n{lines}\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *rest = head.strip().split("\r\n")
    named = {name.lower(): value for name, value in (line.split(": ", 1) for line in rest)}
    one = EventStream(int(first.split()[1]), named, writer)
    following = asyncio.create_task(_follow(one, reader))
    try:
        yield one
    finally:
        following.cancel()
        writer.transport.abort()


async def _follow(one: EventStream, reader: asyncio.StreamReader) -> None:
    text = ""
    try:
        while size := int(await reader.readline(), 16):
            text += (await reader.readexactly(size + 2))[:-2].decode()
            *events, text = text.split("\n\n")
            for event in events:
                one.take(event)
        one.whole = True
    except (asyncio.IncompleteReadError, ConnectionError, ValueError):
        pass
    finally:
        one.ended = True


def stalled(url: str, query: str = "") -> socket.socket:
    """A client that asks for the stream, and then reads nothing. Close it."""
    parts = urlsplit(url)
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    one.connect((parts.hostname, parts.port))
    one.sendall(f"GET /stats/live{query} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
    return one
