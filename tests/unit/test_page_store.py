"""The page store in memory does what the real one does."""

from datetime import datetime

import pytest

from services.render.store import PageStore
from tests.support.page_store import PagesInMemory, PageStoreContract


class TestPagesInMemory(PageStoreContract):
    @pytest.fixture
    def store(self) -> PagesInMemory:
        return PagesInMemory()

    async def count(self, store: PageStore, reads: dict[str, int]) -> None:
        assert isinstance(store, PagesInMemory)
        store.counts = reads

    async def add_picture(self, store: PageStore, name: str, kind: str, content: bytes) -> None:
        assert isinstance(store, PagesInMemory)
        store.pictures[name] = (kind, content)

    async def show_online(self, store: PageStore, number: int, at: datetime) -> None:
        assert isinstance(store, PagesInMemory)
        store.readers_online = number, at
