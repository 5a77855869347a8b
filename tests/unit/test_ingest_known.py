"""Which articles are public: what is asked of MongoDB, how long, and what a reader is told
meanwhile.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
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
from services.ingest.store import ArticleStore
from shared.base.errors import Unavailable
from shared.web.asgi import Scope
from shared.web.fastpath import FastRequest
from tests.support.beacon import make_beacon


class Store:
    """Answers as it is told, and notes what it was asked."""

    def __init__(self, answer: Callable[[], Awaitable[bool]]) -> None:
        self.asked: list[str] = []
        self._answer = answer

    async def is_published(self, article_id: str) -> bool:
        self.asked.append(article_id)
        return await self._answer()


async def no() -> bool:
    return False


async def away() -> bool:
    raise Transient("MongoDB: connection closed")


async def frozen() -> bool:
    await asyncio.sleep(3600)
    return False


def make(answer: Callable[[], Awaitable[bool]]) -> tuple[KnownArticles, Store]:
    store = Store(answer)
    return KnownArticles(
        cast(ArticleStore, store), lambda: 100.0, IngestMetrics(new_registry())
    ), store


@pytest.fixture(autouse=True)
def _short_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOKUP_SECONDS", 0.05)


async def test_an_absent_article_is_asked_for_once_a_second() -> None:
    known, store = make(no)
    assert [await known.look_up("a1"), await known.look_up("a1"), await known.look_up("a2")] == [
        False
    ] * 3
    assert store.asked == ["a1", "a2"]


async def test_a_database_that_does_not_answer_keeps_nobody_waiting() -> None:
    known, _ = make(frozen)
    async with asyncio.timeout(1):  # far less than one after the other would take
        answers = await asyncio.gather(
            *(known.look_up(f"a{n}") for n in range(100)), return_exceptions=True
        )
    assert {type(answer) for answer in answers} == {Unavailable}
    with pytest.raises(Unavailable):
        await known.look_up("a1")  # nobody has kept a place


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


async def test_what_is_absent_is_asked_again_after_a_second() -> None:
    clock, store = Clock(), Store(no)
    known = KnownArticles(cast(ArticleStore, store), clock, IngestMetrics(new_registry()))
    for moment in (100.0, 100.9, 101.0, 101.9, 102.1):
        clock.now = moment
        assert not await known.look_up("a")
    assert len(store.asked) == 3


async def test_a_public_article_is_known_until_it_is_public_no_more() -> None:
    async def yes() -> bool:
        return True

    known, store = make(yes)
    assert await known.look_up("a")
    assert "a" not in known  # not before the set is loaded
    known.loaded = True
    assert "a" in known
    known.note("a", False)
    assert "a" not in known
    assert store.asked == ["a"]


async def test_an_article_that_becomes_public_is_no_longer_absent() -> None:
    known, store = make(no)
    assert not await known.look_up("a")
    known.note("a", True)
    assert await known.look_up("a")
    assert store.asked == ["a"]


async def test_10_000_absent_ids_are_remembered_and_the_oldest_is_forgotten() -> None:
    known, store = make(no)
    for number in range(10_001):
        await known.look_up(f"a{number}")
    store.asked.clear()
    for number in (10_000, 1, 0):
        await known.look_up(f"a{number}")
    assert store.asked == ["a0"]


async def test_eight_are_asked_for_at_once_and_500_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOKUP_SECONDS", 60.0)
    go = asyncio.Event()

    async def slow() -> bool:
        await go.wait()
        return False

    known, store = make(slow)
    looks = [asyncio.create_task(known.look_up(f"a{n}")) for n in range(500)]
    for _ in range(5):
        await asyncio.sleep(0)
    assert len(store.asked) == 8
    with pytest.raises(Unavailable, match="too many"):
        async with asyncio.timeout(5):
            await known.look_up("b")
    go.set()
    assert not any(await asyncio.gather(*looks))
    assert not await known.look_up("b")


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


@pytest.mark.parametrize("answer", [away, frozen])
@pytest.mark.parametrize("way", ["post", "pixel"])
async def test_who_cannot_be_told_is_answered_503(
    way: str, answer: Callable[[], Awaitable[bool]]
) -> None:
    known, _ = make(answer)
    known.loaded = True
    beacon = make_beacon(cast(Batcher, None), known)
    start, body = await ask(beacon, way)
    assert (start["status"], dict(start["headers"])[b"retry-after"]) == (503, b"1")
    assert (
        json.loads(body["body"])["detail"]
        == "whether there is such an article is not known now, try again"
    )


@pytest.mark.parametrize("way", ["post", "pixel"])
async def test_reads_before_the_articles_are_loaded_are_refused(way: str) -> None:
    known, store = make(no)
    known.note("a1", public=True)  # an API request has published it meanwhile
    beacon = make_beacon(cast(Batcher, None), known)
    sent = await ask(beacon, way)
    assert sent[0]["status"] == 503
    assert (b"retry-after", b"1") in sent[0]["headers"]
    assert json.loads(sent[1]["body"])["detail"] == "starting, try again"
    request = SimpleNamespace(body=b'{"article":"a1"}', peer="203.0.113.7", headers=[])
    assert not beacon.take(cast(FastRequest, request))  # it goes to `post`
    assert store.asked == []
