"""ingest's store on a real MongoDB passes the contract of the one in memory."""

import asyncio

import pytest

from services.ingest.articles.article import StoredArticle
from services.ingest.articles.changes import Decision
from services.ingest.store import ArticleStore
from tests.integration.conftest import Emptied
from tests.support.article_store import NOON, SITE, ArticleStoreContract, putting, stored


class TestArticleStore(ArticleStoreContract):
    @pytest.fixture
    def store(self, emptied: Emptied) -> ArticleStore:
        return ArticleStore(emptied.client, emptied.db, lambda: NOON, f"{SITE}/schemas")


def made(emptied: Emptied) -> ArticleStore:
    return ArticleStore(emptied.client, emptied.db, lambda: NOON, f"{SITE}/schemas")


async def committed(emptied: Emptied) -> int:
    """Transactions that MongoDB has committed."""
    status = await emptied.client.admin.command("serverStatus")
    return int(status["transactions"]["totalCommitted"])


async def test_changes_at_once_share_transactions(emptied: Emptied) -> None:
    store, before = made(emptied), await committed(emptied)
    names = [f"a{n}" for n in range(24)]
    decisions = await asyncio.gather(*(store.change(each, putting(each), "c") for each in names))
    assert [(each.article.id, each.article.revision) for each in decisions] == [
        (each, 1) for each in names
    ]
    assert await committed(emptied) - before == 2  # the first one alone, the others together
    assert {event.article for event in await store.outgoing(99)} == set(names)


async def test_two_processes_change_the_same_articles_at_once(emptied: Emptied) -> None:
    """Their groups conflict: every article gets the changes of both, one after the other."""
    stores, names = [made(emptied), made(emptied)], [f"a{n}" for n in range(20)]
    decisions = await asyncio.gather(
        *(
            store.change(each, putting(each, title=f"Tin {number}"), "c")
            for each in names
            for number, store in enumerate(stores)
        )
    )
    assert sorted(each.article.revision for each in decisions) == [1] * 20 + [2] * 20
    assert [(event.article, event.revision) for event in await stores[0].outgoing(99)] == [
        (each, revision) for each in sorted(names) for revision in (1, 2)
    ]


async def test_a_change_that_mongodb_refuses_fails_alone(emptied: Emptied) -> None:
    store = made(emptied)
    large = "x" * (17 << 20)

    def too_large(_current: StoredArticle | None) -> Decision:
        article = stored("large")
        body = article.content.model_copy(update={"body_html": large})
        return Decision(article.model_copy(update={"content": body}), changed=True)

    wanted = {each: putting(each) for each in ("a", "b", "c", "d", "e")}
    wanted = {"a": wanted["a"], "b": wanted["b"], "large": too_large, **wanted}
    heard = await asyncio.gather(
        *(store.change(each, decide, "c") for each, decide in wanted.items()),
        return_exceptions=True,
    )
    failed = [name for name, each in zip(wanted, heard, strict=True) if isinstance(each, Exception)]
    assert failed == ["large"]
    assert await store.published() == {"a", "b", "c", "d", "e"}
    assert len(await store.outgoing(9)) == 5
