"""The counter that most people would write: FastStream as it comes, one message per read, one
`$inc` per message.

`python -m tests.bench.naive AMQP_URL MONGO_URL`. It counts a read twice whenever it dies between
write and ack.
"""

import asyncio
import sys

import uvloop
from faststream import FastStream
from faststream.rabbit import Channel, QueueType, RabbitBroker, RabbitQueue
from motor.motor_asyncio import AsyncIOMotorClient
from pydantic import BaseModel

QUEUE = RabbitQueue("bench.naive", queue_type=QueueType.QUORUM, durable=True)
PREFETCH = 100


class Read(BaseModel):
    """One read."""

    article: str


def build(amqp_url: str, mongo_url: str) -> FastStream:
    """The whole service."""
    broker = RabbitBroker(amqp_url)
    client: AsyncIOMotorClient[dict[str, object]] = AsyncIOMotorClient(mongo_url, w="majority")
    counts = client.get_default_database().naive

    @broker.subscriber(QUEUE, channel=Channel(prefetch_count=PREFETCH))
    async def count(read: Read) -> None:
        await counts.update_one({"_id": read.article}, {"$inc": {"reads": 1}}, upsert=True)

    return FastStream(broker)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # as `faststream run` has it
        runner.run(build(*sys.argv[1:3]).run())
