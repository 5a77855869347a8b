"""The counter's slots on a real MongoDB pass the contract of those in memory."""

import pytest

from luotdoc_subscriber.base.clock import now
from services.counter.store import CounterStore
from shared.storage.types import MongoDatabase
from tests.integration.conftest import Emptied
from tests.support.counter_store import SlotsContract


class TestSlots(SlotsContract):
    db: MongoDatabase

    @pytest.fixture
    def store(self, emptied: Emptied) -> CounterStore:
        self.db = emptied.db
        return CounterStore(emptied.client, emptied.db, now)

    async def later(self, store: CounterStore, seconds: float) -> None:
        """The leases end earlier, because the server's clock decides."""
        ends = {"$dateSubtract": {"startDate": "$until", "unit": "second", "amount": seconds}}
        await self.db.slots.update_many({}, [{"$set": {"until": ends}}])
