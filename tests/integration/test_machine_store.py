"""The store for machines' files on a real MongoDB passes the contract of the one in memory."""

import pytest

from services.render.machine.store import MachineStore
from services.render.store import PageStore
from tests.integration.conftest import Emptied
from tests.support.machine_store import MachineStoreContract


class TestMachineStore(MachineStoreContract):
    @pytest.fixture
    def store(self, emptied: Emptied) -> PageStore:
        return PageStore(emptied.db)

    @pytest.fixture
    def machine(self, emptied: Emptied) -> MachineStore:
        return MachineStore(emptied.db)
