"""Every query of stats, and of the archive's mover, has a time limit in MongoDB."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from inspect import isfunction
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.monitoring import CommandListener

from services.counter.archive.store import ArchiveStore
from services.stats.exporting.store import DaysStore
from services.stats.store import Store
from services.stats.traffic.made.store import ProjectionStore
from services.stats.traffic.sections.store import SectionStore
from services.stats.traffic.store import ANSWER_MILLISECONDS, WORK_MILLISECONDS, TrafficStore
from shared.rabbit.batch import batch_id
from shared.storage.books import LOST, Books
from shared.storage.quarters import PER_DAY, quarter_of
from tests.integration.conftest import Emptied

NOW = datetime(2026, 11, 23, 5, 7, tzinfo=UTC)
DAY = quarter_of(NOW) // PER_DAY
SPAN, LONG = (DAY * PER_DAY, (DAY + 1) * PER_DAY), ((DAY - 300) * PER_DAY, (DAY + 1) * PER_DAY)
READS = {"find", "aggregate", "count", "distinct"}
NO_QUERIES = {
    "apply",  # writes by id
    "delete",
    "for_answers",
    "ping",
    "repair",
    "snapshot",
    "watch",  # waits for changes, half a second at a time
    "write",
}


class Limits(CommandListener):
    """Notes the time limit of each reading command; None is none."""

    def __init__(self) -> None:
        self.noted: list[tuple[str, int | None, bool]] = []

    def started(self, event: Any) -> None:
        command = event.command
        if event.command_name in READS and not event.database_name.startswith(("admin", "config")):
            what = f"{event.command_name} {command[event.command_name]}"
            in_transaction = "autocommit" in command
            self.noted.append((what, command.get("maxTimeMS"), in_transaction))

    def succeeded(self, event: Any) -> None:
        """Nothing is noted."""

    def failed(self, event: Any) -> None:
        """Nothing is noted."""


class Asked:
    """The stores on a client whose commands are noted."""

    def __init__(self, client: Any, db: Any) -> None:
        self.store, self.books = Store(client, db), Books(db)
        self.traffic, self.days = self.store.traffic, self.store.days
        self.sections = SectionStore(client, db, self.traffic, lambda: NOW)
        self.archive = ArchiveStore(client, db)


Ask = Callable[[Asked, Any], Awaitable[object] | AsyncIterator[object]]


async def _holes(asked: Asked, session: Any, *, late: bool) -> object:
    epoch = await asked.books.epoch(session, "e1")
    assert epoch
    return await (asked.books.late_holes if late else asked.books.holes)(session, epoch)


EDGES = [SPAN[0], SPAN[1]]
ASKED: dict[str, Ask] = {
    "Store.held": lambda a, s: a.store.held("", 9),
    "Store.article": lambda a, s: a.store.article(s, "a1"),
    "Store.ledger_batches": lambda a, s: a.store.ledger_batches(),
    "Store.counted": lambda a, s: a.store.counted(s),
    "Store.counted_now": lambda a, s: a.store.counted_now(),
    "Store.top": lambda a, s: a.store.top(s, SPAN[0], 9),
    "Store.totals": lambda a, s: a.store.totals(s),
    "Books.complete_through": lambda a, s: a.books.complete_through(s, NOW),
    "Books.missing": lambda a, s: a.books.missing(s, NOW),
    "Books.running_gaps": lambda a, s: a.books.running_gaps(s, NOW),
    "Books.lost": lambda a, s: a.books.lost(s),
    "Books.epoch": lambda a, s: a.books.epoch(s, "e1"),
    "Books.holes": lambda a, s: _holes(a, s, late=False),
    "Books.late_holes": lambda a, s: _holes(a, s, late=True),
    "DaysStore.next_article": lambda a, s: a.days.next_article(s, "", LONG, archived=True),
    "DaysStore.quarters_of": lambda a, s: a.days.quarters_of(s, ["a1"], LONG),
    "DaysStore.days": lambda a, s: a.days.days(s, "a1", LONG, archived=True),
    "DaysStore.parts": lambda a, s: a.days.parts(s, "a1", LONG, archived=True),
    "TrafficStore.markers": lambda a, s: a.traffic.markers(s),
    "TrafficStore.counted": lambda a, s: a.traffic.counted(s),
    "TrafficStore.markers_of": lambda a, s: a.traffic.markers_of(s, "2026-11-23"),
    "TrafficStore.site_buckets": lambda a, s: a.traffic.site_buckets(s, {"$gt": ""}),
    "TrafficStore.first_day": lambda a, s: a.traffic.first_day(s),
    "TrafficStore.since": lambda a, s: a.traffic.since(s),
    "TrafficStore.bucket_documents": lambda a, s: a.traffic.bucket_documents(),
    "TrafficStore.sums": lambda a, s: a.traffic.sums(s, LONG, SPAN[1]),
    "TrafficStore.open_quarters": lambda a, s: a.traffic.open_quarters(s, SPAN[0]),
    "TrafficStore.day_quarters": lambda a, s: a.traffic.day_quarters(s, DAY),
    "TrafficStore.articles_quarters": lambda a, s: a.traffic.articles_quarters(s, ["a1"]),
    "TrafficStore.article_parts": lambda a, s: a.traffic.article_parts(s, "a1", EDGES, "q"),
    "TrafficStore.heads": lambda a, s: a.traffic.heads(s),
    "TrafficStore.head": lambda a, s: a.traffic.head(s, "x"),
    "TrafficStore.projections": lambda a, s: a.traffic.projections(s, ["x"]),
    "TrafficStore.projection": lambda a, s: a.traffic.projection(s, "x"),
    "ProjectionStore.repairs": lambda a, s: a.traffic.made.repairs(s),
    "SectionStore.listed": lambda a, s: a.sections.listed(s, None),
    "SectionStore.any_in": lambda a, s: a.sections.any_in("tin", ["a1"]),
    "SectionStore.baseline": lambda a, s: a.sections.baseline(s),
    "SectionStore.titles": lambda a, s: a.sections.titles(["a1"]),
    "SectionStore.shifts": lambda a, s: a.sections.shifts(s),
    "SectionStore.made_days": lambda a, s: a.sections.made_days(s),
    "SectionStore.quarters": lambda a, s: a.sections.quarters(s, [DAY]),
    "SectionStore.make_day": lambda a, s: a.sections.make_day(DAY),
    "SectionStore.check_day": lambda a, s: a.sections.check_day(DAY),
    "SectionStore.moving": lambda a, s: a.sections.moving(9),
    "SectionStore.move": lambda a, s: a.sections.move(["a1"]),
    "ArchiveStore.waiting": lambda a, s: a.archive.waiting("2026-12-01"),
    "ArchiveStore.first_day": lambda a, s: a.archive.first_day("2026-01-01", "2026-12-01"),
    "ArchiveStore.articles_of": lambda a, s: a.archive.articles_of("2026-11-23"),
    "ArchiveStore.move": lambda a, s: a.archive.move("a1", "2026-11"),
}


def test_every_query_of_every_store_is_asked_for() -> None:
    stores = (Store, Books, DaysStore, TrafficStore, ProjectionStore, SectionStore, ArchiveStore)
    methods = {
        f"{each.__name__}.{name}"
        for each in stores
        for name, member in vars(each).items()
        if isfunction(member) and not name.startswith("_") and name not in NO_QUERIES
    }
    assert methods == ASKED.keys()


async def _filled(db: Any) -> None:
    """A document of each kind, so that no store stops before its last query."""
    bucket = {"day": "2026-11-23", "slot": 0, "reads": 3, "q": {"20": 3}, "v": 1}
    for article in ("*", "a1"):
        name = f"{article}/2026-11-23/0"
        await db.buckets.insert_one({"_id": name, "article": article} | bucket)
    await db.catalogue.insert_one(
        {"_id": "a1", "v": 1, "revision": 1, "state": "published", "title": "", "url": "",
         "section": "tin", "counted_in": "van-hoa", "baseline": 1, "published_at": NOW,
         "content_revision": 1}
    )  # fmt: skip
    await db.books.insert_one(
        {"_id": "e1/0", "v": 1, "epoch": "e1", "slot": 0, "batches": 1, "accepted": 3,
         "duplicates": 0, "filtered": {"bot": 1}, "max_seq": 5, "first_minted_at": NOW,
         "last_minted_at": NOW}
    )  # fmt: skip
    await db.ledger.insert_one({"_id": batch_id("e1", 5), "v": 1, "minted_at": NOW})
    await db.parked.insert_one(
        {"_id": "e1-3", "v": 1, "epoch": "e1", "seq": 3, "reads": 0, "reason": LOST,
         "parked_at": NOW}
    )  # fmt: skip


async def _ask(method: str, asked: Asked) -> None:
    async with asked.store.snapshot() as session:
        answer = ASKED[method](asked, session)
        if isinstance(answer, AsyncIterator):
            async for _ in answer:
                pass
        else:
            await answer


async def test_every_query_has_a_time_limit(emptied: Emptied, mongo_url: str) -> None:
    await _filled(emptied.db)
    limits = Limits()
    client: Any = AsyncIOMotorClient(
        mongo_url, tz_aware=True, w="majority", event_listeners=[limits]
    )
    asked, without, queries, in_transactions = Asked(client, client[emptied.db.name]), [], 0, 0
    await asked.sections.make_day(DAY)
    try:
        for method in ASKED:
            limits.noted.clear()
            await _ask(method, asked)
            assert limits.noted, method
            without += [(method, what) for what, limit, _ in limits.noted if limit is None]
            queries += len(limits.noted)
            in_transactions += sum(1 for each in limits.noted if each[2])
    finally:
        client.close()
    print(f"\n{queries} queries of {len(ASKED)} methods, {in_transactions} in transactions")
    assert without == []
    assert in_transactions > 10


async def test_a_client_waits_for_an_answer_no_longer_than_for_others(
    emptied: Emptied, mongo_url: str
) -> None:
    limits = Limits()
    client: Any = AsyncIOMotorClient(mongo_url, event_listeners=[limits])
    traffic = TrafficStore(client, client[emptied.db.name])
    try:
        async with traffic.snapshot() as session:
            await traffic.sums(session, LONG, SPAN[1])
            await traffic.for_answers().sums(session, LONG, SPAN[1])
    finally:
        client.close()
    assert [limit for _, limit, _ in limits.noted] == [
        WORK_MILLISECONDS, WORK_MILLISECONDS, ANSWER_MILLISECONDS, ANSWER_MILLISECONDS,
    ]  # fmt: skip
