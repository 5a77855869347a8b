"""Which articles are public: what is asked of MongoDB, how long, and what a reader is told
meanwhile.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, MutableMapping
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest

from luotdoc_subscriber.base.errors import Transient
from luotdoc_subscriber.base.metrics import new_registry
from services.ingest.metrics import IngestMetrics
from services.ingest.reads import known as module
from services.ingest.reads.batcher import Batcher
from services.ingest.reads.beacon import Beacon
from services.ingest.reads.known import KnownArticles
from shared.base.errors import Unavailable
from shared.storage import changes
from shared.web.asgi import Scope
from shared.web.fastpath import FastRequest
from tests.support.article_store import ArticlesInMemory, putting, stored, withdrawing
from tests.support.beacon import make_beacon
from tests.support.jumping import play


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def make(*public: str) -> tuple[KnownArticles, ArticlesInMemory, Clock]:
    store, clock = ArticlesInMemory(), Clock()
    store.articles = {name: stored(name) for name in public}
    return KnownArticles(store, clock, IngestMetrics(new_registry())), store, clock


def looks(store: ArticlesInMemory) -> list[object]:
    """The articles that MongoDB was asked for."""
    return store.queries("is_published")


# ── articles that are not in memory ──


async def test_an_absent_article_is_asked_for_once_a_second() -> None:
    known, store, clock = make()
    for moment in (100.0, 100.9, 101.0, 101.9, 102.1):
        clock.now = moment
        assert not await known.look_up("a1")
    assert looks(store) == ["a1"] * 3
    assert not await known.look_up("a2")
    assert looks(store)[3:] == ["a2"]


async def test_a_public_article_is_known_until_it_is_public_no_more() -> None:
    known, store, _ = make("a")
    assert await known.look_up("a")
    assert "a" not in known  # not before the set is loaded
    known.loaded = True
    assert "a" in known
    known.note("a", False)
    assert "a" not in known
    assert looks(store) == ["a"]


async def test_an_article_that_becomes_public_is_no_longer_absent() -> None:
    known, store, _ = make()
    assert not await known.look_up("a")
    known.note("a", True)
    assert await known.look_up("a")
    assert looks(store) == ["a"]


async def test_10_000_absent_ids_are_remembered_and_the_oldest_is_forgotten() -> None:
    known, store, _ = make()
    for number in range(10_001):
        await known.look_up(f"a{number}")
    store.asked.clear()
    for number in (10_000, 1, 0):
        await known.look_up(f"a{number}")
    assert looks(store) == ["a0"]


async def test_after_a_failure_the_article_is_asked_for_again() -> None:
    known, store, _ = make("a")
    store.away = True
    with pytest.raises(Unavailable) as raised:
        await known.look_up("a")
    assert isinstance(raised.value.__cause__, Transient)
    store.away = False
    assert await known.look_up("a")


def test_eight_are_asked_for_at_once_and_500_wait_two_seconds_together() -> None:
    async def scene() -> None:
        known, store, _ = make()
        store.freeze()
        waiting = [asyncio.create_task(known.look_up(f"a{n}")) for n in range(500)]
        await asyncio.sleep(1.9)
        assert len(looks(store)) == 8
        with pytest.raises(Unavailable, match="too many"):
            await known.look_up("b")
        assert not any(each.done() for each in waiting)
        await asyncio.sleep(0.2)
        assert all(each.done() for each in waiting)
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        assert {str(answer) for answer in answers} == {
            "whether there is such an article is not known now, try again"
        }
        store.thaw()
        assert not await known.look_up("b")  # each has left its place

    play(scene)


async def test_those_that_wait_are_asked_for_once_there_is_an_answer() -> None:
    known, store, _ = make("a7", "a99")
    store.freeze()
    waiting = [asyncio.create_task(known.look_up(f"a{n}")) for n in range(100)]
    while len(looks(store)) < 8:  # noqa: ASYNC110  (no event tells)
        await asyncio.sleep(0)
    known.note("a99", True)  # the stream tells it meanwhile
    store.thaw()
    assert [n for n, public in enumerate(await asyncio.gather(*waiting)) if public] == [7, 99]
    assert "a99" not in looks(store)


@pytest.mark.parametrize("told_by", ["a note", "the set, loaded again"])
async def test_a_withdrawal_during_the_query_is_not_undone_by_its_answer(
    told_by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "REOPEN_SECONDS", 0)
    known, store, _ = make()
    original = store.is_published

    async def is_published(article: str) -> bool:
        public = await original(article)
        store.articles = {"a": withdrawing(stored("a")).article, "c": stored("c")}
        if told_by == "a note":
            known.note("a", False)
        else:
            store.changed.send(Transient("MongoDB: connection closed"))
            await until(lambda: "c" in known)
        return public

    monkeypatch.setattr(store, "is_published", is_published)
    async with running(known):
        store.articles["a"] = stored("a")
        assert await known.look_up("a")  # it was public when the database was asked
        assert "a" not in known
        assert not await known.look_up("a")


# ── the set ──


@asynccontextmanager
async def running(known: KnownArticles) -> AsyncIterator[None]:
    """Follow the stream, once the set is loaded."""
    task = asyncio.create_task(known.run())
    async with asyncio.timeout(5):
        while not known.loaded:  # noqa: ASYNC110  (no event tells)
            await asyncio.sleep(0)
    yield
    task.cancel()


async def until(what: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not what():  # noqa: ASYNC110  (no event tells)
            await asyncio.sleep(0)


async def test_the_set_is_loaded_and_follows_the_changes() -> None:
    registry = new_registry()
    store = ArticlesInMemory()
    store.articles = {"a": stored("a"), "b": stored("b", hours=1)}
    known = KnownArticles(store, Clock(), IngestMetrics(registry))

    def shown() -> float | None:
        return registry.get_sample_value("luotdoc_known_articles")

    assert (known.loaded, shown()) == (False, None)
    async with running(known):
        assert [name for name in "abc" if name in known] == ["a"]
        assert shown() == 1
        await store.change("c", putting("c"), "c1")
        await store.change("a", withdrawing, "c2")
        await until(lambda: "a" not in known)
        assert [name for name in "abc" if name in known] == ["c"]
    assert looks(store) == []


async def test_a_change_while_the_set_is_loaded_is_not_missed() -> None:
    known, store, _ = make("a", "b")

    def withdrawn_after_the_load(query: str, *_: object) -> None:
        if query == "published":
            asyncio.get_running_loop().call_soon(store.changed.send, ("b", False))

    store.fails = withdrawn_after_the_load
    async with running(known):
        await until(lambda: "b" not in known)
        assert "a" in known


async def test_after_a_lost_stream_the_set_is_loaded_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(changes, "REOPEN_SECONDS", 0)
    known, store, _ = make("a", "b")
    async with running(known):
        store.articles["b"] = withdrawing(stored("b")).article  # the stream does not tell it
        store.articles["c"] = stored("c")
        store.changed.send(Transient("MongoDB: connection closed"))
        await until(lambda: "c" in known)
        assert [name for name in "abc" if name in known] == ["a", "c"]


# ── what a reader is told ──


async def ask(beacon: Beacon, way: str) -> list[MutableMapping[str, Any]]:
    """The messages that answer a read of a1, sent by `way`: post or pixel."""
    scope: Scope = {"type": "http", "headers": [], "query_string": b"article=a1"}
    scope["method"] = "POST" if way == "post" else "GET"
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": b'{"article": "a1"}'}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    await getattr(beacon, way)(scope, receive, send)
    return sent


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("way", ["post", "pixel"])
async def test_who_cannot_be_told_is_answered_503(
    way: str, frozen: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOKUP_SECONDS", 0.02)
    known, store, _ = make("a1")
    known.loaded = True
    if frozen:
        store.freeze()
    else:
        store.away = True
    beacon = make_beacon(cast(Batcher, None), known)
    start, body = await ask(beacon, way)
    assert (start["status"], dict(start["headers"])[b"retry-after"]) == (503, b"1")
    assert (
        json.loads(body["body"])["detail"]
        == "whether there is such an article is not known now, try again"
    )


@pytest.mark.parametrize("way", ["post", "pixel"])
async def test_reads_before_the_articles_are_loaded_are_refused(way: str) -> None:
    known, store, _ = make()
    known.note("a1", public=True)  # an API request has published it meanwhile
    beacon = make_beacon(cast(Batcher, None), known)
    sent = await ask(beacon, way)
    assert sent[0]["status"] == 503
    assert (b"retry-after", b"1") in sent[0]["headers"]
    assert json.loads(sent[1]["body"])["detail"] == "starting, try again"
    request = SimpleNamespace(query=b"", body=b'{"article":"a1"}', peer="203.0.113.7", headers=[])
    assert not beacon.take(cast(FastRequest, request))  # it goes to `post`
    assert store.asked == []
