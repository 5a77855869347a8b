"""RabbitMQ in memory takes batches as the real one does."""

import pytest

from services.ingest.reads.outlet import PublishBatch
from shared.rabbit.batch import Batch
from tests.support.batch_publisher import AWAY, UNROUTED, ConfirmsInMemory, PublishContract


class TestConfirmsInMemory(PublishContract):
    broker: ConfirmsInMemory

    @pytest.fixture
    def publish(self) -> ConfirmsInMemory:
        self.broker = ConfirmsInMemory()
        return self.broker

    async def arrived(self, publish: PublishBatch) -> list[Batch]:
        return self.broker.queue

    async def unbind(self, publish: PublishBatch) -> None:
        self.broker.fails = lambda _number: UNROUTED

    async def leave(self, publish: PublishBatch) -> None:
        self.broker.fails = lambda _number: AWAY
