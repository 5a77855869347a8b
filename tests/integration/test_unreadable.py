"""Messages whose properties, headers or bodies no client would write: they are parked, and nothing stops."""

import asyncio
import struct
import time
from collections.abc import Iterable

import orjson
import pytest

from tests.integration.test_operators import _run
from tests.support.frames import RawPublisher, Refused, long, properties, short
from tests.support.hostile_messages import Hostile
from tests.support.system import System, until
from tests.support.wire import publish, sample

NOW = int(time.time() * 1000)
BODY = orjson.dumps({"reads": [["a1", NOW, "reader", ""]], "filtered": {}})
WORKS = {"counter.reads": "counter", "render.articles": "render", "stats.articles": "stats"}
SECONDS = 2.0
"""In which the next good message is handled."""


def accounts(number: int, epoch: str = "e1") -> bytes:
    """The header entries of a batch with one read."""
    return b"".join(
        [
            short(b"batch_id") + b"S" + long(f"{epoch}-{number:012d}".encode()),
            short(b"minted_at") + b"l" + struct.pack(">q", int(time.time() * 1000)),
            short(b"reads") + b"b\1",
        ]
    )


UNREADABLE = {
    "message_id": properties(accounts(0), message_id=short(b"\xff")),
    "content_type": properties(accounts(1), content_type=short(b"\xff")),
    "type": properties(accounts(2), message_type=short(b"\xc3")),
    "correlation_id": properties(accounts(3), correlation_id=short(b"\xed\xa0\x80")),
    "reply_to": properties(accounts(4), reply_to=short(b"\xff")),
    "timestamp": properties(accounts(5), timestamp=struct.pack(">Q", 1 << 62)),
    "header's name": properties(accounts(6) + short(b"\xff") + b"V"),
    "header's time": properties(accounts(7) + short(b"t") + b"T" + b"\xff" * 8),
    "nested": properties(accounts(8) + short(b"d") + b"A" + long((b"A" + long(b"")) * 1) * 1),
    "large": properties(accounts(9) + short(b"d") + b"S" + long(b"x" * 100_000)),
    "cluster_id": properties(accounts(10), cluster_id=short(b"\xff")),
}
UNREADABLE.pop("nested")


def deep(levels: int) -> bytes:
    """A header of lists in lists."""
    value = b"V"
    for _ in range(levels):
        value = b"A" + long(value)
    return short(b"deep") + value


async def _send(system: System, queue: str, messages: Iterable[Hostile]) -> int:
    """Put each into `queue`; answers how many RabbitMQ has taken."""

    def send() -> int:
        taken, left = 0, list(messages)
        while left:
            with RawPublisher(system.broker.url) as publisher:
                for each in left:
                    try:
                        publisher.publish("", queue.encode(), each.raw, each.body)
                    except Refused:
                        break
                left, sent = left[publisher.confirmed + 1 :], publisher.confirmed
                taken += sent
        return taken

    return await asyncio.to_thread(send)


async def _good_is_handled(system: System, queue: str, number: int) -> None:
    """The next good message is handled in time."""
    if queue == "counter.reads":
        counted = await system.counted()
        await _send(system, queue, [Hostile(properties(accounts(number, "good")), BODY)])

        async def done() -> bool:
            return await system.counted() > counted

    else:
        article, collection = f"g{number}", system.db.pages if queue.startswith("render") else system.db.catalogue
        await publish(system, [sample("article.published", article, 1)], queue=queue)

        async def done() -> bool:
            return await collection.find_one({"_id": article}) is not None

    began = time.monotonic()
    await until(done, 30, f"the good message in {queue} is handled")
    assert time.monotonic() - began < SECONDS


async def _depth(system: System, queue: str, wanted: int) -> None:
    async def reached() -> bool:
        return await system.queue_depth(queue) == wanted

    await until(reached, 20, f"{wanted} in {queue}")


@pytest.mark.parametrize("queue", WORKS)
async def test_unreadable_messages_are_parked_and_the_queue_moves_on(system: System, queue: str) -> None:
    service = await system.start(WORKS[queue])
    assert await _send(system, queue, [Hostile(raw, BODY) for raw in UNREADABLE.values()]) == len(UNREADABLE)
    assert await _send(system, queue, [Hostile(properties(accounts(20) + deep(2000)), BODY)]) == 1
    await _good_is_handled(system, queue, 1)
    number = len(UNREADABLE) + 1
    await _depth(system, f"{queue}.parked", number)
    assert (await system.http.get(f"{service.url}/readyz")).json() == {"ready": True, "reason": None}
    listed = await _run(system, "shared.parked", "list", queue)
    rows = [line.split() for line in listed.stdout.splitlines()[1:]]
    assert [row[2] for row in rows] == ["unreadable"] * number, listed.stdout
    shown = await _run(system, "shared.parked", "show", queue, rows[0][0])
    assert "x-luotdoc-properties: bytearray" in shown.stdout
    assert r"\xff" in shown.stdout
    assert BODY.decode() in shown.stdout
    if queue == "counter.reads":
        notes = {note["_id"]: note["reads"] async for note in system.db.parked.find()}
        assert notes[f"e1-{0:012d}"] == 1
        redriven = await _run(system, "shared.parked", "redrive", queue, rows[0][0])
        assert redriven.returncode == 0, redriven.stderr

        async def counted() -> bool:
            return await system.counted() == 2

        await until(counted, 10, "its headers are whole, so redriven it is counted")
        number -= 1
    discarded = await _run(system, "shared.parked", "discard", queue, "--all")
    assert (discarded.returncode, discarded.stdout.count("discarded")) == (0, number)
    await _depth(system, f"{queue}.parked", 0)
