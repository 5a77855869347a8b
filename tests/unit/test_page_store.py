"""The page store in memory does what the real one does."""

from collections.abc import Mapping

import pytest

from services.ingest.articles.media import Picture
from services.render.store import PageStore
from shared.storage.versions import Document
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

    async def upload_picture(self, store: PageStore, picture: Picture) -> None:
        assert isinstance(store, PagesInMemory)
        size, width, height = len(picture.data), picture.width, picture.height
        store.pictures[picture.name] = (picture.type, picture.data)
        store.facts[picture.name] = {
            "type": picture.type, "size": size, "width": width, "height": height
        }  # fmt: skip

    async def show(self, store: PageStore, documents: Mapping[str, Document]) -> None:
        assert isinstance(store, PagesInMemory)
        store.show(documents)
