"""What is served from memory, and for how long, while MongoDB gives no answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from luotdoc_subscriber.base import metrics
from luotdoc_subscriber.base.errors import Transient
from services.render.metrics import RenderMetrics
from services.render.page import Page
from services.render.serving import database
from services.render.serving.cache import PageCache
from services.render.serving.database import NoAnswer, ReaderQueries
from services.render.serving.fragments import Fragments
from shared.storage import changes
from tests.support.page_store import PagesInMemory

LIMIT = 300.0
MEASURED = RenderMetrics(metrics.new_registry(), [])


class Shown:
    """What a cache tells the rest of the process."""

    def __init__(self, registry: metrics.Registry) -> None:
        self._registry = registry
        self.changes = 0

    def change(self) -> None:
        self.changes += 1

    @property
    def stale_seconds(self) -> float | None:
        return self._registry.get_sample_value("luotdoc_pages_stale_seconds")


class Mongo(PagesInMemory):
    """Three pages in memory, and the cache's clock."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self._monkeypatch = monkeypatch
        self.time = 1000.0
        self.pages = {name: Page(name, 1, "published", "t") for name in "abc"}

    def seconds(self) -> float:
        return self.time

    def freeze(self, wait: float = 0.02) -> None:
        """Give no answer; a reader waits for one for some seconds."""
        super().freeze()
        self._monkeypatch.setattr(database, "WAIT_SECONDS", wait)

    def thaw(self) -> None:
        super().thaw()
        self._monkeypatch.setattr(database, "WAIT_SECONDS", 5.0)

    @property
    def looks(self) -> int:
        """The number of queries for a page."""
        return len(self.queries("get"))


@pytest.fixture
async def mongo(monkeypatch: pytest.MonkeyPatch) -> Mongo:
    monkeypatch.setattr(database, "WAIT_SECONDS", 5.0)
    # However slow the machine is, the stream tells nothing by itself and is not opened again.
    monkeypatch.setattr(changes, "WAIT_MS", 3_600_000)
    monkeypatch.setattr(changes, "REOPEN_SECONDS", 3600)
    return Mongo(monkeypatch)


@pytest.fixture
def queries(mongo: Mongo) -> ReaderQueries:
    return ReaderQueries(mongo.seconds)


@asynccontextmanager
async def watching(cache: PageCache) -> AsyncIterator[None]:
    """Follow the change stream, once it is open."""
    task = asyncio.create_task(cache.watch())
    async with asyncio.timeout(5):
        while not cache.current:  # noqa: ASYNC110  (no event tells)
            await asyncio.sleep(0)
    yield
    task.cancel()


@pytest.fixture
async def cache(mongo: Mongo, queries: ReaderQueries) -> AsyncIterator[PageCache]:
    one = PageCache(
        store=mongo,
        queries=queries,
        capacity=10,
        changed=lambda: None,
        seconds=mongo.seconds,
        stale_seconds=LIMIT,
        metrics=MEASURED,
    )
    async with watching(one):
        yield one


async def lose(mongo: Mongo, cache: PageCache) -> None:
    mongo.changed.send(Transient("frozen"))
    async with asyncio.timeout(1):
        while cache.current:  # noqa: ASYNC110
            await asyncio.sleep(0)


async def test_a_page_in_memory_outlives_the_watch_while_mongodb_gives_no_answer(
    mongo: Mongo, cache: PageCache
) -> None:
    assert await cache.get("a") == (mongo.pages["a"], False)
    mongo.freeze()
    await lose(mongo, cache)
    assert await cache.get("a") == (mongo.pages["a"], True)
    assert cache.holds_stale
    with pytest.raises(NoAnswer):
        await cache.get("b")  # never asked for: not in memory


async def test_the_same_while_mongodb_is_dead(mongo: Mongo, cache: PageCache) -> None:
    await cache.get("a")
    mongo.away = True
    await lose(mongo, cache)
    assert await cache.get("a") == (mongo.pages["a"], True)
    with pytest.raises(Transient):
        await cache.get("b")


async def test_a_query_that_fails_leaves_no_error_behind(mongo: Mongo, cache: PageCache) -> None:
    faults: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, fault: faults.append(fault))
    mongo.away = True
    with pytest.raises(Transient):
        await cache.get("a")
    await asyncio.sleep(0)
    assert faults == []
    mongo.away = False
    assert await cache.get("a") == (mongo.pages["a"], False)


async def test_without_a_watch_an_answer_of_mongodb_comes_before_what_is_in_memory(
    mongo: Mongo, cache: PageCache
) -> None:
    await cache.get("a")
    await lose(mongo, cache)
    mongo.pages["a"] = Page("a", 2, "withdrawn", "t")
    assert await cache.get("a") == (mongo.pages["a"], False)
    mongo.freeze()
    with pytest.raises(NoAnswer):  # what was withdrawn is not brought back by a freeze
        await cache.get("a")


async def test_a_query_from_before_a_change_is_not_cached(mongo: Mongo, cache: PageCache) -> None:
    mongo.freeze(wait=5.0)  # what was asked must get its answer
    old = mongo.pages["a"]
    look = asyncio.create_task(cache.get("a"))
    async with asyncio.timeout(5):
        while not mongo.looks:  # noqa: ASYNC110
            await asyncio.sleep(0)
    mongo.pages["a"] = Page("a", 2, "withdrawn", "t")
    cache.forget("a")
    mongo.thaw()
    assert await look == (old, False)  # it was asked before the change
    assert await cache.get("a") == (mongo.pages["a"], False)


async def test_a_query_during_which_the_change_stream_is_lost_is_not_cached(
    mongo: Mongo, cache: PageCache
) -> None:
    mongo.freeze(wait=5.0)  # what was asked must get its answer
    look = asyncio.create_task(cache.get("a"))
    async with asyncio.timeout(5):
        while not mongo.looks:  # noqa: ASYNC110
            await asyncio.sleep(0)
    await lose(mongo, cache)
    mongo.thaw()
    await look
    mongo.away = True
    with pytest.raises(Transient):
        await cache.get("a")


async def test_a_changed_page_is_read_again(mongo: Mongo, cache: PageCache) -> None:
    await cache.get("a")
    await mongo.put(Page("a", 2, "withdrawn", "t"))
    async with asyncio.timeout(5):
        while (await cache.get("a"))[0] != mongo.pages["a"]:  # noqa: ASYNC110  (no event tells)
            await asyncio.sleep(0)
    looks = mongo.looks
    assert await cache.get("a") == (mongo.pages["a"], False)
    assert mongo.looks == looks == 2


async def test_after_a_loss_of_the_change_stream_a_reader_shares_no_query_from_before_it(
    mongo: Mongo, cache: PageCache
) -> None:
    mongo.freeze(wait=5.0)  # what was asked must get its answer
    old = mongo.pages["a"]
    first = asyncio.create_task(cache.get("a"))
    async with asyncio.timeout(5):
        while not mongo.looks:  # noqa: ASYNC110
            await asyncio.sleep(0)
    await lose(mongo, cache)
    mongo.pages["a"] = Page("a", 2, "withdrawn", "t")
    second = asyncio.create_task(cache.get("a"))
    async with asyncio.timeout(5):
        while mongo.looks < 2:  # noqa: ASYNC110
            await asyncio.sleep(0)
    mongo.thaw()
    assert [await first, await second] == [(old, False), (mongo.pages["a"], False)]


async def test_a_stream_that_is_opened_again_begins_with_nothing_in_memory(
    mongo: Mongo, cache: PageCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "REOPEN_SECONDS", 0)
    await cache.get("a")
    mongo.pages["a"] = Page("a", 2, "withdrawn", "t")  # while the stream tells nothing
    mongo.changed.send(Transient("MongoDB: connection closed"))
    async with asyncio.timeout(5):
        while len(mongo.queries("watch")) < 2 or not cache.current:  # noqa: ASYNC110
            await asyncio.sleep(0)
    assert await cache.get("a") == (mongo.pages["a"], False)


async def test_a_query_from_before_the_stream_was_opened_is_not_cached(
    mongo: Mongo, cache: PageCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "REOPEN_SECONDS", 0)
    mongo.freeze(wait=5.0)  # what was asked must get its answer
    mongo.changed.send(Transient("MongoDB: connection closed"))
    async with asyncio.timeout(5):
        while len(mongo.queries("watch")) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0)
    old = mongo.pages["a"]
    look = asyncio.create_task(cache.get("a"))
    async with asyncio.timeout(5):
        while not mongo.looks:  # noqa: ASYNC110
            await asyncio.sleep(0)
    mongo.pages["a"] = Page("a", 2, "withdrawn", "t")
    mongo.thaw()
    assert await look == (old, False)
    async with asyncio.timeout(5):
        while not cache.current:  # noqa: ASYNC110
            await asyncio.sleep(0)
    assert await cache.get("a") == (mongo.pages["a"], False)


async def test_the_page_that_was_asked_for_longest_ago_makes_room(
    mongo: Mongo, cache: PageCache
) -> None:
    mongo.pages = {str(n): Page(str(n), 1, "published", "t") for n in range(11)}
    for name in [*map(str, range(10)), "0", "10"]:
        await cache.get(name)
    asked = mongo.looks
    for name in ("0", "2", "10"):
        await cache.get(name)
    assert mongo.looks == asked
    await cache.get("1")
    assert mongo.looks == asked + 1


async def test_many_who_ask_for_one_page_share_a_look(mongo: Mongo, cache: PageCache) -> None:
    assert (
        await asyncio.gather(*(cache.get("a") for _ in range(50)))
        == [(mongo.pages["a"], False)] * 50
    )
    assert mongo.looks == 1


async def test_a_watch_that_hears_nothing_is_not_believed_and_its_pages_end_at_the_limit(
    mongo: Mongo, cache: PageCache
) -> None:
    await cache.get("a")
    mongo.freeze()
    mongo.time += 2.9
    cache.tick()
    assert await cache.get("a") == (mongo.pages["a"], False)
    mongo.time += 0.2
    cache.tick()
    assert await cache.get("a") == (mongo.pages["a"], True)
    mongo.time += LIMIT - 3.2
    cache.tick()
    assert await cache.get("a") == (mongo.pages["a"], True)
    mongo.time += 0.2
    cache.tick()
    with pytest.raises(NoAnswer):
        await cache.get("a")
    assert not cache.holds_stale


async def test_a_word_from_the_watch_proves_the_pages_again(mongo: Mongo, cache: PageCache) -> None:
    await cache.get("a")
    mongo.time += 5
    cache.tick()
    current = [cache.current]
    mongo.changed.send(None)
    async with asyncio.timeout(1):
        while not current[-1]:
            await asyncio.sleep(0)
            current.append(cache.current)
    assert not current[0]
    asked = mongo.looks
    assert await cache.get("a") == (mongo.pages["a"], False)
    assert mongo.looks == asked


async def test_a_word_from_the_watch_is_an_answer_of_mongodb(
    mongo: Mongo, cache: PageCache, queries: ReaderQueries
) -> None:
    mongo.time += 10
    assert queries.silence == 10
    mongo.changed.send(None)
    async with asyncio.timeout(5):
        while queries.silence:  # noqa: ASYNC110
            await asyncio.sleep(0)


def cached(mongo: Mongo, stale_seconds: float, capacity: int = 10) -> tuple[PageCache, Shown]:
    """A cache, and what it tells: changes and the seconds for which its pages are stale."""
    registry = metrics.new_registry()
    shown = Shown(registry)
    return PageCache(
        store=mongo,
        queries=ReaderQueries(mongo.seconds),
        capacity=capacity,
        changed=shown.change,
        seconds=mongo.seconds,
        stale_seconds=stale_seconds,
        metrics=RenderMetrics(registry, []),
    ), shown


async def test_without_stale_pages_a_page_is_kept_while_it_is_current(mongo: Mongo) -> None:
    cache, shown = cached(mongo, stale_seconds=0)
    async with watching(cache):
        await cache.get("a")
        mongo.time += 2.9
        cache.tick()
        assert await cache.get("a") == (mongo.pages["a"], False)
        assert (mongo.looks, shown.stale_seconds) == (1, 0)
        mongo.freeze()
        mongo.time += 0.2
        cache.tick()
        with pytest.raises(NoAnswer):
            await cache.get("a")


async def test_how_long_pages_have_been_stale_is_measured(mongo: Mongo) -> None:
    cache, shown = cached(mongo, stale_seconds=LIMIT)
    async with watching(cache):
        mongo.time += 10
        cache.tick()
        assert shown.stale_seconds == 0  # nothing is in memory
        await cache.get("a")
        cache.tick()
        assert shown.stale_seconds == 10
        changes_before = shown.changes
        mongo.time += LIMIT
        cache.tick()
        assert (shown.stale_seconds, shown.changes) == (0, changes_before + 1)


async def test_what_is_made_of_pages_is_made_again_after_each_change(mongo: Mongo) -> None:
    cache, shown = cached(mongo, stale_seconds=LIMIT)
    async with watching(cache):
        assert shown.changes == 1  # pages may have changed before the stream was opened
        await mongo.put(Page("d", 1, "published", "t"))
        async with asyncio.timeout(5):
            while shown.changes < 2:  # noqa: ASYNC110
                await asyncio.sleep(0)
        await lose(mongo, cache)
        assert shown.changes == 3


async def test_without_room_each_page_is_read_from_mongodb(mongo: Mongo) -> None:
    cache, _ = cached(mongo, stale_seconds=LIMIT, capacity=0)
    async with watching(cache):
        for _ in range(2):
            assert await cache.get("a") == (mongo.pages["a"], False)
    assert mongo.looks == 2


async def test_a_frozen_mongodb_is_asked_one_question_at_a_time(
    mongo: Mongo, queries: ReaderQueries, cache: PageCache
) -> None:
    mongo.freeze()
    mongo.time += 10  # without an answer
    outcomes = await asyncio.gather(
        *(cache.get(f"x{n}") for n in range(500)), return_exceptions=True
    )
    assert all(isinstance(outcome, NoAnswer) for outcome in outcomes)
    assert mongo.looks == 1
    mongo.thaw()
    async with asyncio.timeout(1):
        while queries.silence:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    assert await cache.get("b") == (mongo.pages["b"], False)


async def test_parts_made_before_are_served_while_mongodb_is_frozen_and_nothing_piles_up(
    mongo: Mongo,
) -> None:
    queries = ReaderQueries(mongo.seconds)
    queries.note_answer()
    parts: Fragments[str] = Fragments(queries=queries, seconds=mongo.seconds, stale_seconds=LIMIT)
    makes = 0

    async def make() -> str:
        nonlocal makes
        makes += 1
        await mongo.answer("make")
        return f"made {makes}"

    assert await parts.get("home", make) == ("made 1", False)
    assert await parts.get("home", make) == ("made 1", False)
    mongo.freeze()
    mongo.time += 1.1
    answers = await asyncio.gather(*(parts.get("home", make) for _ in range(100)))
    assert set(answers) == {("made 1", True)}
    assert makes == 2
    parts.expire()
    assert await parts.get("home", make) == ("made 1", True)
    mongo.time += LIMIT
    with pytest.raises(NoAnswer):
        await parts.get("home", make)
    mongo.thaw()
    async with asyncio.timeout(1):
        while queries.silence:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    assert await parts.get("home", make) == (f"made {makes}", False)


async def test_a_part_made_of_pages_that_changed_meanwhile_is_not_fresh(mongo: Mongo) -> None:
    queries = ReaderQueries(mongo.seconds)
    queries.note_answer()
    parts: Fragments[Any] = Fragments(queries=queries, seconds=mongo.seconds, stale_seconds=LIMIT)
    gates = [asyncio.Event(), asyncio.Event()]
    made = iter(range(2))

    async def make() -> str:
        number = next(made)
        await gates[number].wait()
        return f"made {number}"

    first = asyncio.create_task(parts.get("home", make))
    await asyncio.sleep(0)
    parts.expire()
    second = asyncio.create_task(parts.get("home", make))
    await asyncio.sleep(0)
    gates[1].set()
    assert await second == ("made 1", False)
    gates[0].set()
    assert await first == ("made 0", False)
    assert await parts.get("home", make) == ("made 1", False)


async def reported(cache: PageCache, article: str, revision: int) -> Page:
    """The page in memory, once it has `revision`."""
    async with asyncio.timeout(5):
        while (held := cache.peek(article)) is None or held.revision != revision:  # noqa: ASYNC110
            await asyncio.sleep(0)
    return held


async def test_a_page_that_was_just_stored_is_in_memory_before_it_is_told(
    mongo: Mongo, cache: PageCache
) -> None:
    await cache.get("a")
    new = replace(mongo.pages["a"], revision=2, parts=["new"])
    with cache.expecting(new) as wait:
        await mongo.put(new)
        await wait()
        assert cache.peek("a") == replace(new, parts=[])
    looks = mongo.looks
    page, stale = await cache.get("a")
    assert (page, stale, mongo.looks) == (replace(new, parts=[]), False, looks)
    assert page is not None
    assert page.prepared is not None
    assert page.prepared.texts == ["new"]


async def test_a_tombstone_that_was_just_stored_is_read_with_what_it_keeps(
    mongo: Mongo, cache: PageCache
) -> None:
    mongo.pages["a"] = replace(mongo.pages["a"], language="vi")
    await cache.get("a")
    gone = Page("a", 2, "withdrawn", "t")
    with cache.expecting(gone) as wait:
        await mongo.put(gone)
        await wait()
    page, _ = await cache.get("a")
    assert page is not None
    assert (page.state, page.revision, page.language) == ("withdrawn", 2, "vi")


async def test_a_page_that_another_process_replaces_meanwhile_is_not_kept(
    mongo: Mongo, cache: PageCache
) -> None:
    second = replace(mongo.pages["a"], revision=2)
    with cache.expecting(second) as wait:
        await mongo.put(second)
        await mongo.put(replace(second, revision=3))  # by another process
        await wait()
        async with asyncio.timeout(5):
            while cache.peek("a") is not None:  # noqa: ASYNC110
                await asyncio.sleep(0)
    page, _ = await cache.get("a")
    assert page is not None
    assert page.revision == 3


async def test_a_report_that_does_not_come_is_not_waited_for_long(
    mongo: Mongo, cache: PageCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.render.serving.cache.REPORT_SECONDS", 0.01)
    new = replace(mongo.pages["a"], revision=2)
    with cache.expecting(new) as wait:
        await wait()
    monkeypatch.setattr("services.render.serving.cache.REPORT_SECONDS", 3600)
    with cache.expecting(new) as wait:
        waiting = asyncio.ensure_future(wait())
        await lose(mongo, cache)
        await asyncio.wait_for(waiting, 5)
        await asyncio.wait_for(wait(), 5)  # without the stream there is no wait at all


async def test_a_mark_that_is_removed_and_another_template_change_no_list(mongo: Mongo) -> None:
    cache, shown = cached(mongo, stale_seconds=LIMIT)
    async with watching(cache):
        await cache.get("a")
        before, old = shown.changes, mongo.pages["a"]
        await mongo.redo([(replace(old, template="new"), old)], "1")
        async with asyncio.timeout(5):
            while cache.peek("a") is not None:  # noqa: ASYNC110
                await asyncio.sleep(0)
        held, _ = await cache.get("a")
        await mongo.unmark([old.id], "1")
        for _ in range(10):
            await asyncio.sleep(0)
        assert cache.peek("a") is held
        assert shown.changes == before
