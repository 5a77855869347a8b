"""The read counts that pages show, over a store in memory: they never fall."""

import asyncio
from typing import cast

from luotdoc_events import events
from luotdoc_subscriber.base.errors import Transient
from luotdoc_subscriber.subscribing import Event
from services.render.database import ReaderQueries
from services.render.store import PageStore
from services.render.totals import Totals
from shared.storage.counts import SITE
from tests.support.jumping import play


class Store:
    """Counts and baselines as they are set; what was read, with the second of it."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.baselines = 0
        self.away = False
        self.read: list[tuple[str, float]] = []

    def _note(self, what: str) -> None:
        self.read.append((what, asyncio.get_running_loop().time()))
        if self.away:
            raise Transient("MongoDB: connection closed")

    async def counted(self) -> dict[str, int]:
        self._note("all")
        return dict(self.counts)

    async def site_counted(self) -> int:
        self._note("site")
        return self.counts.get(SITE, 0)

    async def baseline(self) -> int:
        self._note("baseline")
        return self.baselines


def totals(store: Store) -> Totals:
    return Totals(cast(PageStore, store), ReaderQueries(lambda: 0.0))


async def test_totals_never_fall() -> None:
    store = Store()
    one = totals(store)
    store.counts = {"a": 5, SITE: 9}
    await one.load()
    one.note({"a": 7, "b": 1})
    one.note({"a": 6})
    assert (one.of("a"), one.of("b"), one.of("c"), one.site) == (7, 1, 0, 9)
    store.counts = {"a": 4, "b": 2, SITE: 8}  # a look from before
    await one.load()
    assert (one.of("a"), one.of("b"), one.site) == (7, 2, 9)
    store.counts = {SITE: 10}
    await one.load_site()
    assert one.site == 10


async def test_an_event_brings_totals() -> None:
    one = totals(Store())
    counted = events.ReadsCounted.model_validate(
        {
            "items": [{"article": "a", "delta": 2, "total": 12}],
            "complete_through": "2026-11-23T07:00:00Z",
        }
    )
    await one.handle(Event(counted, cast(events.Envelope, None)))
    assert one.of("a") == 12


async def test_nothing_is_loaded_before_everything_is() -> None:
    store = Store()
    one = totals(store)
    store.away = True
    for load in (one.load, one.load):
        try:
            await load()
        except Transient:
            assert not one.loaded
    store.away = False
    await one.load()
    assert one.loaded
    assert one.of(SITE) == 0  # the site is no article


async def test_baselines_are_added_up_again_only_when_one_changed() -> None:
    store = Store()
    one = totals(store)
    store.baselines = 100
    await one.load()
    store.baselines = 200
    await one.load_site()
    assert one.baseline == 100
    one.baseline_changed = True
    await one.load_site()
    assert one.baseline == 200
    store.baselines = 50  # an editor corrects one
    await one.load()
    assert one.baseline == 50


def test_the_site_is_read_each_second_and_every_total_each_half_minute() -> None:
    async def scene() -> None:
        store = Store()
        running = asyncio.create_task(totals(store).run())
        await asyncio.sleep(61.5)
        running.cancel()
        assert [at for what, at in store.read if what == "all"] == [0.0, 30.0, 60.0]
        assert [at for what, at in store.read if what == "site"] == [float(n) for n in range(62)]
        assert [at for what, at in store.read if what == "baseline"] == [0.0, 30.0, 60.0]

    play(scene)


def test_what_was_not_loaded_is_loaded_before_anything_else() -> None:
    async def scene() -> None:
        store = Store()
        store.away = True
        one = totals(store)
        running = asyncio.create_task(one.run())
        await asyncio.sleep(3)
        assert {what for what, _ in store.read} == {"all"}
        store.away = False
        await asyncio.sleep(1.5)
        running.cancel()
        assert one.loaded

    play(scene)
