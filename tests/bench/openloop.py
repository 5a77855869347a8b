"""Load at a constant rate, whatever the server does.

`python -m tests.bench.openloop PORT RATE SECONDS CONNECTIONS FIRST [STEP]`: reads number FIRST,
FIRST + 1 and so on, each number times STEP (1).

wrk sends a connection's next request when the last is answered: a server that stalls is asked less,
and the stall is seen once per connection instead of once per request that should have come
meanwhile (coordinated omission). Here every request has its moment, n / RATE after the start. If no
connection is free then, it waits here; its latency counts from its moment, not from when it was
sent.

Prints JSON: requests; those without an answer; other statuses than 204; milliseconds at the
percentiles (`late`: after its moment a request went out although a connection was free, which is
this program's own fault); and `acks`, pairs of a time (`time.monotonic`, seconds) and the number of
204 until then, one per millisecond.
"""

import asyncio
import json
import sys
import time
from collections import deque
from typing import Any, cast

import uvloop

from tests.bench.figures import at
from tests.bench.traffic import request

GRACE_SECONDS = 5.0
"""For the answers that are due at the end."""


class Connection(asyncio.Protocol):
    """One request at a time; an answer has no body, so it is whole with its first blank line."""

    def __init__(self, load: "Load") -> None:
        self._load = load
        self._due = 0.0
        self._answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def send(self, due: float, data: bytes) -> None:
        """Send a request whose moment was `due`."""
        self._due = due
        self._transport.write(data)

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if self._answer.endswith(b"\r\n\r\n"):
            answer, self._answer = self._answer, b""
            self._load.answered(self, self._due, answer.startswith(b"HTTP/1.1 204"))


class Load:
    """Requests at their moments, and what became of them."""

    def __init__(self, first: int, step: int = 1) -> None:
        # In turn: one that is never used is closed by the server after some seconds.
        self.idle: deque[Connection] = deque()
        self.took: list[float] = []
        self.late: list[float] = []
        self.acks: list[tuple[float, int]] = []
        self.good = self.bad = 0
        self._next, self._step = first, step
        self._waiting: deque[float] = deque()

    def arrive(self, due: float) -> None:
        """A request's moment has come."""
        if self.idle:
            self.late.append((time.monotonic() - due) * 1000)
            self.idle.popleft().send(due, self._request())
        else:
            self._waiting.append(due)

    def answered(self, connection: Connection, due: float, good: bool) -> None:
        """An answer is there; the connection takes what waits."""
        now = time.monotonic()
        self.took.append((now - due) * 1000)
        self.good += good
        self.bad += not good
        if not self.acks or now - self.acks[-1][0] >= 0.001:
            self.acks.append((now, self.good))
        if self._waiting:
            connection.send(self._waiting.popleft(), self._request())
        else:
            self.idle.append(connection)

    def _request(self) -> bytes:
        self._next += 1
        return request((self._next - 1) * self._step)


async def run(
    port: int, rate: float, seconds: float, connections: int, first: int, step: int = 1
) -> dict[str, Any]:
    """Send `rate` requests a second for `seconds` over `connections`, beginning with read number
    `first` times `step`.
    """
    load, loop = Load(first, step), asyncio.get_running_loop()
    for _ in range(connections):
        _, connection = await loop.create_connection(lambda: Connection(load), "127.0.0.1", port)
        load.idle.append(connection)
    start, sent, total = time.monotonic(), 0, int(rate * seconds)
    while sent < total:
        until = min(total, int((time.monotonic() - start) * rate) + 1)  # the first at the start
        while sent < until:
            load.arrive(start + sent / rate)
            sent += 1
        await asyncio.sleep(0.001)
    deadline = time.monotonic() + GRACE_SECONDS
    while len(load.took) < total and time.monotonic() < deadline:  # noqa: ASYNC110  (an event would cost each answer)
        await asyncio.sleep(0.01)
    ended = time.monotonic()
    missing = total - len(load.took)
    # What has no answer yet took at least until now: leaving it out would make a stalled server
    # look fast.
    took = sorted(
        load.took + [(ended - start - n / rate) * 1000 for n in range(total - missing, total)]
    )
    late = sorted(load.late)
    return {
        "requests": total,
        "seconds": ended - start,
        "unanswered": missing,
        "late_p99_ms": at(late, 0.99) if late else 0.0,
        "statuses": load.bad,
        "p50_ms": at(took, 0.5),
        "p99_ms": at(took, 0.99),
        "max_ms": took[-1],
        "acks": [*load.acks, (time.monotonic(), load.good)],
    }


if __name__ == "__main__":
    port, rate, seconds, *counts = map(float, sys.argv[1:])
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(run(int(port), rate, seconds, *map(int, counts)))))
