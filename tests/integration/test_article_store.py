"""ingest's store on a real MongoDB passes the contract of the one in memory."""

import pytest

from services.ingest.store import ArticleStore
from tests.integration.conftest import Emptied
from tests.support.article_store import NOON, SITE, ArticleStoreContract


class TestArticleStore(ArticleStoreContract):
    @pytest.fixture
    def store(self, emptied: Emptied) -> ArticleStore:
        return ArticleStore(emptied.client, emptied.db, lambda: NOON, f"{SITE}/schemas")
