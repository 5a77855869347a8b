"""render's store on a real MongoDB passes the contract of the one in memory."""

import secrets
from collections.abc import AsyncIterator

import pytest

from services.render.store import PageStore
from shared.storage import mongo
from shared.storage.collections import make_indexes
from shared.storage.types import MongoDatabase
from tests.support.page_store import PageStoreContract


class TestPageStore(PageStoreContract):
    @pytest.fixture
    async def store(self, mongo_url: str) -> AsyncIterator[PageStore]:
        client, _ = mongo.connect(mongo_url, "test")
        name = f"pages_{secrets.token_hex(6)}"
        db: MongoDatabase = client[name]
        await make_indexes(db)
        yield PageStore(db)
        await client.drop_database(name)
        client.close()
