"""Reads over the services' protocol without a socket, on the fast path and through ASGI."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import orjson

from services.ingest.reads.batcher import Batcher
from services.ingest.reads.grouping import ReadSource
from services.ingest.reads.known import KnownArticles
from shared.web.app import Application, Service
from shared.web.fastpath import FastRequest
from tests.support.beacon import make_beacon
from tests.support.connection import Connection
from tests.support.system import BROWSER


class _Known(set[str]):
    loaded = True

    async def look_up(self, _article_id: str) -> bool:
        return False


class _Batches:
    """Every read is durable at once."""

    def __init__(self) -> None:
        self.sources: list[ReadSource] = []

    def add(
        self, _article: str, _salt_day: int, _visitor: str, source: ReadSource
    ) -> asyncio.Future[str]:
        self.sources.append(source)
        durable = asyncio.get_running_loop().create_future()
        durable.set_result("e-000000000000")
        return durable


@dataclass(frozen=True)
class Told:
    """The answer to a read, and what of it is in the batch."""

    status: int
    outcome: str
    """`Luotdoc-Read`; "" without it."""
    fault: tuple[str, str] | None
    """The field that is named, and what is said of it."""
    source: tuple[str, str, str] | None
    """Classes of referrer and device, and the reduced agent."""


class BothPaths:
    """A beacon that knows the article `a1`. Each read is a new visitor's."""

    def __init__(self) -> None:
        self._batches, self._asked = _Batches(), 0
        self.fast = 0
        """Reads that the fast path took."""
        known = cast(KnownArticles, _Known({"a1"}))
        self._beacon = make_beacon(cast(Batcher, self._batches), known)
        routes = {"/reads": self._beacon.post}
        self._app: Any = Application(
            Service("ingest", _lives, lambda: None, routes, fast={b"/reads": self._take})
        )

    def _take(self, request: FastRequest) -> bool:
        taken = self._beacon.take(request)
        self.fast += taken
        return taken

    async def read(self, target: bytes, *, slow: bool = False, body: Any = None) -> Told:
        """POST a read to `target`; `slow`: past the fast path. `body` is sent as JSON."""
        self._asked += 1
        before = len(self._batches.sources)
        sent = orjson.dumps(body or {"article": "a1"})
        answered = await Connection(self._app).send(
            b"POST %b HTTP/1.1\r\nUser-Agent: %b %d\r\nContent-Length: %d\r\n%b\r\n%b"
            % (
                target,
                BROWSER.encode(),
                self._asked,
                len(sent),
                b"Connection: close\r\n" if slow else b"",
                sent,
            )
        )
        head, _, content = answered.partition(b"\r\n\r\n")
        status, *lines = head.decode().split("\r\n")
        headers: Mapping[str, str] = dict(line.split(": ", 1) for line in lines)
        faults = orjson.loads(content).get("errors", []) if content else []
        source = [_shown(each) for each in self._batches.sources[before:]]
        return Told(
            int(status.split()[1]),
            headers.get("luotdoc-read", ""),
            (faults[0]["path"], faults[0]["message"]) if faults else None,
            source[0] if source else None,
        )


def _shown(source: ReadSource) -> tuple[str, str, str] | None:
    if source is None:
        return None
    assert len(source) == 3  # programs are filtered, so an agent is known
    return source[0], source[1], source[2].text


@contextlib.asynccontextmanager
async def _lives() -> AsyncIterator[None]:
    yield
