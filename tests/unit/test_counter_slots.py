"""The slots in memory are leased as the real ones are."""

import pytest

from services.counter.store import CounterStore
from tests.support.counter_store import SlotsContract, SlotsInMemory


class TestSlotsInMemory(SlotsContract):
    @pytest.fixture
    def store(self) -> SlotsInMemory:
        return SlotsInMemory()

    async def later(self, store: CounterStore, seconds: float) -> None:
        assert isinstance(store, SlotsInMemory)
        store.seconds += seconds
