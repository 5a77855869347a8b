"""Fills each queue with hostile messages, and looks whether everything goes on."""

import asyncio
import struct
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

import aio_pika
import orjson

from luotdoc_subscriber.rabbit.layout import RETRY_DELAYS
from shared.rabbit.batch import QUARTER_MS
from tests.support.frames import RawPublisher, Refused, long, properties, short
from tests.support.hostile_messages import Hostile, Maker
from tests.support.system import ROOT, System, until
from tests.support.wire import publish, sample

WORKS = {"counter.reads": "counter", "render.articles": "render", "stats.articles": "stats"}
LOG, NEWCOMER = "luotdoc.events.log", "newcomer.articles"
CHUNK = 200
"""Hostile messages before each good one."""
FEW = 16
"""Among so many, those that RabbitMQ refuses are found soonest one by one; a stream refuses one in
eight.
"""
GOOD_SECONDS = 2.0
SIDE_BY_SIDE = 8
"""Connections that fill the stream at once: each waits for a new one where a message is refused."""


@dataclass
class Queue:
    """What came of one queue."""

    taken: int = 0
    refused: int = 0
    slowest: float = 0.0
    """Seconds until the good message behind a chunk was handled, at most."""
    parked: int = 0


@dataclass
class Result:
    """What came of a run; without complaints it was right."""

    queues: dict[str, Queue] = field(default_factory=dict)
    reasons: Counter[str] = field(default_factory=Counter)
    complaints: list[str] = field(default_factory=list)


class Sender:
    """Publishes straight into a queue; what RabbitMQ refuses costs a connection."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._publisher = RawPublisher(url)

    def close(self) -> None:
        """End the connection."""
        self._publisher.close()

    def send(self, queue: str, messages: list[Hostile], told: Queue) -> None:
        """Publish `messages`, confirmed. Where one is refused, they go one by one."""
        try:
            for each in messages:
                self._publisher.send("", queue.encode(), each.raw, each.body)
            self._publisher.wait()
            told.taken += len(messages)
        except Refused:
            self._publisher.close()
            self._publisher = RawPublisher(self._url)
            if len(messages) == 1:
                told.refused += 1
                return
            size = len(messages) // 2 if len(messages) > FEW else 1
            for first in range(0, len(messages), size):
                self.send(queue, messages[first : first + size], told)


def good_batch(number: int) -> Hostile:
    """A batch with one read."""
    now = int(time.time() * 1000)
    headers = b"".join(
        [
            short(b"batch_id") + b"S" + long(f"good-{number:012d}".encode()),
            short(b"minted_at") + b"l" + struct.pack(">q", now),
            short(b"reads") + b"b\1",
        ]
    )
    group = ["reader", "good", now // QUARTER_MS, 1, 0, 0]
    return Hostile(properties(headers), orjson.dumps({"v": 2, "groups": [group]}))


class Run:
    """One run: `messages` into each queue, made from `seed`. A good message behind a chunk must be
    handled within `good_seconds`.
    """

    def __init__(
        self,
        system: System,
        messages: int,
        seed: int,
        say: Callable[[str], None],
        good_seconds: float = GOOD_SECONDS,
    ) -> None:
        self._system, self._messages, self._say = system, messages, say
        self._good_seconds = good_seconds
        self._maker = Maker(seed)
        self._sender = Sender(system.broker.url)
        self._good = 0
        self.result = Result()

    async def go(self, works: Iterable[str] = WORKS) -> Result:
        """Start the services and do it; `works` are the work queues that are filled before the
        stream.
        """
        started = [
            await self._system.start(service, wait=False, flush_interval="0.1")
            for service in WORKS.values()
        ]
        for process in started:
            await self._system.ready(process, 120)
        for queue in works:
            await self._fill(queue)
        await self._command()
        await self._replay()
        for process in started:
            if process.popen.poll() is not None:
                self.result.complaints.append(f"{process.name} has ended")
            answer = await self._system.http.get(f"{process.url}/readyz")
            if answer.status_code != 200:
                self.result.complaints.append(f"{process.name}: {answer.text}")
        await self._books()
        return self.result

    async def _fill(self, queue: str) -> None:
        told = self.result.queues[queue] = Queue()
        for first in range(0, self._messages, CHUNK):
            made = [self._maker.next() for _ in range(min(CHUNK, self._messages - first))]
            aside = (
                len(made) // 10
            )  # one in ten lies in the parked queue, or comes back from a retry queue
            places = [(queue, made[2 * aside :]), (f"{queue}.parked", made[:aside])]
            places.append(
                (queue if queue == "counter.reads" else f"{queue}.retry.1", made[aside : 2 * aside])
            )
            for place, messages in places:
                await asyncio.to_thread(self._sender.send, place, messages, told)
            told.slowest = max(told.slowest, await self._good_one(queue))
            if first % (CHUNK * 25) == 0:
                self._say(
                    f"{queue}: {first + len(made):,} sent, good ones within {told.slowest:.2f} s"
                )
        if told.slowest > self._good_seconds:
            self.result.complaints.append(f"{queue}: a good message took {told.slowest:.2f} s")
        await until(lambda: self._drained(queue), 120, f"{queue} is empty")
        told.parked = await self._system.queue_depth(f"{queue}.parked")

    async def _good_one(self, queue: str) -> float:
        self._good += 1
        began = time.monotonic()
        if queue == "counter.reads":
            batch = good_batch(self._good)
            await asyncio.to_thread(self._sender.send, queue, [batch], Queue())
            ledger, name = self._system.db.ledger, f"good-{self._good:012d}"
        else:
            name = f"g{self._good}"
            await publish(self._system, [sample("article.published", name, 1)], queue=queue)
            ledger = (
                self._system.db.pages if queue.startswith("render") else self._system.db.catalogue
            )

        async def handled() -> bool:
            return await ledger.find_one({"_id": name}) is not None

        await until(handled, 120, f"the good message {name} in {queue} is handled")
        return time.monotonic() - began

    async def _drained(self, queue: str) -> bool:
        retries = [f"{queue}.retry.{delay:g}" for delay in RETRY_DELAYS if queue != "counter.reads"]
        for name in (queue, *retries):
            if await self._system.queue_depth(name):
                return False
        # Those in hand, too; rabbitmqctl is costly, and asked when nothing waits any more.
        depths = await self._system.queues()
        return not any(depths[name] for name in (queue, *retries))

    async def _command(self) -> None:
        for queue, told in self.result.queues.items():
            listed, seconds = await self._operator("list", queue)
            rows = listed.stdout.splitlines()[1:]
            self.result.reasons.update(f"{queue} {row.split()[2]}" for row in rows)
            if listed.returncode or len(rows) != told.parked:
                self.result.complaints.append(
                    f"{queue}: {len(rows)} listed of {told.parked}: {listed.stderr[-500:]}"
                )
            # What was listed goes back to its place when the connection has closed, a moment later.
            await until(
                partial(self._has, f"{queue}.parked", told.parked),
                60,
                f"{queue}.parked has all of them again",
            )
            discarded, more = await self._operator("discard", queue, "--all")
            if discarded.returncode:
                self.result.complaints.append(f"{queue}: {discarded.stderr[-500:]}")
            await until(
                partial(self._has, f"{queue}.parked", 0), 15, f"all of {queue}.parked are discarded"
            )
            self._say(
                f"{queue}: {len(rows):,} listed in {seconds:.0f} s, discarded in {more:.0f} s"
            )

    async def _has(self, queue: str, number: int) -> bool:
        return await self._system.queue_depth(queue) == number

    async def _operator(self, *arguments: str) -> tuple[subprocess.CompletedProcess[str], float]:
        began = time.monotonic()
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "shared.parked", *arguments],
            cwd=ROOT,
            env=self._system.environment_of(),
            capture_output=True,
            text=True,
            timeout=1800,
        )
        return done, time.monotonic() - began

    async def _replay(self) -> None:
        told = await self._fill_stream()
        await publish(self._system, [sample("article.published", "last", 1)], queue=LOG)
        async with await aio_pika.connect(self._system.broker.url) as connection:
            channel = await connection.channel()
            queue = await channel.declare_queue(
                NEWCOMER, durable=True, arguments={"x-queue-type": "quorum"}
            )
            began = time.monotonic()
            replayed = await asyncio.to_thread(
                subprocess.run,
                [sys.executable, "-m", "shared.replay", "--to", NEWCOMER, "--rate", "5000"],
                cwd=ROOT,
                env=self._system.environment_of(),
                capture_output=True,
                text=True,
                timeout=1800,
            )
            told.slowest = time.monotonic() - began
            found = await self._took(queue)
            if replayed.returncode or not found:
                self.result.complaints.append(
                    f"the replay: {replayed.stdout[-300:]} {replayed.stderr[-500:]}"
                )
            await channel.queue_delete(NEWCOMER)
        self._say(
            f"{LOG}: replayed in {told.slowest:.1f} s: {replayed.stderr.strip().splitlines()[-1:]}"
        )

    async def _fill_stream(self) -> Queue:
        counted = [Queue() for _ in range(SIDE_BY_SIDE)]
        senders = [Sender(self._system.broker.url) for _ in counted]
        step = FEW * SIDE_BY_SIDE
        try:
            for first in range(0, self._messages, step):
                made = [self._maker.next() for _ in range(min(step, self._messages - first))]
                parts = (made[start : start + FEW] for start in range(0, len(made), FEW))
                sending = zip(
                    senders, parts, counted, strict=False
                )  # the last step may have fewer parts
                await asyncio.gather(
                    *(asyncio.to_thread(one.send, LOG, part, told) for one, part, told in sending)
                )
                if first % (step * 40) == 0:
                    self._say(f"{LOG}: {first + len(made):,} sent")
        finally:
            for sender in senders:
                sender.close()
        self.result.queues[LOG] = Queue(
            sum(each.taken for each in counted), sum(each.refused for each in counted)
        )
        return self.result.queues[LOG]

    async def _took(self, queue: aio_pika.abc.AbstractQueue) -> bool:
        """Take all messages from a queue; whether the newest is that which was sent last."""
        waiting, newest, taken = await self._system.queue_depth(NEWCOMER), b"", 0
        async with queue.iterator(no_ack=True, timeout=120) as messages:
            async for message in messages:
                newest, taken = message.body, taken + 1
                if taken == waiting:
                    break
        return b'"last"' in newest

    async def _books(self) -> None:
        stats = self._system.url("stats")
        books = (await self._system.http.get(f"{stats}/stats/reconciliation")).json()
        if books["balance"]:
            self.result.complaints.append(f"the books: {books}")
        self.result.complaints += [
            f"a bug: {name} {n}" for name, n in self.result.reasons.items() if "bug" in name
        ]

    def close(self) -> None:
        """End the connection."""
        self._sender.close()
