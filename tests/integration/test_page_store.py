"""render's store on a real MongoDB passes the contract of the one in memory."""

from collections.abc import Mapping

import pytest
from pymongo.errors import DuplicateKeyError

from luotdoc_subscriber.base.clock import now
from luotdoc_subscriber.base.errors import Transient
from services.ingest.articles.media import Picture
from services.ingest.store import ArticleStore
from services.render.store import PageStore
from services.stats.portal.store import PortalStore
from shared.storage import counts
from shared.storage.types import Client, MongoDatabase
from shared.storage.versions import Document
from tests.integration.conftest import Emptied
from tests.support.page_store import PageStoreContract, page


class TestPageStore(PageStoreContract):
    client: Client
    db: MongoDatabase

    @pytest.fixture
    def store(self, emptied: Emptied) -> PageStore:
        self.client, self.db = emptied.client, emptied.db
        return PageStore(emptied.db)

    async def count(self, store: PageStore, reads: dict[str, int]) -> None:
        for article, number in reads.items():
            upsert = counts.count(article, 0, number)
            await self.db.counts.update_one({"_id": upsert.id}, upsert.update, upsert=True)

    async def show(self, store: PageStore, documents: Mapping[str, Document]) -> None:
        await PortalStore(self.db).show(documents, now())

    async def add_picture(self, store: PageStore, name: str, kind: str, content: bytes) -> None:
        await self.db.media.insert_one({"_id": name, "type": kind, "data": content})

    async def upload_picture(self, store: PageStore, picture: Picture) -> None:
        store_of_ingest = ArticleStore(self.client, self.db, now, "https://tin.vn/schemas")
        await store_of_ingest.put_media(picture, "x.png")


async def test_a_page_that_lost_a_race_against_an_older_revision_is_stored_again(
    emptied: Emptied, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both were put where no page was: the newer one finds the key taken."""
    pages = PageStore(emptied.db)
    assert await pages.put(page("a", revision=1)) == "stored"

    async def taken(_: object, writes: list[object]) -> list[DuplicateKeyError]:
        return [DuplicateKeyError("taken", 11000) for _ in writes]

    with monkeypatch.context() as patched:
        patched.setattr("services.render.store.each_written", taken)
        with pytest.raises(Transient):
            await pages.put(page("a", revision=2))
        assert await pages.put(page("a", revision=1)) == "repeated"
    assert await pages.put(page("a", revision=2)) == "stored"
