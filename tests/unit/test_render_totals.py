"""The read counts that pages show, over a store in memory: they fall by corrections alone."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import cast

import pytest

from luotdoc_events import events
from luotdoc_subscriber.base.errors import Transient
from luotdoc_subscriber.subscribing import Event
from services.render.figures import NO_FIGURES, RankedArticle, known_figures, portal_figures
from services.render.serving.database import ReaderQueries
from services.render.totals import Totals
from shared.storage.counts import SITE, Total
from shared.storage.versions import Document
from tests.support.jumping import play
from tests.support.page_store import PagesInMemory, page, site_document


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


def test_figures_are_shown_for_a_minute_after_stats_has_stored_them() -> None:
    async def scene() -> None:
        store = PagesInMemory()
        one = totals(store)
        await one.load()
        assert (one.figures(), one.top("24h"), one.trending()) == (None, None, None)
        lists: dict[str, Document] = {
            "top:24h": {"items": [["b", 5], ["a", 3]]},
            "trending": {"items": []},
        }
        store.show({"site": site_document(generation=0), "online": {"online": 2}, **lists})
        await asyncio.sleep(40)
        await one.load_site()
        figures = one.figures()
        assert figures is not None
        assert (figures.today, figures.online) == (1, 2)
        assert one.top("24h") == (RankedArticle("b", 5), RankedArticle("a", 3))
        assert one.trending() == ()  # known, and there are none
        assert one.top("7d") is None
        store.show({"site": site_document(generation=0)})
        store.away = True  # what was read grows older, although nothing is read any more
        await asyncio.sleep(19)
        assert one.top("24h") is not None
        await asyncio.sleep(2)
        assert (one.figures(), one.top("24h"), one.trending()) == (None, None, None)
        store.away = False
        await one.load_site()
        assert known_figures(one.figures()) == {"today": 1, "week": 3, "month": 4, "year": 5}
        assert one.top("24h") is None
        await asyncio.sleep(40)
        await one.load_site()
        assert one.figures() is None  # stats is down

    play(scene)


async def test_a_number_that_is_not_known_is_not_0() -> None:
    store = PagesInMemory()
    one = totals(store)
    store.show({"online": {"online": 0}})
    await one.load()
    assert known_figures(one.figures()) == {"online": 0}
    store.show({"site": site_document(generation=0, today=0)})
    await one.load()
    periods = {"today": 0, "week": 3, "month": 4, "year": 5}
    assert known_figures(one.figures()) == {"online": 0, **periods}
    assert known_figures(None) == {}


async def test_the_total_is_never_lower_than_the_figures_beside_it() -> None:
    store = PagesInMemory()
    store.counts = {SITE: 90}
    one = totals(store)
    store.show({"site": site_document(counted=93, generation=0, year=93)})
    await one.load()
    assert one.site == 93  # a read was counted between the two queries
    store.counts = {SITE: 95}
    await one.load_site()
    assert one.site == 95


async def test_figures_from_before_a_correction_are_not_shown() -> None:
    store = PagesInMemory()
    one = totals(store)
    store.show({"site": site_document(counted=90, generation=0, year=90)})
    store.show({"online": {"online": 2}})
    store.counts, store.generations = {SITE: 70}, {SITE: 1}
    await one.load()
    assert (one.site, known_figures(one.figures())) == (70, {"online": 2})
    store.show({"site": site_document(counted=71, generation=1, year=71)})
    await one.load_site()
    assert known_figures(one.figures())["year"] == 71
    assert one.site == 71


async def test_what_an_earlier_release_of_stats_has_stored_is_passed_over() -> None:
    held = {"_id": "site", "online": 3, "as_of": datetime(2026, 11, 20, tzinfo=UTC), "age": None}
    assert portal_figures([held, {"_id": "later", "age": 1.0}]) == NO_FIGURES
