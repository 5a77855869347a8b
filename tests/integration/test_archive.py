"""Old days move from the buckets to the archive, and no snapshot shows a figure changed."""

import asyncio
import logging
import random
from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from services.counter.archive.mover import Mover
from services.counter.archive.store import ArchiveStore
from services.counter.store import CounterStore
from services.stats.store import Store
from shared.storage.transactions import snapshot
from tests.integration.conftest import Emptied
from tests.support.archived import Sums, all_sums, old_batch, quarter_at
from tests.support.reporting import reads_between

NOW = datetime(2026, 11, 27, 15, tzinfo=UTC)  # 100 days earlier is 19 August
ARTICLES = [f"a{number}" for number in range(6)]
CLASSES = ["reader", "reader", "batch", "bot", "reload"]


class Rest:
    """A pause that takes no time and notes what was asked for."""

    def __init__(self) -> None:
        self.asked: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.asked.append(seconds)
        await asyncio.sleep(0)


def mover(emptied: Emptied, rest: Rest | None = None, **more: object) -> Mover:
    return Mover(
        store=ArchiveStore(emptied.client, emptied.db),
        clock=lambda: NOW,
        keep_days=100,
        pause=rest or Rest(),
        **more,  # type: ignore[arg-type]
    )


async def moved(one: Mover) -> int:
    """The number of buckets that a pass moves."""
    return sum([number async for number in one.moves()])


async def fill(emptied: Emptied, seed: int = 1) -> Sums:
    """Reads of June to September, in several slots; answers what both collections hold then."""
    draw = random.Random(seed)
    counter = CounterStore(emptied.client, emptied.db, lambda: NOW)
    for sequence in range(60):
        day = f"2026-0{draw.randint(6, 9)}-{draw.choice([1, 2, 15, 29, 30]):02}"
        groups = [
            (draw.choice(CLASSES), article, quarter_at(day, draw.randrange(96)), 1 + n, 0, 0)
            for n, article in enumerate(draw.sample(ARTICLES, 4))
        ]
        await counter.flush([old_batch(sequence, *groups)], sequence % 3)
    return await all_sums(emptied.db)


async def test_whole_months_move_and_the_site_s_days_stay(emptied: Emptied) -> None:
    before = await fill(emptied)
    old = {"article": {"$ne": "*"}, "day": {"$lt": "2026-08-01"}}
    number = await emptied.db.buckets.count_documents(old)
    sites = await emptied.db.buckets.count_documents({"article": "*"})
    one = mover(emptied)
    assert await one.waiting() == number > 50
    assert await moved(one) == number
    assert await one.waiting() == 0
    assert await emptied.db.buckets.count_documents(old) == 0
    assert await emptied.db.buckets.count_documents({"article": "*"}) == sites
    assert await emptied.db.archive.distinct("month") == ["2026-06", "2026-07"]
    assert await emptied.db.archive.count_documents({"article": "*"}) == 0
    assert await emptied.db.archive.count_documents({"v": 1}) == len(ARTICLES) * 2
    assert await all_sums(emptied.db) == before
    assert await moved(one) == 0


async def test_stats_finds_every_read_of_an_article_wherever_it_is(emptied: Emptied) -> None:
    before = await fill(emptied)
    await moved(mover(emptied))
    stats, draw = Store(emptied.client, emptied.db), random.Random(2)
    first, end = quarter_at("2026-05-31"), quarter_at("2026-10-01")
    figures = 0
    for article in [*ARTICLES, "*", "unknown"]:
        for step in (1, 4, 95, 96, 7 * 96, 3000, end - first):
            offset = draw.randrange(96)
            edges = list(range(first + offset, end, step))[-1500:]
            if len(edges) < 2:
                edges = [first, end]
            async with stats.snapshot() as session:
                answered = await reads_between(stats, session, article, edges)
            wanted = [
                sum(before["people", article, quarter] for quarter in range(a, b))
                for a, b in pairwise(edges)
            ]
            assert answered == wanted, (article, step)
            figures += len(wanted)
    assert figures > 10_000


async def test_a_late_read_of_an_archived_month_is_added_by_the_next_move(
    emptied: Emptied,
) -> None:
    before = await fill(emptied)
    one = mover(emptied)
    await moved(one)
    counter = CounterStore(emptied.client, emptied.db, lambda: NOW)
    quarter = quarter_at("2026-06-15", 7)
    forced = old_batch(1, ("reader", "a1", quarter, 5, 0, 0), ("bot", "a1", quarter, 2, 0, 0),
                       ("reader", "new", quarter, 1, 0, 0), epoch="late")  # fmt: skip
    await counter.flush([forced], 9)
    wanted = before + Counter(
        {
            ("people", "a1", quarter): 5, ("bot", "a1", quarter): 2, ("people", "new", quarter): 1,
            ("people", "*", quarter): 6, ("bot", "*", quarter): 2,
        }
    )  # fmt: skip
    assert await one.waiting() == 2
    stats = Store(emptied.client, emptied.db)

    async def answered() -> list[list[int]]:
        async with stats.snapshot() as session:
            return [
                await reads_between(stats, session, article, [quarter, quarter + 1])
                for article in ("a1", "new", "*")
            ]

    partly = await answered()
    assert partly == [[wanted["people", name, quarter]] for name in ("a1", "new", "*")]
    assert await all_sums(emptied.db) == wanted
    assert await moved(one) == 2
    assert await all_sums(emptied.db) == wanted
    assert await answered() == partly


async def test_every_snapshot_has_every_quarter_exact_while_movers_run_beside_flushes(
    emptied: Emptied,
) -> None:
    """The oracle is the ledger of the same snapshot: it says which flushes are in it."""
    before = await fill(emptied)
    draw = random.Random(3)
    late: dict[str, Sums] = {}
    batches = []
    for sequence in range(150):
        article, kind = draw.choice(ARTICLES), draw.choice(["reader", "batch", "bot"])
        quarter = quarter_at(f"2026-0{draw.randint(6, 7)}-15", draw.randrange(96))
        one = old_batch(sequence, (kind, article, quarter, 1, 0, 0), epoch="late")
        batches.append(one)
        named = ["people", "batch"] if kind == "batch" else [{"reader": "people"}.get(kind, kind)]
        late[one.batch_id] = Counter(
            {(name, who, quarter): 1 for name in named for who in (article, "*")}
        )
    done, looks, figures = asyncio.Event(), 0, 0

    async def flush() -> None:
        counter = CounterStore(emptied.client, emptied.db, lambda: NOW)
        for number, one in enumerate(batches):
            await counter.flush([one], number % 3)

    async def move() -> None:
        one = mover(emptied)
        while not done.is_set():
            await moved(one)

    async def look() -> None:
        nonlocal looks, figures
        while not done.is_set():
            async with snapshot(emptied.client) as session:
                ledger = emptied.db.ledger.find({"_id": {"$gte": "late"}}, session=session)
                wanted = Counter(before)
                async for entry in ledger:
                    wanted.update(late[entry["_id"]])
                found = await all_sums(emptied.db, session)
            assert found == wanted
            looks, figures = looks + 1, figures + len(wanted)

    async def work() -> None:
        await flush()
        done.set()

    await asyncio.wait_for(asyncio.gather(work(), move(), move(), look(), look()), 120)
    assert looks > 20
    everything = before + sum(late.values(), Counter())
    await moved(mover(emptied))
    assert await all_sums(emptied.db) == everything
    assert await emptied.db.buckets.count_documents(
        {"article": {"$ne": "*"}, "day": {"$lt": "2026-08-01"}}
    ) == 0  # fmt: skip
    print(f"{looks} snapshots, {figures} figures, none wrong")


async def test_movers_at_once_move_every_bucket_once(emptied: Emptied) -> None:
    before = await fill(emptied)
    one = mover(emptied)
    number = await one.waiting()
    shares = await asyncio.gather(*(moved(mover(emptied)) for _ in range(4)))
    assert sum(shares) == number
    assert await all_sums(emptied.db) == before


async def test_a_bucket_that_cannot_be_read_stays_and_holds_up_nothing_else(
    emptied: Emptied, caplog: pytest.LogCaptureFixture
) -> None:
    before = await fill(emptied)
    fixed = {"article": "x", "day": "2026-06-01", "slot": 0, "reads": 1}
    await emptied.db.buckets.insert_many(
        [
            {"_id": "x/2026-06-01/0", "v": 2, "q": {"0": 1}, **fixed},
            {"_id": "y/2026-06-01/0", "v": 1, **fixed, "article": "y", "q": {"0": "many"}},
        ]
    )
    one = mover(emptied)
    number = await one.waiting()
    with caplog.at_level(logging.WARNING):
        assert await moved(one) == number - 2
    assert await one.waiting() == 2
    assert sorted(record.getMessage() for record in caplog.records) == [
        "2026-06 of the article x stays in the buckets: the document buckets/x/2026-06-01/0 has "
        "version 2, and this release reads up to 1: run the release that wrote it",
        "2026-06 of the article y stays in the buckets: days.01.q.0 is 'many', no whole number",
    ]
    await emptied.db.buckets.delete_many({"article": {"$in": ["x", "y"]}})
    assert await all_sums(emptied.db) == before


async def test_a_mover_rests_and_waits_while_flushes_are_behind(emptied: Emptied) -> None:
    await fill(emptied)
    rest, behind = Rest(), [True, True, False]
    seconds = iter(range(10_000))
    one = mover(
        emptied,
        rest,
        per_second=4.0,
        behind=lambda: bool(behind and behind.pop(0)),
        seconds=lambda: float(next(seconds)),
    )
    numbers = [number async for number in one.moves()]
    assert rest.asked[:2] == [1.0, 1.0]
    # A move takes a second here; four buckets are worth one.
    assert rest.asked[2:] == [max(1.0, number / 4) for number in numbers]
    assert max(rest.asked) > 1.0


async def test_a_move_of_nothing_writes_nothing(emptied: Emptied) -> None:
    store = ArchiveStore(emptied.client, emptied.db)
    assert await store.move("a1", "2026-06") == 0
    assert await emptied.db.archive.count_documents({}) == 0
    assert await store.first_day("", "2026-08-01") is None
    assert await moved(mover(emptied)) == 0
