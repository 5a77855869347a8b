"""History again: into one queue, marked, at a pace, and whole however often the replay is
killed.
"""

import asyncio
import contextlib
import secrets
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import AsyncMock
from urllib.parse import urlsplit

import aio_pika
import pytest

from deploy.local import ports
from luotdoc_events import events
from luotdoc_subscriber.commands import history as the_history
from luotdoc_subscriber.commands import replay
from luotdoc_subscriber.commands.selection import Selection
from luotdoc_subscriber.commands.target import HIGH_WATER, REPLAY_BATCH
from tests.support.system import ROOT, System, until

BEGINNING = datetime(2026, 11, 1, tzinfo=UTC)


def numbered_event(number: int) -> events.Envelope:
    """Event number n of a made history: of article a<n mod 10>, an hour after the one before, every
    tenth a page's.
    """
    article = f"a{number % 10}"
    moment = BEGINNING + timedelta(hours=number)
    data: events.Data = events.ArticleWithdrawn(
        id=article, revision=number + 1, url="https://e.vn/a", withdrawn_at=moment
    )
    if number % 10 == 0:
        data = events.PageRemoved(
            article=article, revision=number + 1, url="https://e.vn/a", removed_at=moment
        )
    return events.envelope(
        data,
        id=f"e{number}",
        source="/test",
        time=moment,
        subject=article,
        revision=number + 1,
        schemas="https://e.vn/schemas",
    )


async def fill_history(system: System, number: int, more: bytes | None = None) -> None:
    """Fill the stream, past the exchange, so that nobody else has these events."""
    async with await aio_pika.connect(system.broker.url) as connection:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)

        async def put(body: bytes, event_id: str) -> None:
            message = aio_pika.Message(
                body,
                message_id=event_id,
                content_type=events.CONTENT_TYPE,
                headers={"x-own": "kept"},
                delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            )
            await channel.default_exchange.publish(message, "luotdoc.events.log", mandatory=True)

        for first in range(0, number, 200):
            made = [numbered_event(n) for n in range(first, min(number, first + 200))]
            await asyncio.gather(*(put(events.encode(event), event.id) for event in made))
        if more is not None:
            await put(more, "x")


async def _queue(system: System, name: str = "newcomer.articles") -> str:
    """An empty queue of a subscriber, bound to everything."""
    async with await aio_pika.connect(system.broker.url) as connection:
        channel = await connection.channel()
        for each in (name, f"{name}.replay"):
            await channel.queue_delete(each)
        queue = await channel.declare_queue(
            name, durable=True, arguments={"x-queue-type": "quorum"}
        )
        await queue.bind("luotdoc.events", "#")
    return name


async def _drain(system: System, name: str) -> list[aio_pika.abc.AbstractIncomingMessage]:
    """Everything that waits in a queue, taken out of it."""
    number = await system.queue_depth(name)
    found: list[aio_pika.abc.AbstractIncomingMessage] = []

    async def take(message: aio_pika.abc.AbstractIncomingMessage) -> None:
        found.append(message)

    async with await aio_pika.connect(system.broker.url) as connection:
        channel = await connection.channel()
        queue = await channel.get_queue(name)
        await queue.consume(take, no_ack=True)
        await until(lambda: len(found) >= number, 30, f"{number} messages come")
    return found


def _command(system: System, module: str, *arguments: str) -> dict[str, Any]:
    return {
        "args": [sys.executable, "-m", module, *arguments],
        "cwd": ROOT,
        "env": system.environment_of(),
        "text": True,
    }


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ([], range(60)),
        (["--type", "page.removed"], range(0, 60, 10)),
        (["--subject", "a3", "--subject", "a4"], [n for n in range(60) if n % 10 in (3, 4)]),
        (
            ["--since", "2026-11-01T17:00:00+07:00", "--until", "2026-11-02T00:00:00Z"],
            range(10, 24),
        ),
        (["--type", "article.withdrawn", "--subject", "a0"], []),
    ],
)
async def test_what_is_chosen_reaches_the_one_queue(
    system: System, arguments: list[str], wanted: Any
) -> None:
    await fill_history(system, 60)
    name, other = await _queue(system), await _queue(system, "other.articles")

    done = await system.command("shared.replay", "--to", name, *arguments)

    assert done.returncode == 0, done.stderr
    got = await _drain(system, name)
    assert [message.message_id for message in got] == [f"e{n}" for n in wanted]
    assert f"{len(got)} events sent into {name}" in done.stdout
    for message, number in zip(got, wanted, strict=True):
        assert message.body == events.encode(numbered_event(number))
        assert message.content_type == events.CONTENT_TYPE
        assert message.delivery_mode == aio_pika.DeliveryMode.PERSISTENT
        assert str(message.headers.pop(events.REPLAY_HEADER)).startswith(f"{name}-")
        assert message.headers == {"x-own": "kept"}
    assert await system.queue_depth(other) == 0
    assert await system.queue_depth("render.articles") == 0


async def test_a_killed_replay_goes_on_without_gap_or_repeat_beyond_a_batch(system: System) -> None:
    number = 2000
    await fill_history(system, number)
    name = await _queue(system)
    arguments = ["--to", name, "--rate", "600"]
    command = _command(system, "shared.replay", *arguments)
    victim = await asyncio.to_thread(lambda: subprocess.Popen(**command, stderr=subprocess.PIPE))
    try:

        async def half_way() -> bool:
            return await system.queue_depth(name) >= number // 2

        await until(half_way, 30, "half is replayed")
    finally:
        victim.kill()
        await asyncio.to_thread(victim.communicate)
    other = await system.command("shared.replay", *arguments, "--subject", "a1")
    assert (other.returncode, "--restart" in other.stderr) == (1, True)

    done = await system.command("shared.replay", *arguments, "--rate", "5000")

    assert done.returncode == 0, done.stderr
    got = await _drain(system, name)
    ids = [str(message.message_id) for message in got]
    assert list(dict.fromkeys(ids)) == [f"e{n}" for n in range(number)]  # in order, none missing
    print(f"{len(ids) - number} of {number} events came twice; a batch is {REPLAY_BATCH}")
    assert len(ids) - number <= REPLAY_BATCH
    assert len({message.headers[events.REPLAY_HEADER] for message in got}) == 1
    # It has come to its end: the same command is a new replay.
    assert (await system.command("shared.replay", "--to", name, "--subject", "a1")).returncode == 0
    assert len(await _drain(system, name)) == number // 10


async def test_what_cannot_be_is_refused_in_words(system: System) -> None:
    name = await _queue(system)
    empty = await system.command("shared.replay", "--to", name)
    assert (empty.returncode, "luotdoc.events.log is empty" in empty.stderr) == (1, True)
    await fill_history(system, 30, more=b"no event")
    nobody = await system.command("shared.replay", "--to", "nobody.articles")
    assert (nobody.returncode, "there is no queue nobody.articles" in nobody.stderr) == (1, True)
    for internal in ("counter.reads", "luotdoc.events.log", "render.articles.parked"):
        refused = await system.command("shared.replay", "--to", internal)
        assert (refused.returncode, "is no subscriber's queue" in refused.stderr) == (1, True)
    for wrong in (
        ["--since", "2026-11-01"],
        ["--rate", "0"],
        ["--type", "reads.counted"],
        ["--since", "2999-01-01T00:00Z"],
    ):
        assert (await system.command("shared.replay", "--to", name, *wrong)).returncode == 2
    done = await system.command("shared.replay", "--to", name)
    assert (done.returncode, "1 messages of the history are no events" in done.stderr) == (0, True)
    assert len(await _drain(system, name)) == 30
    just_now = datetime.now(UTC) + timedelta(seconds=-1)
    nothing = await system.command("shared.replay", "--to", name, "--since", just_now.isoformat())
    assert (nothing.returncode, "0 events sent" in nothing.stdout) == (0, True), nothing.stderr


@pytest.mark.long
async def test_a_replay_waits_for_its_subscriber_and_outlives_the_broker(system: System) -> None:
    """A queue that nobody empties is filled to a mark and no further; RabbitMQ stops, and the same
    command goes on.
    """
    number = HIGH_WATER + 2000
    await fill_history(system, number)
    name = await _queue(system)
    command = _command(system, "shared.replay", "--to", name, "--rate", "20000")
    waiting = await asyncio.to_thread(lambda: subprocess.Popen(**command, stderr=subprocess.PIPE))
    try:

        async def full() -> bool:
            return await system.queue_depth(name) > HIGH_WATER

        await until(full, 60, "the queue is filled")
        await system.end_broker()
        _, said = await asyncio.to_thread(waiting.communicate, None, 30)
    finally:
        if waiting.poll() is None:
            waiting.kill()
        await asyncio.to_thread(system.broker.start)
    assert (waiting.returncode, "run the same command again" in said) == (1, True), said
    first = [str(message.message_id) for message in await _drain(system, name)]
    done = await system.command("shared.replay", "--to", name, "--rate", "20000")
    assert done.returncode == 0, done.stderr
    ids = first + [str(message.message_id) for message in await _drain(system, name)]
    assert list(dict.fromkeys(ids)) == [f"e{n}" for n in range(number)]
    assert len(ids) - number <= REPLAY_BATCH


@contextlib.asynccontextmanager
async def _slow(url: str, after: int, seconds: float) -> AsyncIterator[str]:
    """An address of RabbitMQ by which answers rest once, for `seconds`, when `after` bytes have
    come.
    """
    there = urlsplit(url)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        source, sink = await asyncio.open_connection(there.hostname, there.port)

        async def copy(
            one: asyncio.StreamReader, other: asyncio.StreamWriter, rest_at: int
        ) -> None:
            copied = 0
            while data := await one.read(4096):
                other.write(data)
                await other.drain()
                if copied < rest_at <= (copied := copied + len(data)):
                    await asyncio.sleep(seconds)
            other.close()

        with contextlib.suppress(OSError):
            await asyncio.gather(copy(reader, sink, 0), copy(source, writer, after))

    async with await asyncio.start_server(serve, ports.HOST, 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield url.replace(f":{there.port}", f":{port}")


async def _big_chunk(system: System) -> int:
    """Fill the stream so that its last chunk has more than 60 messages of 3 kB; answers how many
    there are in all.
    """
    number = 0
    async with await aio_pika.connect(system.broker.url) as connection:
        while True:
            channel = await connection.channel(publisher_confirms=False)
            async with channel.transaction():
                for _ in range(200):
                    body = secrets.token_bytes(3000)
                    await channel.default_exchange.publish(
                        aio_pika.Message(body), "luotdoc.events.log"
                    )
            number += 200
            async with the_history.history(connection, "last", 1) as log:
                if number - the_history.offset_of(await log.next(30)) > 60:
                    return number


@pytest.mark.parametrize("window", [7, 1000])
async def test_the_end_is_found_however_long_rabbitmq_pauses(
    system: System, monkeypatch: pytest.MonkeyPatch, window: int
) -> None:
    monkeypatch.setattr(the_history, "WINDOW", window)
    number = await _big_chunk(system)
    async with (
        _slow(system.broker.url, 100_000, 2.5) as url,
        await aio_pika.connect(url) as connection,
    ):
        assert await the_history.last_offset(connection) == number - 1


async def test_the_end_is_found_behind_many_events_and_among_live_ones(system: System) -> None:
    await fill_history(system, 5000)
    async with await aio_pika.connect(system.broker.url) as connection:
        assert await the_history.last_offset(connection) == 4999
        live = asyncio.create_task(fill_history(system, 5000))
        seen = []
        while not live.done():
            seen.append(await the_history.last_offset(connection))
        assert seen == sorted(seen)
        assert all(4999 <= each <= 9999 for each in seen)
        assert await the_history.last_offset(connection) == 9999


@pytest.mark.parametrize(("hours", "wanted"), [(0, 60), (10**5, 0)])
async def test_a_late_first_event_is_not_taken_for_none(
    system: System,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    hours: int,
    wanted: int,
) -> None:
    monkeypatch.setattr(the_history, "NOTHING_SECONDS", 0.0)  # any first event is later
    monkeypatch.setattr(replay, "last_offset", AsyncMock(return_value=59))
    await fill_history(system, 60)
    name = await _queue(system)
    chosen = Selection(since=BEGINNING + timedelta(hours=hours))
    await replay.replay(system.broker.url, name, chosen, 5000, restart=False)
    assert f"{wanted} events sent into {name}" in capsys.readouterr().out
    assert len(await _drain(system, name)) == wanted
