"""Every event through every consumer, in every order, with repetitions and a restart: the end state
is the same.
"""

import json
import sqlite3
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import partial
from itertools import permutations
from typing import Any, TypeVar

from luotdoc_events.events import EVENTS, Data
from luotdoc_subscriber.base.settings import SubscriberSettings
from luotdoc_subscriber.guard import OnDisk, subject_of
from luotdoc_subscriber.rabbit import broker as rabbit
from luotdoc_subscriber.rabbit import declaring
from luotdoc_subscriber.subscribing import Event, kinds_of, subscribe
from tests.integration.conftest import Subscriber
from tests.integration.test_digest_javascript import digest as javascript_digest
from tests.integration.test_examples import DIGEST, PURGER
from tests.support.outside import cache
from tests.support.system import System, until
from tests.support.wire import address, forget, publish, sample

T = TypeVar("T")
ARTICLE = ("article.published", "article.updated", "article.withdrawn")
NEW = ("article.published", "article.updated")
BACK = ("article.withdrawn", "article.published", "article.updated")
PAGE = ("page.rendered", "page.rendered", "page.removed")
PROBE = "probe.events"
THEIRS = (PROBE, "cache-purger.pages", "digest.articles", "mailer.articles")
FILE = "digest.sqlite"


def ways(some: Iterable[T]) -> list[list[T]]:
    """Every order; each plain, each one doubled, all repeated, all repeated backwards."""
    orders = [list(order) for order in permutations(some)]
    return [
        way
        for order in orders
        for way in (
            order,
            [one for one in order for _ in range(2)],
            order + order,
            order + order[::-1],
        )
    ]


def told(names: tuple[str, ...], prefix: str) -> dict[str, list[Data]]:
    """By article, the events of one way: the revision of each is its place in `names`, from 1."""
    numbered = [(name, revision) for revision, name in enumerate(names, 1)]
    return {
        f"{prefix}{number}": [sample(name, f"{prefix}{number}", revision) for name, revision in way]
        for number, way in enumerate(ways(numbered))
    }


@asynccontextmanager
async def consumers(
    system: System, subscriber: Subscriber, cache_url: str, got: dict[str, list[Any]]
) -> AsyncIterator[None]:
    """Every consumer there is, for as long as the block runs; afterwards each has only what it
    keeps on disk.
    """
    broker = rabbit.make_broker(SubscriberSettings(amqp_url=system.broker.url), "probe")
    guard = OnDisk(system.folder / "guard.sqlite")

    @subscribe(broker, PROBE, guard=guard)
    async def note(event: Event[Data]) -> None:
        data: Any = event.data
        if hasattr(data, "revision"):
            got[subject_of(event.envelope)].append((data.revision, data.name))

    assert set(kinds_of(note)) == set(EVENTS.values())
    try:
        await rabbit.connect(
            broker, system.broker.url, partial(declaring.declare_works, works=broker.works)
        )
        started = [
            await system.start("render"),
            await system.start("stats"),
            await system.start(
                "purger", module=PURGER, amqp_url=subscriber("cache-purger"), cache_url=cache_url
            ),
            await system.start(
                "digest",
                module=DIGEST,
                amqp_url=subscriber("digest"),
                digest_file=system.folder / FILE,
            ),
        ]
        with javascript_digest(subscriber("mailer"), system.folder, 86400):
            await until(
                lambda: "waiting" in (system.folder / "log").read_text(),
                10,
                "JavaScript's digest consumes",
            )
            yield
        assert [await process.stop() for process in started] == [0, 0, 0, 0]
    finally:
        await broker.stop()
        guard.close()


async def test_the_end_state_does_not_depend_on_the_order(
    system: System, subscriber: Subscriber
) -> None:
    """Half of each way comes before a restart of all consumers, half after it."""
    await forget(system, *THEIRS)
    gone, new, back = told(ARTICLE, "a"), told(NEW, "b"), told(BACK, "d")
    pages, counts = told(PAGE, "p"), told(("reads.counted",) * 3, "c")
    assert (len(gone), len(new), len(back), len(pages), len(counts)) == (24, 8, 24, 24, 24)
    ends = {
        **dict.fromkeys(gone, (3, "withdrawn")),
        **dict.fromkeys(new, (2, "published")),
        **dict.fromkeys(back, (3, "published")),
    }
    ways = [*gone.values(), *new.values(), *back.values(), *pages.values()]
    got: dict[str, list[Any]] = defaultdict(list)
    async with cache() as outside:
        async with consumers(system, subscriber, outside.url, got):
            # Counts need pages to be seen on.
            await publish(system, [sample("article.published", article, 1) for article in counts])
            await publish(system, [event for way in ways for event in way[: len(way) // 2]])
            await _settled(system)
        async with consumers(system, subscriber, outside.url, got):
            await publish(system, [event for way in ways for event in way[len(way) // 2 :]])
            await publish(system, [event for way in counts.values() for event in way])
            await _settled(system)
            for article in counts:
                page = await system.page(article)
                assert page is not None
                assert "data-reads>3<" in page.text
        assert {page for page in outside.purged if "-p" in page} == {
            address(article) for article in pages
        }

    assert all(heard == sorted(heard) for heard in got.values())
    last = {subject: heard[-1] for subject, heard in got.items()}
    assert {last[f"page/{subject}"] for subject in pages} == {(3, "page.removed")}
    names = {"withdrawn": "article.withdrawn", "published": "article.updated"}
    assert {article: last[f"article/{article}"] for article in ends} == {
        article: (revision, names[state]) for article, (revision, state) in ends.items()
    }
    chosen = {"_id": {"$in": [*ends]}}
    assert {
        d["_id"]: (d["revision"], d["state"]) async for d in system.db.pages.find(chosen)
    } == ends
    assert {
        d["_id"]: (d["revision"], d["state"]) async for d in system.db.catalogue.find(chosen)
    } == ends
    # stats knows the newest content of what is withdrawn as well.
    assert {
        d["_id"]: (d["title"], d["content_revision"])
        async for d in system.db.catalogue.find(chosen)
    } == {
        article: (
            f"Bài {article} lần {2 if article in gone else revision}",
            2 if article in gone else revision,
        )
        for article, (revision, _) in ends.items()
    }
    # What is public now is due in both digests, whatever came first, and nothing else is.
    with sqlite3.connect(system.folder / FILE) as digest:
        rows = digest.execute(
            "SELECT id, revision, due FROM articles WHERE id NOT LIKE 'c%'"
        ).fetchall()
    digest.close()
    due = {article: (revision, state == "published") for article, (revision, state) in ends.items()}
    assert {article: (revision, bool(is_due)) for article, revision, is_due in rows} == due
    kept = json.loads((system.folder / "state").read_bytes())
    assert {
        article: (int(one["sequence"]), one.get("due", False))
        for article, one in kept
        if article in ends
    } == due
    await forget(system, *THEIRS)


async def test_an_event_that_a_consumer_has_no_use_for_is_passed_over(
    system: System, subscriber: Subscriber
) -> None:
    """As if somebody bound the queue to too much. Every event there is goes through every queue
    there is.
    """
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
                "digest",
                module=DIGEST,
                amqp_url=subscriber("digest"),
                digest_file=system.folder / FILE,
            ),
            await system.start(
                "purger", module=PURGER, amqp_url=subscriber("cache-purger"), cache_url=outside.url
            ),
        ]
        for queue in wanted:
            await publish(system, [sample(name, "a1", 1) for name in EVENTS], queue=queue)
        await _settled(system)
        for consumer, (queue, names) in zip(consumers, wanted.items(), strict=True):
            told = (await system.http.get(f"{consumer.url}/metrics")).text
            ignored = (
                f'luotdoc_consumed_total{{outcome="ignored",queue="{queue}"}} '
                f"{len(EVENTS) - len(names)}.0"
            )
            assert ignored in told.splitlines()
            assert await system.queue_depth(f"{queue}.parked") == 0
        assert set(outside.purged) == {address("a1")}
    await forget(system, *THEIRS)


async def _settled(system: System) -> None:
    async def nothing_waits() -> bool:
        listed = await system.queues()
        ours = ("render.", "stats.", "probe.", "cache-purger.", "digest.", "mailer.")
        return not any(
            n
            for name, n in listed.items()
            if name.startswith(ours) and not name.endswith(".parked")
        )

    await until(nothing_waits, 60, "every message is settled")
