"""Listeners of `/stats/live`, in one process.

`python -m tests.bench.listening PORT SECONDS LISTENERS STALLED ARTICLES INGEST RATE`. STALLED of
the listeners ask, and then read nothing. With ARTICLES 0 all listen to everything; else each
listens to one of so many articles, `live0` and so on, and RATE reads of them a second are sent to
the ingest at the port INGEST.

Prints JSON: those that were opened; seconds that took; frames; by how much a listener got a version
later than the first one that did (ms at the percentiles); how many that read, and how many that are
stalled, the server has closed; and, with reads, milliseconds from a 204 to each frame that has the
read. It prints a line `ready` once all are open, and waits for a line of its standard input.
"""

import asyncio
import json
import socket
import sys
import time
from collections import defaultdict
from typing import Any, cast

import uvloop

from tests.bench.figures import at

OPENED_AT_ONCE = 50
MARK = b"\nid: "
"""How an event begins, behind the line with its chunk's size; a header may end in `-id: `, too."""


class ReadTimes:
    """When each read of an article was answered 204, in their order."""

    def __init__(self) -> None:
        self.of: dict[str, list[float]] = defaultdict(list)
        self.lags: list[float] = []

    def shown(self, article: str, before: int, reads: int, now: float) -> None:
        """A listener has reads number `before` to `reads` now."""
        times = self.of[article]
        for number in range(before, reads):
            # A frame may come before the 204 is noticed here.
            when = times[number] if number < len(times) else now
            self.lags.append((now - when) * 1000)


class FrameListener(asyncio.Protocol):
    """A listener that reads."""

    def __init__(self, crowd: "Crowd", article: str) -> None:
        self._crowd, self.article = crowd, article
        self._rest = b""
        self.reads, self.closed = 0, False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        query = f"?article={self.article}" if self.article else ""
        request = f"GET /stats/live{query} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        cast(asyncio.Transport, transport).write(request.encode())

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        *frames, self._rest = (self._rest + data).split(b"\n\n")
        for frame in frames:
            _, found, rest = frame.partition(MARK)
            if found:
                self._take(rest, now)

    def _take(self, frame: bytes, now: float) -> None:
        name, _, told = frame.partition(b"\ndata: ")
        self._crowd.framed(name, now)
        if self.article:
            reads = json.loads(told).get("articles", {}).get(self.article, self.reads)
            self._crowd.reads.shown(self.article, self.reads, reads, now)
            self.reads = max(self.reads, reads)

    def connection_lost(self, _error: Exception | None) -> None:
        self.closed = True


class Crowd:
    """All listeners, and what they saw."""

    def __init__(self) -> None:
        self.listeners: list[FrameListener] = []
        self.stalled: list[socket.socket] = []
        self.reads = ReadTimes()
        self.first: dict[bytes, float] = {}
        self.delays: list[float] = []
        self.frames = 0
        self.watching = False

    def framed(self, name: bytes, now: float) -> None:
        """A listener has got the frame with this id."""
        self.frames += 1
        if self.watching:
            self.delays.append((now - self.first.setdefault(name, now)) * 1000)

    async def open(self, port: int, number: int, stalled: int, articles: int) -> None:
        """Open all connections, and wait until each that reads has a frame."""
        loop = asyncio.get_running_loop()

        async def one(which: int) -> None:
            article = f"live{which % articles}" if articles else ""
            _, listener = await loop.create_connection(
                lambda: FrameListener(self, article), "127.0.0.1", port
            )
            self.listeners.append(listener)

        for start in range(0, number - stalled, OPENED_AT_ONCE):
            end = min(start + OPENED_AT_ONCE, number - stalled)
            await asyncio.gather(*(one(which) for which in range(start, end)))
        for _ in range(stalled):
            deaf = socket.socket()
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.connect(("127.0.0.1", port))
            deaf.sendall(b"GET /stats/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            self.stalled.append(deaf)
        while self.frames < number - stalled:  # noqa: ASYNC110  (an event would cost each frame)
            await asyncio.sleep(0.01)

    def dropped(self) -> int:
        """How many of the stalled ones the server has closed."""
        return sum(map(_is_closed, self.stalled))


def _is_closed(deaf: socket.socket) -> bool:
    """True if the connection was reset, also behind what was never read."""
    deaf.setblocking(False)
    try:
        while deaf.recv(1 << 16):
            pass
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


async def send_reads(times: ReadTimes, port: int, articles: int, rate: float, end: float) -> None:
    """Send reads at a constant rate until `end`, and note each 204. One connection for each
    article, so that its answers come in order.
    """
    lines = [await asyncio.open_connection("127.0.0.1", port) for _ in range(articles)]
    start = time.monotonic()

    async def of(which: int) -> None:
        reader, writer = lines[which]
        article, number = f"live{which}", 0
        body = json.dumps({"article": article})
        while True:
            due = start + (number * articles + which) / rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if time.monotonic() > end:
                writer.close()
                return
            agent = f"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.{number}"
            writer.write(
                f"POST /reads HTTP/1.1\r\nHost: h\r\nUser-Agent: {agent}\r\nContent-Type: "
                f"application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
            )
            answer = await reader.readuntil(b"\r\n\r\n")
            if b" 204 " not in answer[:16] or b"filtered" in answer:
                raise RuntimeError(answer.decode())
            times.of[article].append(time.monotonic())
            number += 1

    await asyncio.gather(*(of(which) for which in range(articles)))


async def run(
    port: int, seconds: float, number: int, stalled: int, articles: int, ingest: int, rate: float
) -> dict[str, Any]:
    """Open, wait for the word, listen for `seconds`."""
    crowd, began = Crowd(), time.monotonic()
    await crowd.open(port, number, stalled, articles)
    opened = time.monotonic() - began
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    crowd.watching, crowd.frames = True, 0
    end = time.monotonic() + seconds
    if rate:
        await send_reads(crowd.reads, ingest, articles, rate, end)
    await asyncio.sleep(max(0.0, end - time.monotonic()))
    await asyncio.sleep(2 if rate else 0)
    delays, lags = sorted(crowd.delays) or [0.0], sorted(crowd.reads.lags) or [0.0]
    return {
        "opened": number,
        "opening_seconds": opened,
        "frames": crowd.frames,
        "versions": len(crowd.first),
        "delay_p99_ms": at(delays, 0.99),
        "delay_max_ms": delays[-1],
        "closed": sum(each.closed for each in crowd.listeners),
        "dropped": crowd.dropped(),
        "reads": sum(map(len, crowd.reads.of.values())),
        "seen": len(lags),
        "lag_p50_ms": at(lags, 0.5),
        "lag_p99_ms": at(lags, 0.99),
        "lag_max_ms": lags[-1],
    }


if __name__ == "__main__":
    port, seconds, number, stalled, articles, ingest, rate = map(float, sys.argv[1:8])
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        work = run(int(port), seconds, int(number), int(stalled), int(articles), int(ingest), rate)
        print(json.dumps(runner.run(work)))
