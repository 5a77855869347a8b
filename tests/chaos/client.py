"""An HTTP/1.1 client that says what is known of a request that failed. It never repeats one."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from deploy.local.ports import HOST


class NotSent(Exception):
    """No connection could be opened: nobody has seen the request."""


class Unanswered(Exception):
    """It was sent, at least in part, and no whole answer came: its outcome is unknown."""

    def __init__(self, why: str, fresh: bool, begun: bool) -> None:
        """`fresh`: the first request of its connection. `begun`: a part of the answer had come."""
        super().__init__(
            f"{why}, {'new' if fresh else 'kept'} "
            f"connection{', within the answer' if begun else ''}"
        )
        self.fresh, self.begun = fresh, begun


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; names of headers in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class _Kept:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    used: bool = False
    begun: bool = False


class Client:
    """Keeps one connection to each port, as long as the server does. One request at a time."""

    def __init__(self, seconds: float = 3.0) -> None:
        self._seconds = seconds
        self._kept: dict[int, _Kept] = {}

    async def request(
        self,
        port: int,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request. Raises `NotSent` or `Unanswered`."""
        kept = await self._connected(port)
        fresh, kept.used, kept.begun = not kept.used, True, False
        head = [f"{method} {path} HTTP/1.1", f"host: {HOST}:{port}", f"content-length: {len(body)}"]
        head += [f"{name}: {value}" for name, value in (headers or {}).items()]
        try:
            async with asyncio.timeout(self._seconds):
                kept.writer.write("\r\n".join([*head, "\r\n"]).encode() + body)
                answer = await _read(kept)
        except (OSError, EOFError, TimeoutError) as error:
            self._drop(port)
            raise Unanswered(type(error).__name__, fresh, kept.begun) from error
        except asyncio.CancelledError:
            self._drop(port)
            raise
        if answer.headers.get("connection") == "close":
            self._drop(port)
        return answer

    def close(self) -> None:
        """Give all connections up."""
        for port in list(self._kept):
            self._drop(port)

    async def _connected(self, port: int) -> _Kept:
        kept = self._kept.get(port)
        if kept and not kept.reader.at_eof() and kept.reader.exception() is None:
            return kept
        self._drop(port)
        try:
            async with asyncio.timeout(self._seconds):
                self._kept[port] = kept = _Kept(*await asyncio.open_connection(HOST, port))
        except (OSError, TimeoutError) as error:
            raise NotSent(type(error).__name__) from error
        return kept

    def _drop(self, port: int) -> None:
        if kept := self._kept.pop(port, None):
            kept.writer.close()


async def _read(kept: _Kept) -> Answer:
    first = await kept.reader.readexactly(1)
    kept.begun = True
    head = first + await kept.reader.readuntil(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = {}
    for line in filter(None, lines):
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    if "transfer-encoding" in headers:
        raise NotImplementedError("chunked answers")
    body = await kept.reader.readexactly(int(headers.get("content-length", "0")))
    return Answer(int(status.split(" ")[1]), headers, body)
