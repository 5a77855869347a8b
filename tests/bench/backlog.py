"""Batches for the counter, as ingest would send them, put into its queue directly."""

import asyncio
import secrets
import time

import aio_pika
from aio_pika.abc import DeliveryMode

from shared.rabbit import topology
from shared.rabbit.batch import DAY_MS, QUARTER_MS, READER, Batch, Group, batch_id, join_hashes
from tests.bench.naive import QUEUE as NAIVE
from tests.bench.traffic import ARTICLES, article

READS = 250
"""Reads per batch."""
_IN_FLIGHT = 200


def _contents(reads: int, first: int = 0) -> list[list[Group]]:
    """Batches of `reads` that name each of `ARTICLES` articles once, in no order, from number
    `first` on; the next repeats the first.

    So no reads are equal, and grouping gains nothing: the counter's dearest case.
    """
    minted = time.time_ns() // 1_000_000
    quarter, day = minted // QUARTER_MS, minted // DAY_MS
    numbers = [first + n * 1_237 % ARTICLES for n in range(ARTICLES)]
    groups = [(READER, article(n), quarter, 1, day, 1) for n in numbers]
    return [groups[at : at + reads] for at in range(0, ARTICLES, reads)]


def make_bodies(reads: int = READS, first: int = 0) -> list[bytes]:
    """Bodies that `fill` sends in turn."""
    hashes = join_hashes(secrets.token_hex(8) for _ in range(reads))
    return [Batch("", 0, groups, hashes).body() for groups in _contents(reads, first)]


async def fill(
    amqp_url: str, batches: int, rate: float | None = None, reads: int = READS, first: int = 0
) -> None:
    """Send `batches` of `reads` of one new epoch, confirmed; at most `rate` batches a second. They
    name the articles from number `first` on.
    """
    contents, started = _contents(reads, first), time.monotonic()
    epoch, bodies = f"bench{secrets.token_hex(4)}", make_bodies(reads, first)
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        exchange = await channel.get_exchange(topology.READS_EXCHANGE.name)

        async def send(number: int) -> None:
            minted = time.time_ns() // 1_000_000
            batch = Batch(batch_id(epoch, number), minted, contents[number % len(contents)])
            message = aio_pika.Message(
                bodies[number % len(bodies)],
                headers=batch.headers(),
                delivery_mode=DeliveryMode.PERSISTENT,
            )
            await exchange.publish(message, routing_key=topology.READS_KEY, mandatory=True)

        step = _IN_FLIGHT if rate is None else max(1, int(rate / 50))
        for first in range(0, batches, step):
            await asyncio.gather(*(send(n) for n in range(first, min(batches, first + step))))
            if rate is not None:
                await asyncio.sleep(max(0.0, started + (first + step) / rate - time.monotonic()))


async def fill_naive(amqp_url: str, reads: int) -> None:
    """Send `reads` messages of one read each to the naive counter, confirmed."""
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel(publisher_confirms=True)

        async def send(number: int) -> None:
            body = f'{{"article":"{article(number * 1_237 % ARTICLES)}"}}'.encode()
            message = aio_pika.Message(
                body, content_type="application/json", delivery_mode=DeliveryMode.PERSISTENT
            )
            await channel.default_exchange.publish(message, routing_key=NAIVE.name)

        for first in range(0, reads, _IN_FLIGHT):
            await asyncio.gather(*(send(n) for n in range(first, min(reads, first + _IN_FLIGHT))))
