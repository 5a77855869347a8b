"""The way out in memory and ingest's own, without RabbitMQ, deliver alike."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from luotdoc_subscriber.base.metrics import new_registry
from services.ingest.metrics import IngestMetrics
from services.ingest.reads.outlet import Outlet
from services.ingest.reads.spool import Spool, SpoolFull
from shared.rabbit.batch import Batch
from tests.support.batch_publisher import AWAY, ConfirmsInMemory
from tests.support.delivering import DeliverContract, DeliverInMemory, Delivers

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class TestDeliverInMemory(DeliverContract):
    out: DeliverInMemory

    @pytest.fixture
    def deliver(self) -> DeliverInMemory:
        self.out = DeliverInMemory()
        return self.out

    def is_durable(self, batch: Batch) -> bool:
        return batch in self.out.durable

    def set_broken(self, broken: bool) -> None:
        self.out.broken = SpoolFull("the spool is full") if broken else None


class TestOutlet(DeliverContract):
    """Over a RabbitMQ in memory, with a spool that has no room."""

    broker: ConfirmsInMemory

    @pytest.fixture
    async def deliver(self, tmp_path: Path) -> AsyncIterator[Delivers]:
        self.broker = ConfirmsInMemory()
        outlet = Outlet(
            publish=self.broker,
            spool=Spool(tmp_path, 10, 10),
            clock=lambda: NOON,
            metrics=IngestMetrics(new_registry()),
        )
        await outlet.open()
        yield outlet.deliver
        await outlet.close()

    def is_durable(self, batch: Batch) -> bool:
        return batch in self.broker.queue

    def set_broken(self, broken: bool) -> None:
        self.broker.fails = lambda _number: AWAY if broken else None
