"""The store for machines' files in memory passes the contract of the real one."""

import pytest

from services.render.machine.store import MachineStore
from tests.support.machine_store import MachineStoreContract, MachineStoreInMemory
from tests.support.page_store import PagesInMemory


class TestMachineStoreInMemory(MachineStoreContract):
    @pytest.fixture
    def store(self) -> PagesInMemory:
        return PagesInMemory()

    @pytest.fixture
    def machine(self, store: PagesInMemory) -> MachineStore:
        return MachineStoreInMemory(store)
