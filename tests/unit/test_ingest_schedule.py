"""Scheduled articles: one that can't be published keeps no other back."""

from datetime import timedelta

import pytest

from luotdoc_subscriber.base.errors import Transient
from services.ingest.articles.schedule import Schedule
from shared.base.errors import NewerVersion
from tests.support.article_store import NOON, SITE, ArticlesInMemory, stored


def due(**failing: Exception) -> ArticlesInMemory:
    """Three articles are due, a fourth an hour later; changing one may fail."""
    store = ArticlesInMemory()
    store.articles = {name: stored(name, hours=1) for name in ("a1", "a2", "a3")}
    store.articles["a4"] = stored("a4", hours=2)
    store.fails = lambda query, *of: failing.get(of[0]) if query == "change" else None
    return store


def published(store: ArticlesInMemory) -> list[str]:
    return [event.article for event in store.outbox if event.name == "article.published"]


def schedule(store: ArticlesInMemory, woken: list[None]) -> Schedule:
    return Schedule(
        store=store,
        clock=lambda: NOON + timedelta(hours=1),
        base_url=SITE,
        changed=lambda: woken.append(None),
    )


async def test_every_due_article_is_published_once_and_wakes_the_relay() -> None:
    store, woken = due(), list[None]()
    one = schedule(store, woken)
    await one.look()
    assert (published(store), len(woken)) == (["a1", "a2", "a3"], 3)
    assert {store.articles[name].state for name in ("a1", "a2", "a3")} == {"published"}
    assert store.articles["a4"].state == "scheduled"
    await one.look()
    assert (len(store.outbox), len(woken)) == (3, 3)


async def test_an_article_that_another_replica_has_published_wakes_nothing() -> None:
    store, woken = due(), list[None]()

    def other(query: str, *of: object) -> None:
        if (query, *of) == ("change", "a1"):
            store.articles["a1"] = stored("a1")

    store.fails = other
    await schedule(store, woken).look()
    assert (published(store), len(woken)) == (["a2", "a3"], 2)


@pytest.mark.parametrize("error", [NewerVersion("articles/a1 has version 2"), KeyError("slug")])
async def test_one_that_fails_keeps_no_other_back_and_is_told(error: Exception) -> None:
    store, woken = due(a1=error), list[None]()
    with pytest.raises(type(error)) as raised:
        await schedule(store, woken).look()
    assert raised.value is error
    assert (published(store), len(woken)) == (["a2", "a3"], 2)


async def test_of_two_that_fail_the_first_is_told() -> None:
    store = due(a1=KeyError("slug"), a2=ValueError("title"))
    with pytest.raises(KeyError):
        await schedule(store, []).look()
    assert published(store) == ["a3"]


async def test_without_mongodb_the_look_ends_at_once() -> None:
    store = due(a1=Transient("MongoDB: h:1: refused"))
    with pytest.raises(Transient):
        await schedule(store, []).look()
    assert published(store) == []
