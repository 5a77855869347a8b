"""One confirmed publish at a time, the least that a durable read can cost.

`python -m tests.bench.publisher AMQP_URL SECONDS`.

Plain aio-pika on uvloop, persistent, mandatory, to the counter's quorum queue, with a batch of one
read such as ingest sends. Prints JSON: milliseconds at the median and at 99 %, and how many there
were.
"""

import asyncio
import json
import sys
import time

import aio_pika
import uvloop
from aio_pika.abc import DeliveryMode

from shared.rabbit import topology
from shared.rabbit.batch import DAY_MS, QUARTER_MS, READER, Batch, batch_id, join_hashes
from tests.bench.figures import at


async def publish(amqp_url: str, seconds: float) -> dict[str, float]:
    """Publish for `seconds`, each after the confirm of the one before."""
    took: list[float] = []
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        exchange = await channel.get_exchange(topology.READS_EXCHANGE.name)
        end = time.perf_counter() + seconds
        while (started := time.perf_counter()) < end:
            minted = time.time_ns() // 1_000_000
            read = READER, "a00001", minted // QUARTER_MS, 1, minted // DAY_MS, 1
            batch = Batch(
                batch_id("published", len(took)), minted, [read], join_hashes(["0123456789abcdef"])
            )
            message = aio_pika.Message(
                batch.body(),
                headers=batch.headers(),
                content_type="application/json",
                delivery_mode=DeliveryMode.PERSISTENT,
                message_id=batch.batch_id,
                correlation_id=batch.batch_id,
            )
            await exchange.publish(message, routing_key=topology.READS_KEY, mandatory=True)
            took.append((time.perf_counter() - started) * 1000)
    took.sort()
    return {"median_ms": at(took, 0.5), "p99_ms": at(took, 0.99), "number": len(took)}


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(publish(sys.argv[1], float(sys.argv[2])))))
