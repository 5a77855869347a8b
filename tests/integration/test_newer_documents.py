"""A document that a newer release has written is refused with its name and version."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.counter.recount.judging import Changes
from services.counter.recount.store import RecountStore
from services.counter.store import NO_SLOT, SLOTS, CounterStore
from services.ingest.reads.read_batches import KeyNote
from services.ingest.store import ArticleStore
from services.render.page import Wanted
from services.render.store import PageStore
from services.stats.readers.scopes import WHOLE_SITE, ScopeDay
from services.stats.readers.store import ReaderStore
from services.stats.store import Store
from shared.base.errors import NewerVersion
from shared.storage import mongo
from shared.storage.books import Books
from shared.storage.collections import make_indexes
from shared.storage.types import MongoDatabase
from shared.storage.versions import DOCUMENT_VERSION
from tests.support.reporting import reads_between
from tests.support.system import System, until

NOW = datetime(2026, 11, 23, 5, 7, tzinfo=UTC)


@dataclass
class Stores:
    """Every store on a database of its own."""

    db: MongoDatabase
    articles: ArticleStore
    pages: PageStore
    counter: CounterStore
    stats: Store
    books: Books
    readers: ReaderStore
    recounts: RecountStore

    async def in_snapshot(self, ask: Callable[[Any], Awaitable[object]]) -> object:
        async with self.stats.snapshot() as session:
            return await ask(session)


@pytest.fixture
async def stores(mongo_url: str) -> AsyncIterator[Stores]:
    client, _ = mongo.connect(mongo_url, "test")
    name = f"newer_{secrets.token_hex(6)}"
    db: MongoDatabase = client[name]
    await make_indexes(db)

    def clock() -> datetime:
        return NOW

    yield Stores(
        db,
        ArticleStore(client, db, clock, "http://schemas"),
        PageStore(db),
        CounterStore(client, db, clock),
        Store(client, db),
        Books(db),
        ReaderStore(db, ZoneInfo("UTC")),
        RecountStore(db),
    )
    await client.drop_database(name)
    client.close()


ARTICLE = {"revision": 1, "state": "published", "was_public": True, "published_at": NOW}
COUNT = {"article": "a1", "slot": 0, "reads": 3}
BUCKET = {**COUNT, "day": "2026-11-23", "q": {"20": 3}}
ARCHIVED = {"article": "a1", "month": "2026-11", "days": {"23": {"reads": 3, "q": {"20": 3}}}}
BOOK = {
    "epoch": "e1", "slot": 0, "batches": 1, "accepted": 3, "duplicates": 0, "max_seq": 0,
    "first_minted_at": NOW, "last_minted_at": NOW,
}  # fmt: skip
PARKED = {"epoch": "e1", "seq": 1, "reads": 3, "reason": "bad_body", "parked_at": NOW}
KEY = {"digest": "d", "minted_at": 1, "unknown": []}
ARCHIVED = {"article": "a1", "month": "2026-11", "days": {"23": {"reads": 3, "q": {"20": 3}}}}
PROJECTION = {"kind": "day", "zone": "UTC", "first": 0, "end": 96, "reads": {}, "late": {}}
SET = {
    "kind": "site", "name": "", "day": 5, "number": 1, "exact": True, "writes": 1,
    "hashes": b"12345678", "expires_at": NOW,
}  # fmt: skip
PLACE = {"generation": 0, "offset": 1, "batch": "b", "minted": 1, "marks": [], "since": 1}
SITE_DAY = ScopeDay(WHOLE_SITE, 5)
DAY_EDGES = [1_994_880, 1_994_976]
"""The quarters at which 2026-11-23 begins and ends, UTC."""

Ask = Callable[[Stores], Awaitable[object]]


async def _bucket_of_a_part(stores: Stores) -> object:
    edges = [DAY_EDGES[0] + 4, DAY_EDGES[1]]
    return await stores.in_snapshot(lambda s: reads_between(stores.stats, s, "a1", edges))


async def _old_sums(stores: Stores) -> object:
    period = (DAY_EDGES[0], DAY_EDGES[1])
    today = DAY_EDGES[1] + 96 * 200
    return await stores.in_snapshot(lambda s: stores.stats.traffic.sums(s, period, today))


async def _site_buckets(stores: Stores) -> object:
    async def ask(session: Any) -> list[object]:
        return [each async for each in stores.stats.traffic.site_buckets(session, {"$gte": ""})]

    return await stores.in_snapshot(ask)


async def _kept(stores: Stores) -> object:
    return [each async for each in stores.recounts.kept("bot", DAY_EDGES[1])]


FILTERED = {"filtered": {"bot": 1}, "by": {"bot": {"20": 1}}}
CORRECTION = {"moves": [["reader", "bot", "a1", 7, 1]], "sources": [], "counted_at": NOW}
PLAN = {
    "token": "t", "made_at": NOW, "rules": "r", "batches": 1, "done": False,
    "reach": {"first": 0, "first_batch": "e1-0", "last": 9, "quarter": 7},
}  # fmt: skip
READERS: dict[str, tuple[str, Any, dict[str, Any], Ask]] = {
    "article": ("articles", "a1", ARTICLE, lambda s: s.articles.get("a1")),
    "list": ("articles", "a1", ARTICLE, lambda s: s.articles.listing(None, None, 9, None)),
    "replay": ("articles", "a1", ARTICLE, lambda s: s.articles.ever_public("", 9)),
    "articles held": ("articles", "a1", ARTICLE, lambda s: s.articles.held("", 9)),
    "outbox": ("outbox", "a1-1", {"article": "a1"}, lambda s: s.articles.outgoing(9)),
    "key": (
        "read_keys",
        "k-1",
        KEY,
        lambda s: s.articles.remember_key("k-1", KeyNote("d", 1, frozenset())),
    ),
    "salt": (
        "salts",
        "2026-11-23",
        {"salt": b"x"},
        lambda s: s.articles.salt(date(2026, 11, 23), NOW),
    ),
    "page": ("pages", "a1", ARTICLE, lambda s: s.pages.get("a1")),
    "pages": ("pages", "a1", ARTICLE, lambda s: s.pages.listing(Wanted(), 9)),
    "pages held": ("pages", "a1", ARTICLE, lambda s: s.pages.held("", 9)),
    "outdated": (
        "pages",
        "a1",
        {**ARTICLE, "template": "old"},
        lambda s: s.pages.outdated_among(["a1"], "t"),
    ),
    "picture": (
        "media",
        "p.png",
        {"type": "image/png", "data": b""},
        lambda s: s.pages.picture("p.png"),
    ),
    "totals": ("counts", "a1/0", COUNT, lambda s: s.pages.counted()),
    "site": ("counts", "*/0", {**COUNT, "article": "*"}, lambda s: s.pages.site_counted()),
    "flushed": ("counts", "a1/0", COUNT, lambda s: s.counter.totals(["a1"])),
    "catalogue": (
        "catalogue",
        "a1",
        ARTICLE,
        lambda s: s.in_snapshot(lambda session: s.stats.article(session, "a1")),
    ),
    "catalogue held": ("catalogue", "a1", ARTICLE, lambda s: s.stats.held("", 9)),
    "counted": (
        "counts",
        "a1/0",
        COUNT,
        lambda s: s.in_snapshot(lambda session: s.stats.counted(session, "a1")),
    ),
    "day": (
        "buckets",
        "a1/2026-11-23/0",
        BUCKET,
        lambda s: s.in_snapshot(lambda x: reads_between(s.stats, x, "a1", DAY_EDGES)),
    ),
    "part of a day": ("buckets", "a1/2026-11-23/0", BUCKET, _bucket_of_a_part),
    "archive": ("archive", "a1/2026-11", ARCHIVED, _bucket_of_a_part),
    "archive of all": ("archive", "a1/2026-11", ARCHIVED, _old_sums),
    "sums": ("buckets", "a1/2026-11-23/0", BUCKET, _old_sums),
    "site's buckets": ("buckets", "*/2026-11-23/0", {**BUCKET, "article": "*"}, _site_buckets),
    "markers": (
        "late",
        "2026-11-23/0",
        {"day": "2026-11-23", "slot": 0, "number": 1},
        lambda s: s.in_snapshot(s.stats.traffic.markers),
    ),
    "projection": (
        "projections",
        "day/2026-11-23",
        PROJECTION,
        lambda s: s.in_snapshot(lambda x: s.stats.traffic.projection(x, "day/2026-11-23")),
    ),
    "heads": (
        "projections",
        "day/2026-11-23",
        PROJECTION,
        lambda s: s.in_snapshot(s.stats.traffic.heads),
    ),
    "sets of readers": ("readers", "site::5", SET, lambda s: s.readers.held([SITE_DAY])),
    "numbers of readers": ("readers", "site::5", SET, lambda s: s.readers.numbers([SITE_DAY])),
    "readers of sections": (
        "readers",
        "section:s:5",
        {**SET, "kind": "section", "name": "s"},
        lambda s: s.readers.of_kind("section", range(9)),
    ),
    "place in the stream": ("readers", "place", PLACE, lambda s: s.readers.place()),
    "known readers": ("readers", "place", PLACE, lambda s: s.readers.known()),
    "figures of pages": ("online", "site", {"online": 1}, lambda s: s.pages.figures()),
    "books": (
        "books",
        "e1/0",
        BOOK,
        lambda s: s.in_snapshot(lambda session: s.stats.totals(session)),
    ),
    "parked": (
        "parked",
        "e1-1",
        PARKED,
        lambda s: s.in_snapshot(lambda session: s.stats.totals(session)),
    ),
    "corrected": (
        "corrections",
        "h1",
        CORRECTION,
        lambda s: s.recounts.take_back_corrections(Changes(), 0),
    ),
    "plan": ("recounts", 1, PLAN, lambda s: s.recounts.last_plan()),
    "kept classes": ("buckets", "a1/2026-11-23/0", {**BUCKET, **FILTERED}, _kept),
    "kept in the archive": ("archive", "a1/2026-11", ARCHIVED, _kept),
    "complete": (
        "books",
        "e1/0",
        BOOK,
        lambda s: s.in_snapshot(lambda session: s.books.complete_through(session, NOW)),
    ),
    "missing": (
        "books",
        "e1/0",
        BOOK,
        lambda s: s.in_snapshot(lambda session: s.books.missing(session, NOW)),
    ),
}


@pytest.mark.parametrize("reader", READERS)
async def test_each_reader_refuses_a_newer_document_and_reads_this_version(
    stores: Stores, reader: str
) -> None:
    collection, name, fields, ask = READERS[reader]
    newer = {"_id": name, "v": DOCUMENT_VERSION + 1, **fields}
    await stores.db[collection].insert_one(newer)
    with pytest.raises(NewerVersion) as raised:
        await ask(stores)
    where = str(raised.value)
    assert collection in where
    assert (
        f"has version {DOCUMENT_VERSION + 1}, and this release reads up to {DOCUMENT_VERSION}"
        in where
    )
    assert await stores.db[collection].find_one({"_id": name}) == newer  # and nothing is written


async def test_the_most_read_refuse_a_newer_bucket_and_a_newer_catalogue(stores: Stores) -> None:
    async def top() -> object:
        return await stores.in_snapshot(lambda session: stores.stats.top(session, 0, 9))

    entry = {"_id": "a1", "v": 1, "state": "published", "title": "t", "url": "u"}
    bucket = {"article": "a1", "day": "2026-11-22", "slot": 0, "reads": 3, "q": {"7": 3}}
    await stores.db.buckets.insert_one({"_id": "a1/2026-11-22/0", "v": 1, **bucket})
    await stores.db.catalogue.insert_one(entry)
    assert await top() == [{"_id": "a1", "reads": 3, "title": "t", "url": "u"}]
    for collection, name in (
        (stores.db.buckets, "a1/2026-11-22/0"),
        (stores.db.catalogue, "a1"),
    ):
        await collection.update_one({"_id": name}, {"$set": {"v": DOCUMENT_VERSION + 1}})
        with pytest.raises(NewerVersion, match="a1 has version 2"):
            await top()
        await collection.update_one({"_id": name}, {"$set": {"v": DOCUMENT_VERSION}})


async def test_a_lease_of_a_newer_version_is_left_alone(stores: Stores) -> None:
    ended = {"owner": "newer", "until": NOW - timedelta(days=1), "v": DOCUMENT_VERSION + 1}
    await stores.db.slots.insert_many([{"_id": slot, **ended} for slot in range(SLOTS - 1)])
    assert await stores.counter.lease("mine", NO_SLOT) == SLOTS - 1
    assert await stores.counter.lease("another", NO_SLOT) == NO_SLOT
    assert await stores.db.slots.find_one({"_id": 0}) == {"_id": 0, **ended}
    await stores.counter.release("mine")
    assert await stores.counter.lease("another", NO_SLOT) == SLOTS - 1


async def test_a_service_refuses_the_newer_document_alone_and_says_so_in_its_log(
    system: System,
) -> None:
    """A release that was rolled back meets documents of the newer one, and serves all others."""
    ingest = await system.start("ingest")
    for name in ("a1", "a2"):
        assert (await system.put(name)).status_code == 201
    await system.db.articles.update_one({"_id": "a1"}, {"$set": {"v": DOCUMENT_VERSION + 1}})
    said = "the document articles/a1 has version 2, and this release reads up to 1"

    answer = await system.http.get(f"{ingest.url}/articles/a1")
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert (await system.put("a1", title="Khác")).status_code == 500
    assert (await system.http.get(f"{ingest.url}/articles/a2")).status_code == 200
    assert (await system.read("a2")).status_code == 204
    assert said in ingest.text()

    outbox = {"v": DOCUMENT_VERSION + 1, "article": "a3", "revision": 1, "created_at": NOW}
    await system.db.outbox.insert_one({"_id": "a3-1", **outbox})
    await until(
        lambda: (
            "the outbox relay can't go on, and tries again: the document outbox/a3-1"
            in ingest.text()
        ),
        10,
        "the relay says why it stands still",
    )
    assert (await system.put("a4")).status_code == 201  # it waits in the outbox
    await system.ready(ingest)
    await system.db.outbox.delete_one({"_id": "a3-1"})
    await until(lambda: "the outbox relay works again" in ingest.text(), 10, "the relay works")
    assert ingest.popen.poll() is None
