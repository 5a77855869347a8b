"""The article store in memory does what the real one does."""

import pytest

from tests.support.article_store import ArticlesInMemory, ArticleStoreContract


class TestArticlesInMemory(ArticleStoreContract):
    @pytest.fixture
    def store(self) -> ArticlesInMemory:
        return ArticlesInMemory()
