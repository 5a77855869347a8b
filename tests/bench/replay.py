"""Whether a newcomer's replay delays live news: publish-to-served with and without one, in the same
run.
"""

import asyncio
import signal
import sys
import time
from datetime import UTC, datetime

import aio_pika
from aio_pika.abc import AbstractIncomingMessage, DeliveryMode

from luotdoc_events import events
from luotdoc_subscriber.commands.arguments import RATE
from luotdoc_subscriber.rabbit import layout
from tests.bench.figures import Figure, at, number
from tests.bench.machine import pinned
from tests.bench.rig import Rig
from tests.support.system import ROOT, until

NAME = "replay"
EVENTS, QUICK_EVENTS = 100_000, 15_000
EDITS_PER_SECOND = 5.0
WARM_SECONDS = 10.0
ON_SECONDS, OFF_SECONDS = 8.0, 6.0
"""The replay runs and is held up by turns, so that whatever else the machine does meets both alike.
"""
SETTLE_SECONDS = 1.0
"""After each turn, which is not measured."""
QUEUE, OLD = "newcomer.articles", "old-"
_BODY = "<p>" + "Nội dung của bài viết. " * 60 + "</p>"
_LOOK_SECONDS = 0.002
_IN_FLIGHT = 200


async def measure(rig: Rig) -> list[Figure]:
    """p99 of live publish-to-served while a newcomer replays, over that without; and whether the
    newcomer got all.
    """
    await rig.reset()
    await rig.system.db.articles.delete_many({})
    total = QUICK_EVENTS if rig.quick else EVENTS
    started = await rig.start("ingest", "render")
    await _fill(rig.system.broker.url, total)
    await _live(rig, WARM_SECONDS)
    got: set[str] = set()
    async with await aio_pika.connect(rig.system.broker.url) as connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=200)
        queue = await channel.declare_queue(
            QUEUE, durable=True, arguments={"x-queue-type": "quorum"}
        )
        await queue.bind(layout.EVENTS_EXCHANGE.name, "article.*")

        async def take(message: AbstractIncomingMessage) -> None:
            name = message.message_id or ""
            if events.REPLAY_HEADER in message.headers and name.startswith(
                OLD
            ):  # live ones are history by then, too
                got.add(name)
            await message.ack()

        tag = await queue.consume(take)
        during, without, took = await _with_replay(rig)
        await until(lambda: len(got) == total, 30, "the newcomer has everything")
        await queue.cancel(tag)
        await channel.queue_delete(QUEUE)
    await rig.stop(*started)
    told = (
        f"{number(at(during, 0.99) * 1000)} ms with a replay of {total:,} events, "
        f"{number(at(without, 0.99) * 1000)} "
        f"without; medians {number(at(during, 0.5) * 1000)}, {number(at(without, 0.5) * 1000)}; "
        f"{len(during)} and {len(without)} edits, {EDITS_PER_SECOND:g} a second"
    )
    return [
        Figure(
            NAME,
            "live publish-to-served, p99: ratio",
            at(during, 0.99) / at(without, 0.99),
            "×",
            1.5,
            note=told,
        ),
        Figure(
            NAME,
            "events replayed",
            total / took,
            "/s",
            note=f"{number(took)} s; at most {RATE:g}/s by default",
        ),
    ]


async def _with_replay(rig: Rig) -> tuple[list[float], list[float], float]:
    """Live traffic while a replay runs with its default rate, and while it is held up; and how long
    it ran.
    """
    with pinned(rig.cores.load):
        pipe = asyncio.subprocess.PIPE
        command = [sys.executable, "-m", "shared.replay", "--to", QUEUE]
        environment = rig.system.environment_of()
        replay = await asyncio.create_subprocess_exec(
            *command, cwd=ROOT, env=environment, stderr=pipe, stdout=pipe
        )
    during, without, took = list[float](), list[float](), 0.0
    ending = asyncio.create_task(replay.communicate())
    try:
        while not ending.done():
            await asyncio.sleep(SETTLE_SECONDS)
            turn = await _live(rig, ON_SECONDS)
            took += SETTLE_SECONDS + ON_SECONDS
            if ending.done():
                break  # it did not run for all of this turn
            during += turn
            replay.send_signal(signal.SIGSTOP)
            await asyncio.sleep(SETTLE_SECONDS)
            without += await _live(rig, OFF_SECONDS)
            replay.send_signal(signal.SIGCONT)
        _, errors = await ending
    finally:
        if replay.returncode is None:
            replay.kill()
            await replay.wait()
    if replay.returncode:
        raise RuntimeError(f"the replay ended with {replay.returncode}: {errors.decode()[-2000:]}")
    return sorted(during), sorted(without), took


async def _live(rig: Rig, seconds: float) -> list[float]:
    """Edit articles at a constant rate; seconds from the PUT to the first look that shows the new
    title, sorted.
    """
    begin = time.monotonic()
    edits = [
        asyncio.create_task(_edit(rig, n % 40, begin + n / EDITS_PER_SECOND))
        for n in range(int(seconds * EDITS_PER_SECOND))
    ]
    return sorted(await asyncio.gather(*edits))


async def _edit(rig: Rig, article: int, at_time: float) -> float:
    await asyncio.sleep(max(0.0, at_time - time.monotonic()))
    name, title, http = f"live{article}", f"Tin {time.monotonic_ns()}", rig.system.http
    began = time.monotonic()
    answer = await rig.system.put(name, title=title, body_html=_BODY, slug="tin")
    answer.raise_for_status()
    page = f"{rig.system.url('render')}/thoi-su/tin-{name}.html"
    while title not in (await http.get(page)).text:  # noqa: ASYNC110  (as a reader would see it)
        await asyncio.sleep(_LOOK_SECONDS)
    return time.monotonic() - began


async def _fill(amqp_url: str, total: int) -> None:
    """History, put into the stream alone."""
    moment = datetime(2026, 11, 1, tzinfo=UTC)
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)

        async def put(n: int) -> None:
            data = events.ArticlePublished(
                id=f"old{n}", revision=1, url=f"https://e.vn/{n}", slug="a", section="thoi-su",
                         title=f"Bài {n}",
                body_html=_BODY, published_at=moment, modified_at=moment,
            )  # fmt: skip
            event = events.envelope(
                data,
                id=f"{OLD}{n}",
                source="/bench",
                time=moment,
                subject=data.id,
                revision=1,
                schemas="https://e.vn/schemas",
            )
            message = aio_pika.Message(
                events.encode(event),
                message_id=event.id,
                content_type=events.CONTENT_TYPE,
                delivery_mode=DeliveryMode.PERSISTENT,
            )
            await channel.default_exchange.publish(message, layout.EVENTS_LOG.name, mandatory=True)

        for first in range(0, total, _IN_FLIGHT):
            await asyncio.gather(*(put(n) for n in range(first, min(total, first + _IN_FLIGHT))))
