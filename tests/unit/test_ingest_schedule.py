"""Scheduled articles: one that can't be published keeps no other back."""

from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from luotdoc_subscriber.base.errors import Transient
from services.ingest.articles.schedule import Schedule
from services.ingest.store import ArticleStore
from shared.base.errors import NewerVersion

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Store:
    """Three articles are due; changing one may fail."""

    def __init__(self, **failing: Exception) -> None:
        self._failing = failing
        self.published: list[str] = []

    async def due(self, now: datetime) -> list[str]:
        assert now == NOON
        return ["a1", "a2", "a3"]

    async def change(self, article_id: str, _decide: Callable[[Any], Any], _id: str) -> Any:
        if error := self._failing.get(article_id):
            raise error
        self.published.append(article_id)
        return SimpleNamespace(changed=True)


def schedule(store: Store, woken: list[None]) -> Schedule:
    return Schedule(
        store=cast(ArticleStore, store),
        clock=lambda: NOON,
        base_url="http://s",
        changed=lambda: woken.append(None),
    )


async def test_every_due_article_is_published_and_wakes_the_relay() -> None:
    store, woken = Store(), list[None]()
    await schedule(store, woken).look()
    assert (store.published, len(woken)) == (["a1", "a2", "a3"], 3)


@pytest.mark.parametrize("error", [NewerVersion("articles/a1 has version 2"), KeyError("slug")])
async def test_one_that_fails_keeps_no_other_back_and_is_told(error: Exception) -> None:
    store, woken = Store(a1=error), list[None]()
    with pytest.raises(type(error)) as raised:
        await schedule(store, woken).look()
    assert raised.value is error
    assert (store.published, len(woken)) == (["a2", "a3"], 2)


async def test_without_mongodb_the_look_ends_at_once() -> None:
    store = Store(a1=Transient("MongoDB: h:1: refused"))
    with pytest.raises(Transient):
        await schedule(store, []).look()
    assert store.published == []
