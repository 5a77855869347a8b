"""The page store in memory does what the real one does."""

import pytest

from tests.support.page_store import PagesInMemory, PageStoreContract


class TestPagesInMemory(PageStoreContract):
    @pytest.fixture
    def store(self) -> PagesInMemory:
        return PagesInMemory()
