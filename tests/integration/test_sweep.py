"""Every event through every consumer, in every order, with repetitions: the end state is the same."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from functools import partial
from itertools import permutations
from typing import Any, TypeVar

from shared import broker as rabbit
from shared import topology
from shared.events import EVENTS, Data
from shared.guard import OnDisk, subject_of
from shared.settings import SubscriberSettings
from shared.subscriber import Event, kinds_of, subscribe
from tests.integration.conftest import Subscriber
from tests.integration.test_examples import DIGEST, PURGER
from tests.support.outside import cache
from tests.support.system import System, until
from tests.support.wire import address, forget, publish, sample

T = TypeVar("T")
ARTICLE = ("article.published", "article.updated", "article.withdrawn")
PAGE = ("page.rendered", "page.rendered", "page.removed")
PROBE = "probe.events"
THEIRS = (PROBE, "cache-purger.pages", "digest.articles")


def ways(three: Iterable[T]) -> list[list[T]]:
    """Every order of three; each plain, each one doubled, all repeated, all repeated backwards."""
    orders = [list(order) for order in permutations(three)]
    return [
        way
        for order in orders
        for way in (order, [one for one in order for _ in range(2)], order + order, order + order[::-1])
    ]


def told(names: tuple[str, ...], prefix: str) -> dict[str, list[Data]]:
    """By article, the events of one way: the revision of each is its place in `names`, from 1."""
    numbered = [(name, revision) for revision, name in enumerate(names, 1)]
    return {
        f"{prefix}{number}": [sample(name, f"{prefix}{number}", revision) for name, revision in way]
        for number, way in enumerate(ways(numbered))
    }


async def test_the_end_state_does_not_depend_on_the_order(system: System, subscriber: Subscriber) -> None:
    await forget(system, *THEIRS)
    articles, pages, counts = told(ARTICLE, "a"), told(PAGE, "p"), told(("reads.counted",) * 3, "c")
    assert len(articles) == len(pages) == len(counts) == 24
    got: dict[str, list[Any]] = defaultdict(list)
    broker = rabbit.make_broker(SubscriberSettings(amqp_url=system.broker.url), "probe")

    @subscribe(broker, PROBE, guard=OnDisk(system.folder / "guard.sqlite"))
    async def note(event: Event[Data]) -> None:
        data: Any = event.data
        if hasattr(data, "revision"):
            got[subject_of(event.envelope)].append((data.revision, data.name))

    assert set(kinds_of(note)) == set(EVENTS.values())
    file = system.folder / "digest.sqlite"
    async with cache() as outside:
        try:
            await rabbit.connect(broker, system.broker.url, partial(topology.declare_works, works=broker.works))
            for service in ("render", "stats"):
                await system.start(service)
            await system.start("purger", module=PURGER, amqp_url=subscriber("cache-purger"), cache_url=outside.url)
            await system.start("digest", module=DIGEST, amqp_url=subscriber("digest"), digest_file=file)
            # Counts need pages to be seen on.
            await publish(system, [sample("article.published", article, 1) for article in counts])
            for way in zip(articles.values(), pages.values(), counts.values(), strict=True):
                for events in way:
                    await publish(system, events)
            await _settled(system)
        finally:
            await broker.stop()

        last = {subject: heard[-1] for subject, heard in got.items()}
        for subjects, end in ((articles, "article.withdrawn"), (pages, "page.removed")):
            assert {last[f"{end.partition('.')[0]}/{subject}"] for subject in subjects} == {(3, end)}
        assert all(heard == sorted(heard) for heard in got.values())
        chosen = {"_id": {"$in": [*articles]}}
        shown = sorted([(d["_id"], d["revision"], d["state"]) async for d in system.db.pages.find(chosen)])
        assert shown == sorted((article, 3, "withdrawn") for article in articles)
        fields = ("_id", "revision", "state", "title", "content_revision")
        known = sorted([tuple(d[name] for name in fields) async for d in system.db.catalogue.find(chosen)])
        assert known == sorted((a, 3, "withdrawn", f"Bài {a} lần 2", 2) for a in articles)
        for article in counts:
            page = await system.page(article)
            assert page is not None
            assert "data-reads>3<" in page.text
        assert {page for page in outside.purged if "-p" in page} == {address(article) for article in pages}
        with sqlite3.connect(file) as digest:
            rows = digest.execute("SELECT id, revision, due FROM articles WHERE id LIKE 'a%'").fetchall()
        digest.close()
        assert sorted(rows) == sorted((article, 3, 0) for article in articles)
    await forget(system, *THEIRS)


async def test_an_event_that_a_consumer_has_no_use_for_is_passed_over(system: System, subscriber: Subscriber) -> None:
    """As if somebody bound the queue to too much. Every event there is goes through every queue there is."""
    await forget(system, *THEIRS)
    wanted = {
        "render.articles": ARTICLE,
        "stats.articles": ARTICLE,
        "digest.articles": ARTICLE,
        "cache-purger.pages": ("page.rendered", "page.removed"),
    }
    async with cache() as outside:
        consumers = [
            await system.start("render"),
            await system.start("stats"),
            await system.start(
                "digest", module=DIGEST, amqp_url=subscriber("digest"), digest_file=system.folder / "digest.sqlite"
            ),
            await system.start("purger", module=PURGER, amqp_url=subscriber("cache-purger"), cache_url=outside.url),
        ]
        for queue in wanted:
            await publish(system, [sample(name, "a1", 1) for name in EVENTS], queue=queue)
        await _settled(system)
        for consumer, (queue, names) in zip(consumers, wanted.items(), strict=True):
            told = (await system.http.get(f"{consumer.url}/metrics")).text
            ignored = f'luotdoc_consumed_total{{outcome="ignored",queue="{queue}"}} {len(EVENTS) - len(names)}.0'
            assert ignored in told.splitlines()
            assert await system.queue_depth(f"{queue}.parked") == 0
        assert set(outside.purged) == {address("a1")}
    await forget(system, *THEIRS)


async def _settled(system: System) -> None:
    async def nothing_waits() -> bool:
        listed = await system.queues()
        ours = ("render.", "stats.", "probe.", "cache-purger.", "digest.")
        return not any(n for name, n in listed.items() if name.startswith(ours) and not name.endswith(".parked"))

    await until(nothing_waits, 60, "every message is settled")
