"""Questions over HTTP, at a constant rate, or by clients that ask as soon as they are answered.

`python -m tests.bench.getting PORT SECONDS CONNECTIONS RATE` takes the questions, a line
`<kind>\\t<path>` each, from its standard input, and asks them in turn. With RATE 0 each connection
is such a client. Else every question has its moment, n / RATE after the start, and its latency
counts from it (`tests.bench.openloop` says why). Connections are kept alive, and take gzip.

Prints JSON: by kind, for `all`, and for `FROM_MEMORY`, which are all but those of articles' series,
the number of answers, those by status, and milliseconds at the percentiles.
"""

import asyncio
import json
import sys
import time
from collections import Counter, deque
from typing import Any, cast

import uvloop

from tests.bench.figures import at
from tests.bench.questions import OF_AN_ARTICLE

GRACE_SECONDS = 10.0
FROM_MEMORY = "what is answered from memory"
UNANSWERED = 0
"""The status of what had no answer in the end."""
Answer = tuple[str, int, float]
"""(kind, status, milliseconds)."""


class Connection(asyncio.Protocol):
    """One question at a time."""

    def __init__(self, asker: "Asker") -> None:
        self._asker, self._answer = asker, b""
        self.due, self.kind = 0.0, ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def ask(self, due: float, kind: str, request: bytes) -> None:
        """Send a question whose moment was `due`."""
        self.due, self.kind = due, kind
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if self._is_whole():
            status, self._answer = int(self._answer[9:12]), b""
            self._asker.answered(self, status)

    def _is_whole(self) -> bool:
        head, found, body = self._answer.partition(b"\r\n\r\n")
        if not found:
            return False
        _, has_length, rest = head.lower().partition(b"\r\ncontent-length: ")
        if has_length:
            return len(body) >= int(rest.partition(b"\r\n")[0])
        return body.endswith(b"0\r\n\r\n")  # chunked


class Asker:
    """Asks `questions` in turn, and notes the answers."""

    def __init__(self, questions: list[tuple[str, bytes]], *, at_once: bool) -> None:
        self.idle: deque[Connection] = deque()
        self.answers: list[Answer] = []
        self.asked = 0
        self.stopping = False
        self._questions, self._at_once = questions, at_once
        self.waiting: deque[float] = deque()

    def arrive(self, due: float) -> None:
        """A question's moment has come."""
        if self.idle:
            self.ask(self.idle.popleft(), due)
        else:
            self.waiting.append(due)

    def ask(self, connection: Connection, due: float) -> None:
        """Ask the next one."""
        kind, request = self._questions[self.asked % len(self._questions)]
        self.asked += 1
        connection.ask(due, kind, request)

    def answered(self, connection: Connection, status: int) -> None:
        """An answer is there."""
        took = (time.monotonic() - connection.due) * 1000
        self.answers.append((connection.kind, status, took))
        if self.waiting:
            self.ask(connection, self.waiting.popleft())
        elif self._at_once and not self.stopping:
            self.ask(connection, time.monotonic())
        else:
            self.idle.append(connection)


async def run(
    port: int, seconds: float, connections: int, rate: float, questions: list[tuple[str, bytes]]
) -> dict[str, Any]:
    """Ask for `seconds`."""
    loop, asker = asyncio.get_running_loop(), Asker(questions, at_once=not rate)
    opened = []
    for _ in range(connections):
        _, connection = await loop.create_connection(lambda: Connection(asker), "127.0.0.1", port)
        opened.append(connection)
    start, arrived = time.monotonic(), 0
    asker.idle.extend(opened)
    if not rate:
        while asker.idle:
            asker.ask(asker.idle.popleft(), time.monotonic())
        await asyncio.sleep(seconds)
        asker.stopping = True
    while arrived < rate * seconds:
        until = min(int(rate * seconds), int((time.monotonic() - start) * rate) + 1)
        while arrived < until:
            asker.arrive(start + arrived / rate)
            arrived += 1
        await asyncio.sleep(start + arrived / rate - time.monotonic())
    deadline = time.monotonic() + GRACE_SECONDS
    while len(asker.idle) < connections and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    late = [
        (each.kind, UNANSWERED, (time.monotonic() - each.due) * 1000)
        for each in opened
        if each not in asker.idle
    ]
    late += [("", UNANSWERED, (time.monotonic() - due) * 1000) for due in asker.waiting]
    return summary([*asker.answers, *late])


def summary(answers: list[Answer]) -> dict[str, Any]:
    """By kind, for `all`, and for `FROM_MEMORY`."""
    kinds: dict[str, list[Answer]] = {"all": answers}
    kinds[FROM_MEMORY] = [each for each in answers if each[0] != OF_AN_ARTICLE]
    for each in answers:
        kinds.setdefault(each[0], []).append(each)
    return {kind: _summed(all_of) for kind, all_of in kinds.items()}


def _summed(answers: list[Answer]) -> dict[str, Any]:
    took = sorted(each[2] for each in answers)
    return {
        "number": len(answers),
        "statuses": dict(Counter(str(each[1]) for each in answers)),
        "p50_ms": at(took, 0.5) if took else 0.0,
        "p99_ms": at(took, 0.99) if took else 0.0,
        "max_ms": took[-1] if took else 0.0,
    }


def request(path: str) -> bytes:
    """As a browser's script asks."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n"
        "Accept-Encoding: gzip, deflate, br\r\n\r\n"
    ).encode()


if __name__ == "__main__":
    port, seconds, connections, rate = (float(argument) for argument in sys.argv[1:5])
    lines = [line.rstrip("\n").split("\t") for line in sys.stdin]
    asked = [(kind, request(path)) for kind, path in lines]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(run(int(port), seconds, int(connections), rate, asked))))
