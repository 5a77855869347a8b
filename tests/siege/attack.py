"""The strangers: `python -m tests.siege.attack PLAN`; the last line is JSON.

The plan is JSON: `{"service", "port", "seed", "endless", "slow", "fuzz", "seconds"}`. The endless
and the slow ones go on until the fuzzed requests are through, at least `seconds`. It gives way to
others (nice 10), as if it ran elsewhere.
"""

import asyncio
import json
import os
import random
import re
import sys
import time
from collections import Counter
from contextlib import suppress
from typing import Any

import uvloop

from tests.siege import fuzz

STATUS = re.compile(rb"HTTP/1\.1 (\d\d\d) ")
AT_ONCE = 100
"""Fuzzed requests in hand."""
ANSWER_SECONDS = 0.15
"""How long a fuzzed request waits for more of an answer."""
PIECE = 64 << 10
GONE = (OSError, RuntimeError)
"""What a connection raises that the server has ended; uvloop's transport, the second."""


class Strangers:
    """All who attack one service, and what it answered them: answers by status."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.plan = plan
        self.statuses: Counter[str] = Counter()
        self.unannounced: list[str] = []
        self.opened = 0
        self.over = asyncio.Event()

    async def come(self) -> dict[str, Any]:
        """Attack; the counts."""
        started = time.monotonic()
        others = [asyncio.create_task(self._send_endlessly(n)) for n in range(self.plan["endless"])]
        others += [asyncio.create_task(self._send_slowly(n)) for n in range(self.plan["slow"])]
        rng = random.Random(f"{self.plan['seed']} {self.plan['service']}")
        todo = iter(range(self.plan["fuzz"]))
        await asyncio.gather(*(self._send_fuzz(todo, rng) for _ in range(AT_ONCE)))
        await asyncio.sleep(max(0.0, started + self.plan["seconds"] - time.monotonic()))
        self.over.set()  # a cancelled wait_for may be swallowed by its result
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        return {
            "statuses": dict(self.statuses),
            "unannounced": self.unannounced[:20],
            "connections": self.opened,
            "seconds": time.monotonic() - started,
        }

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        self.opened += 1
        return await asyncio.open_connection("127.0.0.1", self.plan["port"])

    async def _send_fuzz(self, todo: Any, rng: random.Random) -> None:
        plain = fuzz.PLAIN[self.plan["service"]]
        for _ in todo:
            request = fuzz.spoil(rng, rng.choice(plain))
            half_close, split = rng.random() < 0.3, rng.random() < 0.2
            with suppress(*GONE):
                reader, writer = await self._open()
                try:
                    await self._exchange(reader, writer, request, half_close, split)
                finally:
                    writer.close()

    async def _exchange(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        request: bytes,
        half_close: bool,
        split: bool,
    ) -> None:
        if split:
            writer.write(request[: len(request) // 2])
            await asyncio.sleep(0.002)
            request = request[len(request) // 2 :]
        writer.write(request)
        if half_close:
            writer.write_eof()
        answered = b""
        with suppress(TimeoutError):
            while data := await asyncio.wait_for(reader.read(1 << 20), ANSWER_SECONDS):
                answered += data
        self._note(answered, request)

    def _note(self, answered: bytes, request: bytes) -> None:
        for status in STATUS.findall(answered):
            self.statuses[status.decode()] += 1
        if b"HTTP/1.1 5" in answered and (
            b"HTTP/1.1 503" not in answered or b"retry-after:" not in answered.lower()
        ):
            self.unannounced.append(f"{request[:300]!r} → {answered[:300]!r}")

    async def _send_endlessly(self, number: int) -> None:
        start, again = fuzz.ENDLESS[number % len(fuzz.ENDLESS)]
        piece = again * (PIECE // len(again))
        while not self.over.is_set():
            with suppress(*GONE):
                reader, writer = await self._open()
                reading = asyncio.create_task(reader.read(4096))
                try:
                    writer.write(start)
                    while (
                        not self.over.is_set() and not writer.is_closing() and not reader.at_eof()
                    ):
                        writer.write(piece)
                        await writer.drain()
                        await asyncio.sleep(0)
                    with suppress(TimeoutError):
                        self._note(await asyncio.wait_for(asyncio.shield(reading), 1), start)
                finally:
                    reading.cancel()
                    await asyncio.gather(reading, return_exceptions=True)
                    writer.transport.abort()
            await asyncio.sleep(0.2)

    async def _send_slowly(self, number: int) -> None:
        start, again = fuzz.SLOW[number % len(fuzz.SLOW)]
        unread = start == fuzz.MANY
        if unread:
            start = b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n" % fuzz.LARGE[self.plan["service"]] * 50
        await asyncio.sleep(number / 250)
        while not self.over.is_set():
            with suppress(*GONE):
                reader, writer = await self._open()
                if unread:
                    writer.transport.pause_reading()  # type: ignore[attr-defined]
                reading = asyncio.create_task(reader.read())
                try:
                    writer.write(start)
                    while not self.over.is_set() and not reading.done() and not writer.is_closing():
                        await asyncio.wait({reading}, timeout=1)
                        writer.write(again)
                    self._note(reading.result() if reading.done() else b"", start)
                finally:
                    reading.cancel()
                    await asyncio.gather(reading, return_exceptions=True)
                    writer.transport.abort()
            await asyncio.sleep(1)


if __name__ == "__main__":
    os.nice(10)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(Strangers(json.loads(sys.argv[1])).come())))
