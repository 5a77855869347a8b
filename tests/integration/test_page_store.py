"""render's store on a real MongoDB passes the contract of the one in memory."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from services.render.store import PageStore
from services.stats.readers.store import ReaderStore
from shared.storage import counts
from shared.storage.types import MongoDatabase
from tests.integration.conftest import Emptied
from tests.support.page_store import PageStoreContract


class TestPageStore(PageStoreContract):
    db: MongoDatabase

    @pytest.fixture
    def store(self, emptied: Emptied) -> PageStore:
        self.db = emptied.db
        return PageStore(emptied.db)

    async def count(self, store: PageStore, reads: dict[str, int]) -> None:
        for article, number in reads.items():
            upsert = counts.count(article, 0, number)
            await self.db.counts.update_one({"_id": upsert.id}, upsert.update, upsert=True)

    async def show_online(self, store: PageStore, number: int, at: datetime) -> None:
        await ReaderStore(self.db, ZoneInfo("UTC")).show_online(number, at)

    async def add_picture(self, store: PageStore, name: str, kind: str, content: bytes) -> None:
        await self.db.media.insert_one({"_id": name, "type": kind, "data": content})
