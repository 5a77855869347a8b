"""The honest reader: `python -m tests.siege.honest PLAN`, until its standard input ends; the last
line is JSON.

The plan is JSON: `{service: {"port": …, "request": …, "expect": [status, text in the answer]}}`.
Each service is asked `RATE` times a second, over a fresh connection and over a kept one in turns.
"""

import asyncio
import json
import sys
import time
from dataclasses import dataclass, field
from typing import Any

import uvloop

RATE = 20
PATIENCE = 10.0
"""Seconds after which an answer has not come."""


@dataclass
class Reader:
    """What one service answered: seconds by answer, what was wrong, and kept connections that had
    been closed.
    """

    port: int
    request: bytes
    status: int
    text: bytes
    seconds: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    right: int = 0
    again: int = 0
    _kept: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, fresh: bool) -> None:
        """Ask once and note what came of it."""
        started = time.perf_counter()
        try:
            async with asyncio.timeout(PATIENCE):
                status, body = await (self._ask_anew() if fresh else self._ask_again())
        except (OSError, EOFError, TimeoutError, ValueError) as error:
            self.wrong.append(f"{type(error).__name__}: {error}")
            self._kept = None
        else:
            if status == self.status and self.text in body:
                self.right += 1
            else:
                self.wrong.append(f"{status} {body[:200]!r}")
        self.seconds.append(time.perf_counter() - started)

    async def _ask_anew(self) -> tuple[int, bytes]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            return await self._exchange(reader, writer)
        finally:
            writer.close()

    async def _ask_again(self) -> tuple[int, bytes]:
        if self._kept is not None:
            try:
                return await self._exchange(*self._kept)
            except (ConnectionError, EOFError):
                self.again += (
                    1  # an idle connection may be closed at any time, a browser asks again, too
                )
        self._kept = await asyncio.open_connection("127.0.0.1", self.port)
        return await self._exchange(*self._kept)

    async def _exchange(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> tuple[int, bytes]:
        writer.write(self.request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = [
            int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"content-length:")
        ]
        body = await reader.readexactly(length[0]) if length else b""
        return int(head.split(b" ", 2)[1]), head + body

    def as_json(self) -> dict[str, Any]:
        """What the report needs."""
        ordered = sorted(self.seconds)
        p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))] if ordered else float("inf")
        return {
            "asked": len(ordered),
            "right": self.right,
            "again": self.again,
            "wrong": self.wrong,
            "p99": p99,
            "median": ordered[len(ordered) // 2] if ordered else float("inf"),
            "worst": ordered[-1] if ordered else float("inf"),
        }


async def read(plan: dict[str, Any]) -> dict[str, Any]:
    """Read until the standard input ends."""
    readers = {
        name: Reader(
            each["port"], each["request"].encode(), each["expect"][0], each["expect"][1].encode()
        )
        for name, each in plan.items()
    }
    over = asyncio.create_task(asyncio.to_thread(sys.stdin.read))

    async def keep_asking(reader: Reader) -> None:
        fresh = False
        while not over.done():
            next_time = time.perf_counter() + 1 / RATE
            await reader.ask(fresh)
            fresh = not fresh
            await asyncio.sleep(max(0.0, next_time - time.perf_counter()))

    await asyncio.gather(*(keep_asking(reader) for reader in readers.values()))
    return {name: reader.as_json() for name, reader in readers.items()}


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(read(json.loads(sys.argv[1])))))
