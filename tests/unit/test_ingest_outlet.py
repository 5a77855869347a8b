"""The way out: RabbitMQ if it confirms, else the disk, and from there to RabbitMQ under the same
ids.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aio_pika.exceptions import DeliveryError
from pamqp.commands import Basic

from luotdoc_subscriber.base.clock import to_millis
from luotdoc_subscriber.base.metrics import Registry, new_registry
from services.ingest.metrics import IngestMetrics
from services.ingest.reads import outlet as module
from services.ingest.reads.outlet import Outlet
from services.ingest.reads.segment import encode_record
from services.ingest.reads.spool import Spool, SpoolFull
from shared.rabbit.batch import Batch
from tests.support.batch_publisher import AWAY, UNROUTED, ConfirmsInMemory

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def batch(number: int) -> Batch:
    return Batch(
        f"e1-{number:012d}", to_millis(NOON) - 5000 + number, [("reader", "ls0001", 1, 1, 0, 0)]
    )


@asynccontextmanager
async def opened(
    broker: ConfirmsInMemory,
    folder: Path,
    limit: int = 1 << 20,
    segment: int = 1 << 20,
    registry: Registry | None = None,
) -> AsyncIterator[Outlet]:
    one = Outlet(
        publish=broker,
        spool=Spool(folder, limit, segment),
        clock=lambda: NOON,
        metrics=IngestMetrics(registry or new_registry()),
    )
    await one.open()
    try:
        yield one
    finally:
        await one.close()


@asynccontextmanager
async def forwarding(one: Outlet) -> AsyncIterator[None]:
    task = asyncio.create_task(one.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def eventually(what: Callable[[], bool]) -> None:
    async with asyncio.timeout(3):
        while not what():  # noqa: ASYNC110  (what changes is on disk)
            await asyncio.sleep(0.001)


def room_in(one: Outlet) -> bool:
    return one.refusing is None


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.spool"))


@pytest.fixture(autouse=True)
def _short_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PROBE_SECONDS", 0.01)


async def test_what_the_broker_confirms_never_touches_the_disk(tmp_path: Path) -> None:
    broker = ConfirmsInMemory()
    async with opened(broker, tmp_path) as one:
        await one.deliver(batch(1))
        await one.deliver(batch(2))
    assert (broker.confirmed, files(tmp_path)) == ([1, 2], [])


@pytest.mark.parametrize("error", [AWAY, UNROUTED, DeliveryError(None, Basic.Nack(1))])
async def test_what_it_does_not_confirm_is_on_the_disk_when_deliver_returns(
    error: Exception, tmp_path: Path
) -> None:
    broker = ConfirmsInMemory()
    broker.fails = lambda _: error
    async with opened(broker, tmp_path) as one:
        await one.deliver(batch(1))
        assert [file.read_bytes() for file in files(tmp_path)] == [encode_record(batch(1))]
        assert room_in(one)


async def test_a_broker_that_is_away_is_not_asked_for_every_batch(tmp_path: Path) -> None:
    broker = ConfirmsInMemory()
    broker.fails = lambda _: AWAY
    async with opened(broker, tmp_path) as one:
        for number in range(1, 4):
            await one.deliver(batch(number))
    assert broker.asked == [1]


async def test_a_bug_is_no_reason_to_spool(tmp_path: Path) -> None:
    broker = ConfirmsInMemory()
    broker.fails = lambda _: ZeroDivisionError()
    async with opened(broker, tmp_path) as one:
        with pytest.raises(ZeroDivisionError):
            await one.deliver(batch(1))
    assert files(tmp_path) == []


async def test_when_the_broker_is_back_the_spool_is_forwarded_under_the_same_ids(
    tmp_path: Path,
) -> None:
    broker = ConfirmsInMemory()
    broker.fails = lambda _: AWAY
    async with opened(broker, tmp_path, segment=300) as one:
        for number in range(1, 8):
            await one.deliver(batch(number))
        assert len(files(tmp_path)) > 1
        async with forwarding(one):
            await eventually(lambda: broker.asked.count(1) > 3)
            assert set(broker.asked) == {1}  # it is probed with one batch, not with all

            broker.fails = lambda _: None
            await eventually(lambda: not files(tmp_path))
            assert broker.confirmed == [1, 2, 3, 4, 5, 6, 7]

            await one.deliver(batch(8))
            assert (broker.confirmed[-1], files(tmp_path)) == (8, [])


async def test_what_an_earlier_process_left_goes_first_of_all(tmp_path: Path) -> None:
    broker = ConfirmsInMemory()
    broker.fails = lambda _: AWAY
    async with opened(broker, tmp_path) as one:
        await one.deliver(batch(1))
        await one.deliver(batch(2))
    broker.fails = lambda _: None
    async with opened(broker, tmp_path) as again, forwarding(again):
        await eventually(lambda: not files(tmp_path))
    assert broker.confirmed == [1, 2]


async def test_a_broker_that_goes_again_while_the_spool_is_forwarded_gets_all_of_it_later(
    tmp_path: Path,
) -> None:
    broker = ConfirmsInMemory()
    broker.fails = lambda _: AWAY
    async with opened(broker, tmp_path) as one:
        for number in range(1, 31):
            await one.deliver(batch(number))
        broker.fails = lambda number: AWAY if number == 25 else None
        async with forwarding(one):
            await eventually(lambda: broker.asked.count(25) > 1)
            assert files(tmp_path)
            broker.fails = lambda _: None
            await eventually(lambda: not files(tmp_path))
    assert set(broker.confirmed) == set(range(1, 31))


async def test_a_long_outage_fills_segments_and_makes_no_file_per_probe(tmp_path: Path) -> None:
    broker = ConfirmsInMemory()
    broker.fails = lambda _: AWAY
    size = len(encode_record(batch(0)))
    async with opened(broker, tmp_path, segment=10 * size) as one, forwarding(one):
        for number in range(1, 32):
            await one.deliver(batch(number))
            probes = len(broker.asked)
            await eventually(lambda probes=probes: len(broker.asked) > probes)  # type: ignore[misc]
        assert (
            len(files(tmp_path)) <= 1 + 4
        )  # what the first probe found, then full ones and the last

        broker.fails = lambda _: None
        await eventually(lambda: not files(tmp_path))
        await one.deliver(batch(32))
    assert (sorted(set(broker.confirmed)), files(tmp_path)) == (list(range(1, 33)), [])


async def test_a_full_spool_refuses_and_says_so(tmp_path: Path) -> None:
    broker = ConfirmsInMemory()
    broker.fails = lambda _: AWAY
    async with opened(broker, tmp_path, limit=2 * len(encode_record(batch(1)))) as one:
        await one.deliver(batch(1))
        await one.deliver(batch(2))
        assert room_in(one)
        with pytest.raises(SpoolFull):
            await one.deliver(batch(3))
        assert not room_in(one)

        broker.fails = lambda _: None
        async with forwarding(one):
            await eventually(lambda: not files(tmp_path))
            assert room_in(one)
            await one.deliver(batch(3))
    assert broker.confirmed == [1, 2, 3]


async def test_where_the_disk_takes_nothing_the_broker_is_asked_again(tmp_path: Path) -> None:
    broker = ConfirmsInMemory()
    broker.fails = lambda _: AWAY
    async with opened(broker, tmp_path, limit=10) as one, forwarding(one):
        for _ in range(2):
            with pytest.raises(SpoolFull):
                await one.deliver(batch(1))
        broker.fails = lambda _: None
        await one.deliver(batch(1))
        assert room_in(one)
    assert broker.confirmed == [1]


async def test_what_waits_on_disk_is_measured(tmp_path: Path) -> None:
    registry = new_registry()

    def measured(what: str) -> float | None:
        return registry.get_sample_value(f"luotdoc_spool_{what}")

    broker = ConfirmsInMemory()
    broker.fails = lambda _: AWAY
    async with opened(broker, tmp_path, registry=registry) as one:
        await one.deliver(batch(0))
        await one.deliver(batch(1000))
        assert (
            measured("bytes")
            == sum(file.stat().st_size for file in files(tmp_path))
            == 2 * len(encode_record(batch(0)))
        )
        assert measured("oldest_seconds") == 5.0
        broker.fails = lambda _: None
        async with forwarding(one):
            await eventually(lambda: measured("bytes") == 0)
        assert files(tmp_path) == []
        assert measured("oldest_seconds") == 0
