"""Batches on a real RabbitMQ, by the contract of the one in memory."""

import asyncio
from collections.abc import AsyncIterator

import aio_pika
import pytest

from luotdoc_subscriber.rabbit import broker as rabbit
from luotdoc_subscriber.rabbit.layout import READS_QUEUE
from services.ingest.reads.outlet import PublishBatch
from services.ingest.reads.publisher import make_publisher
from shared.base.settings import Settings
from shared.rabbit import topology
from shared.rabbit.batch import Batch
from shared.rabbit.batch_parsing import parse
from tests.support.batch_publisher import PublishContract
from tests.support.system import System


class TestPublisher(PublishContract):
    system: System

    @pytest.fixture
    async def publish(self, system: System) -> AsyncIterator[PublishBatch]:
        """As ingest's own user, with three seconds for each confirm."""
        self.system = system
        settings = Settings(amqp_url=system.broker.url_of("ingest"), mongo_url=system.database.url)
        broker = rabbit.make_broker(settings, "ingest")
        await rabbit.connect(broker, settings.amqp_url)
        yield make_publisher(broker, 3.0)
        await asyncio.to_thread(system.broker.resume)
        await broker.stop()

    async def arrived(self, publish: PublishBatch) -> list[Batch]:
        async with await aio_pika.connect(self.system.broker.url) as connection:
            queue = await (await connection.channel()).get_queue(READS_QUEUE)
            found = []
            while message := await queue.get(fail=False):
                await message.ack()
                assert message.delivery_mode == aio_pika.DeliveryMode.PERSISTENT
                assert message.message_id == message.headers["batch_id"]
                found.append(parse(message.headers, message.body))
        return found

    async def unbind(self, publish: PublishBatch) -> None:
        async with await aio_pika.connect(self.system.broker.url) as connection:
            channel = await connection.channel()
            for name in (READS_QUEUE, topology.READS_LOG.name):
                queue = await channel.get_queue(name)
                await queue.unbind(topology.READS_EXCHANGE.name, topology.READS_KEY)

    async def leave(self, publish: PublishBatch) -> None:
        await asyncio.to_thread(self.system.broker.pause)
