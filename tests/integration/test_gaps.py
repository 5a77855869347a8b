"""A gap in the books: seen, closed by an operator, and right again when its batches turn up after
all.
"""

import asyncio
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from luotdoc_subscriber.base.clock import now, rfc3339, to_millis
from luotdoc_subscriber.base.errors import Refused
from services.counter.operate import close_gap, give_up_missing, list_gaps
from services.counter.settings import CounterSettings
from services.counter.store import CounterStore
from shared.rabbit.batch import QUARTER_MS, Batch, batch_id
from shared.storage import mongo
from shared.storage.books import Books
from shared.storage.gaps import Hole, holes
from tests.support.reporting import reporting
from tests.support.system import System

HOUR = timedelta(hours=1)


def batch(epoch: str, number: int, at: datetime, reads: int = 1) -> Batch:
    minted = to_millis(at)
    return Batch(
        batch_id(epoch, number), minted, [("reader", "a1", minted // QUARTER_MS, reads, 0, 0)]
    )


class Rig:
    """The counter's store and what stats tells, on the run's database."""

    def __init__(self, system: System) -> None:
        self.client, self.db = mongo.connect(system.database.url, "test")
        self.counter, self.books = CounterStore(self.client, self.db, now), Books(self.db)
        self.reports = reporting(self.client, self.db, now, ZoneInfo("UTC")).reports
        self.settings = CounterSettings(
            amqp_url=system.broker.url, mongo_url=system.database.url_of("counter")
        )

    async def seen(self, epoch: str, numbers: list[int], since: datetime, step: timedelta) -> None:
        await self.counter.flush([batch(epoch, n, since + n * step) for n in numbers], 0)

    async def give_up(
        self, epoch: str, no_spool: bool = False, moment: datetime | None = None
    ) -> int:
        return await give_up_missing(
            self.client, self.counter, self.books, epoch, no_spool, moment or now()
        )


async def test_a_gap_of_a_running_ingest_is_seen_closed_and_right_when_a_batch_turns_up(
    system: System, capsys: pytest.CaptureFixture[str]
) -> None:
    rig, began = Rig(system), now() - HOUR
    await rig.seen("e1", [0, 1, 2, 5], began, timedelta(minutes=1))
    await rig.seen("e1", [6], now() - timedelta(seconds=6), timedelta(seconds=1))
    books = await rig.reports.reconciliation()
    (gap,) = books.running_gaps
    assert (gap.epoch, gap.missing, gap.since) == ("e1", 2, rfc3339(began + timedelta(minutes=2)))
    assert (books.in_flight, books.lost, books.balance, books.gaps) == (2, 0, 0, [])
    assert books.complete_through == gap.since
    assert await list_gaps(rig.settings) == 0
    assert "e1  2 batches missing  running" in capsys.readouterr().out

    assert await close_gap(rig.settings, "e1", False) == 0
    assert capsys.readouterr().out == "e1: 2 batches are noted as lost\n"
    assert await close_gap(rig.settings, "e1", False) == 0
    assert capsys.readouterr().out == "e1: nothing is missing\n"
    books = await rig.reports.reconciliation()
    assert (books.in_flight, books.lost, books.balance, books.running_gaps) == (0, 2, 0, [])
    assert datetime.fromisoformat(str(books.complete_through)) > now() - timedelta(minutes=1)
    assert (books.accepted, books.counted, books.parked) == (5, 5, 0)

    await rig.counter.flush([batch("e1", 3, began, 10)], 1)  # it was in a spool after all
    await rig.counter.flush([batch("e1", 3, began, 10)], 1)
    books = await rig.reports.reconciliation()
    assert (books.accepted, books.counted, books.lost, books.in_flight, books.balance) == (
        15,
        15,
        1,
        0,
        0,
    )
    await rig.counter.note_parked(batch_id("e1", 4), 7, "too_old", now())
    books = await rig.reports.reconciliation()
    assert (books.accepted, books.parked, books.lost, books.in_flight, books.balance) == (
        22,
        7,
        0,
        0,
        0,
    )
    await mongo.close(rig.client)


async def test_what_could_still_arrive_is_not_given_up(system: System) -> None:
    rig = Rig(system)
    await rig.seen("young", [0, 2], now() - timedelta(minutes=14), timedelta(seconds=1))
    with pytest.raises(Refused, match="younger than 15 minutes"):
        await rig.give_up("young", no_spool=True)
    await rig.seen("ended", [0, 2], now() - HOUR, timedelta(seconds=1))
    with pytest.raises(Refused, match="its spool may hold the batches"):
        await rig.give_up("ended")
    with pytest.raises(Refused, match="no batch of such an epoch"):
        await rig.give_up("nobody")
    assert await rig.give_up("ended", no_spool=True) == 1
    await rig.seen("false", [0, 999_999_999_999], now() - HOUR, timedelta())
    with pytest.raises(Refused, match="a batch with a forged number was published"):
        await rig.give_up("false", no_spool=True)
    await rig.seen("whole", [0, 1], now() - HOUR, timedelta(seconds=1))
    assert await rig.give_up("whole") == 0
    await mongo.close(rig.client)


async def test_a_gap_that_the_ledger_has_forgotten_around_can_be_closed(system: System) -> None:
    rig = Rig(system)
    await rig.seen("old", [0, 1, 3], now() - 100 * HOUR, timedelta(seconds=1))
    await rig.seen("old", [4, 6, 7], now() - HOUR, timedelta(seconds=1))
    await rig.seen("old", [8], now() - timedelta(seconds=8), timedelta(seconds=1))
    await rig.db.ledger.delete_many(
        {"_id": {"$in": [batch_id("old", n) for n in (0, 1, 3)]}}
    )  # expired
    assert await rig.give_up("old") == 2
    books = await rig.reports.reconciliation()
    assert (books.in_flight, books.lost, books.running_gaps) == (0, 2, [])
    assert await rig.give_up("old") == 0
    await mongo.close(rig.client)


async def test_a_batch_that_is_counted_while_it_is_given_up_is_in_the_books_once(
    system: System,
) -> None:
    rig, began = Rig(system), now() - HOUR
    await rig.seen("e1", [0, 41], began, timedelta(seconds=1))
    late = [batch("e1", number, began) for number in range(1, 41)]
    await asyncio.gather(
        *(rig.counter.flush([one], 1 + index % 8) for index, one in enumerate(late)),
        *(rig.counter.give_up("e1", list(range(at, at + 8)), now()) for at in (1, 9, 17, 25, 33)),
    )
    books = await rig.reports.reconciliation()
    assert (books.counted, books.accepted, books.lost, books.in_flight) == (42, 42, 0, 0)
    await mongo.close(rig.client)


def test_holes_are_the_numbers_that_nobody_has_seen() -> None:
    first, second, last = (now() - hours * HOUR for hours in (3, 2, 1))
    assert holes(6, last, [(1, first), (4, second)], frozenset({2, 6})) == [
        Hole(0, first),
        Hole(3, second),
        Hole(5, last),
    ]
    assert holes(1, last, [(0, first), (1, last)], frozenset()) == []
