"""Messages whose properties, headers or bodies no client would write: they are parked, and nothing
stops.
"""

import asyncio
import struct
import time
from collections.abc import Iterable
from functools import partial

import aio_pika
import orjson
import pytest

from shared.rabbit.batch import QUARTER_MS
from tests.support.frames import RawPublisher, Refused, long, properties, short
from tests.support.hostile_messages import Hostile
from tests.support.system import PATIENCE, Process, System, until
from tests.support.wire import publish, sample

NOW = int(time.time() * 1000)
BODY = orjson.dumps({"v": 2, "groups": [["reader", "a1", NOW // QUARTER_MS, 1, 0, 0]]})
WORKS = {"counter.reads": "counter", "render.articles": "render", "stats.articles": "stats"}
SECONDS = 2.0 * PATIENCE
"""In which the next good message is handled; `make fuzz` measures it on a quiet machine."""


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


async def send_hostile(system: System, queue: str, messages: Iterable[Hostile]) -> int:
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
        await send_hostile(system, queue, [Hostile(properties(accounts(number, "good")), BODY)])

        async def done() -> bool:
            return await system.counted() > counted

    else:
        article, collection = (
            f"g{number}",
            system.db.pages if queue.startswith("render") else system.db.catalogue,
        )
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
async def test_unreadable_messages_are_parked_and_the_queue_moves_on(
    system: System, queue: str
) -> None:
    service = await system.start(WORKS[queue])
    assert await send_hostile(
        system, queue, [Hostile(raw, BODY) for raw in UNREADABLE.values()]
    ) == len(UNREADABLE)
    assert (
        await send_hostile(system, queue, [Hostile(properties(accounts(20) + deep(2000)), BODY)])
        == 1
    )
    await _good_is_handled(system, queue, 1)
    number = len(UNREADABLE) + 1
    await _depth(system, f"{queue}.parked", number)
    assert (await system.http.get(f"{service.url}/readyz")).json() == {
        "ready": True,
        "reason": None,
    }
    listed = await system.command("shared.parked", "list", queue)
    rows = [line.split() for line in listed.stdout.splitlines()[1:]]
    assert [row[2] for row in rows] == ["unreadable"] * number, listed.stdout
    shown = await system.command("shared.parked", "show", queue, rows[0][0])
    assert "x-luotdoc-properties: bytearray" in shown.stdout
    assert r"\xff" in shown.stdout
    assert BODY.decode() in shown.stdout
    if queue == "counter.reads":
        notes = {note["_id"]: note["reads"] async for note in system.db.parked.find()}
        assert notes[f"e1-{0:012d}"] == 1
        redriven = await system.command("shared.parked", "redrive", queue, rows[0][0])
        assert redriven.returncode == 0, redriven.stderr

        async def counted() -> bool:
            return await system.counted() == 2

        await until(counted, 10, "its headers are whole, so redriven it is counted")
        number -= 1
    discarded = await system.command("shared.parked", "discard", queue, "--all")
    assert (discarded.returncode, discarded.stdout.count("discarded")) == (0, number)
    await _depth(system, f"{queue}.parked", 0)


async def test_whatever_lies_in_a_parked_queue_is_looked_at_and_thrown_away(system: System) -> None:
    """The gauges look at the oldest message; the operator's command at all of them."""
    counter = await system.start("counter", flush_interval="0.1")
    queue = "counter.reads.parked"
    parked_at = short(b"x-luotdoc-parked-at") + b"S" + long(b"2026-11-23T07:05:00")
    lying = [
        properties(parked_at + short(b"x-luotdoc-reason") + b"S" + long(b"a\nb\x1b[2J")),
        *UNREADABLE.values(),
    ]
    for number, raw in enumerate(lying):
        assert await send_hostile(system, queue, [Hostile(raw, b"\x1b[2J")]) == 1
        if number:
            continue
        oldest = 'luotdoc_parked_oldest_seconds{queue="counter.reads.parked",reason="other"} '

        async def told(wanted: str = oldest) -> bool:
            return wanted in (await system.http.get(f"{counter.url}/metrics")).text

        await until(told, 15, "the oldest one is in the metrics")
    listed = await system.command("shared.parked", "list", "counter.reads")
    assert listed.stdout.splitlines()[0] == f"counter.reads: {len(lying)} parked"
    assert [line.split()[2] for line in listed.stdout.splitlines()[1:]] == ["other"] + [
        "unreadable"
    ] * len(UNREADABLE)
    handle = listed.stdout.splitlines()[1].split()[0]
    shown = await system.command("shared.parked", "show", "counter.reads", handle)
    assert (shown.returncode, "\x1b" in shown.stdout) == (0, False)
    discarded = await system.command("shared.parked", "discard", "counter.reads", "--all")
    assert discarded.stdout.count("discarded") == len(lying), discarded.stderr
    assert counter.popen.poll() is None
    assert (await system.http.get(f"{counter.url}/readyz")).status_code == 200


async def test_a_copy_of_a_message_goes_into_no_other_queue(system: System) -> None:
    """Neither by CC, by which RabbitMQ would bring it back to its work queue for ever, nor as
    FastStream's answer.
    """
    await system.start("stats")
    copies = (
        short(b"CC") + b"A" + long(b"S" + long(b"stats.articles") + b"S" + long(b"render.articles"))
    )
    raw = properties(copies, reply_to=short(b"render.articles"), message_id=short(b"\xff"))
    assert (
        await send_hostile(
            system, "stats.articles", [Hostile(properties(copies, reply_to=short(b"x")), b"{")]
        )
        == 1
    )
    assert await send_hostile(system, "stats.articles", [Hostile(raw, b"{")]) == 1
    # Each came once to render by CC, and twice to stats, by its key and by CC, which RabbitMQ takes
    # for one.
    await _depth(system, "stats.articles.parked", 2)
    await _good_is_handled(system, "stats.articles", 1)
    # RabbitMQ brings what a copy would be within milliseconds, but tells of a queue's length now
    # and then.
    for queue, number in (
        ("render.articles", 2),
        ("stats.articles.parked", 2),
        ("stats.articles", 0),
    ):
        await _depth(system, queue, number)


async def test_a_routing_key_that_is_no_text(system: System) -> None:
    await system.start("render")

    def send() -> None:
        with RawPublisher(system.broker.url) as publisher:
            publisher.publish("luotdoc.events", b"article.\xff", properties(), b"{")

    await asyncio.to_thread(send)
    await _depth(system, "render.articles.parked", 1)
    await _good_is_handled(system, "render.articles", 1)


async def test_a_replay_passes_over_what_cannot_be_read(system: System) -> None:
    log, target = "luotdoc.events.log", "newcomer.articles"
    await publish(system, [sample("article.published", "a1", 1)], queue=log)
    await send_hostile(system, log, [Hostile(raw, BODY) for raw in UNREADABLE.values()])
    forged = short(b"x-stream-offset") + b"l" + struct.pack(">q", 1 << 40)
    again = short(b"x-stream-offset") + b"l" + struct.pack(">q", 1 << 41)
    await send_hostile(
        system,
        log,
        [Hostile(properties(forged), b"no event"), Hostile(properties(forged + again), BODY)],
    )
    await publish(system, [sample("article.published", "a2", 1)], queue=log)
    await send_hostile(system, log, [Hostile(UNREADABLE["message_id"], BODY)])
    async with await aio_pika.connect(system.broker.url) as connection:
        channel = await connection.channel()
        await channel.queue_delete(target)  # another test's may hold what that has sent
        await channel.declare_queue(target, durable=True, arguments={"x-queue-type": "quorum"})
        replayed = await system.command("shared.replay", "--to", target)
        assert replayed.returncode == 0, replayed.stderr
        assert f"2 events sent into {target}" in replayed.stdout
        assert (
            f"{len(UNREADABLE) + 3} messages of the history are no events, or can't be read"
            in replayed.stderr
        )
        assert await system.queue_depth(target) == 2
        await channel.queue_delete(target)


@pytest.mark.parametrize("queue", WORKS)
async def test_a_queue_that_was_deleted_comes_back_and_readiness_tells(
    system: System, queue: str
) -> None:
    service = await system.start(WORKS[queue])
    await until(
        lambda: _says(system, service, "/metrics", "luotdoc_broker_up 1.0"), 20, "it is connected"
    )
    # Without the right to declare it can't bring the queue back at once, so that readiness has
    # something to tell.
    names = rf"({WORKS[queue]}\..*|luotdoc\..*)"
    permit = partial(system.broker.control, "set_permissions", WORKS[queue])
    await asyncio.to_thread(permit, "^$", f"^{names}$", f"^{names}$")
    try:
        async with await aio_pika.connect(system.broker.url) as connection:
            channel = await connection.channel()
            await channel.queue_delete(queue)
        await until(
            lambda: _says(system, service, "/readyz", f"{queue}: not consumed"),
            15,
            "it is not ready",
        )
    finally:
        await asyncio.to_thread(permit, rf"^{WORKS[queue]}\.", f"^{names}$", f"^{names}$")

    async def back() -> bool:
        return await _says(system, service, "/readyz", '"ready":true') and await _bound(
            system, queue
        )

    await until(back, 30, "the queue is consumed again, with its bindings")
    await _good_is_handled(system, queue, 1)


async def _says(system: System, service: Process, path: str, text: str) -> bool:
    return text in (await system.http.get(f"{service.url}{path}")).text


async def _bound(system: System, queue: str) -> bool:
    listed = await asyncio.to_thread(
        system.broker.control,
        "list_bindings",
        "--no-table-headers",
        "source_name",
        "destination_name",
    )
    bound = {tuple(line.split("\t")) for line in listed.splitlines()}
    source = "luotdoc.reads" if queue == "counter.reads" else "luotdoc.events"
    return {(source, queue), (f"{queue}.dlx", queue)} <= bound


async def test_a_connection_that_falls_again_and_again_is_not_ready(system: System) -> None:
    stats = await system.start("stats")
    metrics = f"{stats.url}/metrics"

    async def connected() -> bool:
        return "luotdoc_broker_up 1.0" in (await system.http.get(metrics)).text

    for _ in range(3):
        await until(connected, 20, "it is connected")
        await asyncio.to_thread(system.broker.control, "close_all_connections", "a test")
    reason = (await system.http.get(f"{stats.url}/readyz")).json()["reason"]
    assert reason == "the connection to RabbitMQ was lost 3 times within 30 s"

    async def ready() -> bool:
        return (await system.http.get(f"{stats.url}/readyz")).status_code == 200

    await until(ready, 45, "it is ready once the connection has held")
