"""The read counts that pages show, over a store in memory: they fall by corrections alone."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from luotdoc_events import events
from luotdoc_subscriber.base.errors import Transient
from luotdoc_subscriber.subscribing import Event
from services.render.database import ReaderQueries
from services.render.totals import Totals
from shared.storage.counts import SITE, Total
from tests.support.jumping import play
from tests.support.page_store import PagesInMemory, page


def totals(store: PagesInMemory) -> Totals:
    return Totals(store, ReaderQueries(lambda: 0.0))


def read(store: PagesInMemory) -> list[tuple[str, float]]:
    """A list that gets the name and the second of each query."""
    seen: list[tuple[str, float]] = []

    def fails(query: str) -> None:
        seen.append((query, asyncio.get_running_loop().time()))

    store.fails = fails
    return seen


async def test_without_a_correction_totals_never_fall() -> None:
    store = PagesInMemory()
    one = totals(store)
    store.counts = {"a": 5, SITE: 9}
    await one.load()
    one.note({"a": Total(0, 7), "b": Total(0, 1)})
    one.note({"a": Total(0, 6)})
    assert (one.of("a"), one.of("b"), one.of("c"), one.site) == (7, 1, 0, 9)
    store.counts = {"a": 4, "b": 2, SITE: 8}  # a look from before
    await one.load()
    assert (one.of("a"), one.of("b"), one.site) == (7, 2, 9)
    store.counts = {SITE: 10}
    await one.load_site()
    assert one.site == 10


async def test_a_corrected_total_falls_and_an_older_one_does_not_come_back() -> None:
    store = PagesInMemory()
    one = totals(store)
    store.counts = {"a": 50, SITE: 90}
    await one.load()
    one.note({"a": Total(1, 30)})
    one.note({"a": Total(0, 51)})  # an event from before the correction, late
    assert one.of("a") == 30
    store.counts, store.generations = {"a": 31, SITE: 70}, {"a": 1, SITE: 1}
    await one.load()
    assert (one.of("a"), one.site) == (31, 70)
    store.counts, store.generations = {"a": 50, SITE: 90}, {}  # a look from before
    await one.load()
    assert (one.of("a"), one.site) == (31, 70)


async def test_an_event_of_a_correction_lowers_what_is_shown() -> None:
    one = totals(PagesInMemory())
    for generation, total in ((0, 12), (2, 5), (1, 9)):
        item = {"article": "a", "delta": 0, "total": total, "generation": generation}
        counted = events.ReadsCounted.model_validate({"items": [item]})
        await one.handle(Event(counted, cast(events.Envelope, None)))
    assert one.of("a") == 5


async def test_an_event_brings_totals() -> None:
    one = totals(PagesInMemory())
    counted = events.ReadsCounted.model_validate(
        {
            "items": [{"article": "a", "delta": 2, "total": 12}],
            "complete_through": "2026-11-23T07:00:00Z",
        }
    )
    await one.handle(Event(counted, cast(events.Envelope, None)))
    assert one.of("a") == 12


@pytest.mark.parametrize("query", ["counted", "site_counted", "baseline"])
async def test_nothing_is_loaded_before_everything_is(query: str) -> None:
    store = PagesInMemory()
    store.counts = {"a": 5, SITE: 9}
    store.fails = lambda asked: Transient("MongoDB: closed") if asked == query else None
    one = totals(store)
    with pytest.raises(Transient):
        await one.load()
    before = one.loaded
    store.fails = lambda _asked: None
    await one.load()
    assert (before, one.loaded) == (False, True)
    assert (one.of("a"), one.of(SITE), one.site) == (5, 0, 9)  # the site is no article


async def test_a_site_without_reads_has_none() -> None:
    one = totals(PagesInMemory())
    assert (one.site, one.baseline, one.of("a")) == (0, 0, 0)
    await one.load()
    assert (one.site, one.baseline, one.of("a")) == (0, 0, 0)


async def test_an_answer_about_totals_is_a_sign_of_mongodb() -> None:
    time = 100.0
    queries = ReaderQueries(lambda: time)
    one = Totals(PagesInMemory(), queries)
    await one.load_site()
    time = 102.0
    assert queries.silence == 2.0


async def test_baselines_are_added_up_again_only_when_one_changed() -> None:
    store = PagesInMemory()
    one = totals(store)
    store.pages["a"] = replace(page("a"), baseline=100)
    await one.load()
    store.pages["b"] = replace(page("b"), baseline=100)
    await one.load_site()
    assert one.baseline == 100
    one.baseline_changed = True
    await one.load_site()
    assert one.baseline == 200
    store.pages["b"] = replace(page("b"), baseline=0)  # an editor corrects one
    await one.load()
    assert one.baseline == 100


def test_the_site_is_read_each_second_and_every_total_each_half_minute() -> None:
    async def scene() -> None:
        store = PagesInMemory()
        seen = read(store)
        running = asyncio.create_task(totals(store).run())
        await asyncio.sleep(61.5)
        running.cancel()
        assert [at for query, at in seen if query == "counted"] == [0.0, 30.0, 60.0]
        assert [at for query, at in seen if query == "site_counted"] == [*map(float, range(62))]
        assert [at for query, at in seen if query == "baseline"] == [0.0, 30.0, 60.0]

    play(scene)


def test_what_was_not_loaded_is_loaded_before_anything_else() -> None:
    async def scene() -> None:
        store = PagesInMemory()
        store.away = True
        one = totals(store)
        running = asyncio.create_task(one.run())
        await asyncio.sleep(3)
        assert set(store.asked) == {("counted",)}
        store.away = False
        await asyncio.sleep(1.5)
        running.cancel()
        assert one.loaded

    play(scene)


def test_readers_online_are_shown_while_stats_stores_them() -> None:
    async def scene() -> None:
        store, stored = PagesInMemory(), datetime(2026, 11, 27, tzinfo=UTC)
        one = totals(store)
        await one.load()
        assert one.online() is None
        store.readers_online = 3, stored
        await one.load_site()
        assert one.online() == 3
        await asyncio.sleep(59)
        store.readers_online = 3, stored + timedelta(seconds=20)
        await one.load_site()
        await asyncio.sleep(59)
        assert one.online() == 3
        await asyncio.sleep(2)
        await one.load_site()
        assert one.online() is None  # stats has stored nothing for a minute

    play(scene)


def test_a_number_that_was_there_at_the_start_may_be_of_any_age() -> None:
    async def scene() -> None:
        store, stored = PagesInMemory(), datetime(2026, 11, 20, tzinfo=UTC)
        store.readers_online = 9, stored
        one = totals(store)
        for _ in range(3):
            await one.load_site()
            assert one.online() is None
        store.readers_online = 8, stored + timedelta(seconds=20)
        await one.load_site()
        assert one.online() == 8

    play(scene)
