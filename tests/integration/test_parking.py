"""Messages that cannot be handled wait apart, with their reason, and the queue moves on."""

import time
from typing import Any

import aio_pika
import orjson
import pytest

from luotdoc_subscriber.base.clock import from_millis
from shared.rabbit.batch import QUARTER_MS, batch_id
from tests.support.system import ROOT, System, until

NOW = int(time.time() * 1000)
QUARTER = NOW // QUARTER_MS


def _body(*groups: list[Any]) -> bytes:
    return orjson.dumps({"v": 2, "groups": [[*group, 0, 0] for group in groups]})


GOOD_BODY = _body(["reader", "a1", QUARTER, 1])
FIRST = batch_id("e1", 0)


async def _publish(
    system: System, exchange: str, key: str, messages: list[aio_pika.Message]
) -> None:
    async with await aio_pika.connect(system.broker.url) as connection:
        channel = await connection.channel(publisher_confirms=True)
        target = await channel.get_exchange(exchange)
        for message in messages:
            await target.publish(message, key)


async def _parked(system: System, queue: str) -> list[tuple[str, str, bytes]]:
    found = []
    async with await aio_pika.connect(system.broker.url) as connection:
        channel = await connection.channel()
        own = await channel.get_queue(queue)
        while message := await own.get(fail=False):
            reason, detail = (
                str(message.headers["x-luotdoc-reason"]),
                str(message.headers["x-luotdoc-detail"]),
            )
            assert message.headers["x-luotdoc-parked-at"]
            found.append((reason, detail, message.body))
            await message.ack()
    return found


def _batch(body: bytes, **headers: Any) -> aio_pika.Message:
    filled = {"batch_id": FIRST, "minted_at": NOW, "reads": 1, **headers}
    return aio_pika.Message(body, headers={k: v for k, v in filled.items() if v is not None})


async def test_bad_batches(system: System) -> None:
    await system.start("counter", flush_interval="0.1")
    old = NOW - 72 * 3600 * 1000
    of_then = _body(["reader", "a1", old // QUARTER_MS, 1])
    bad = [
        (_batch(b"\xff"), "bad_body"),
        (_batch(b"[]"), "bad_body"),
        (_batch(b'{"reads": [["a1", "x", "reader", ""]]}'), "bad_body"),
        (_batch(b'{"v": 2, "groups": [["reader", "a1", "x", 1, 0, 0]]}'), "bad_body"),
        (
            _batch(b'{"v": 2, "groups": [["reader", "a1", 5, 1, 5, 1]], "visitors": "?"}'),
            "bad_body",
        ),
        (_batch(b'{"v": 3, "groups": [["reader", "a1", 5, 1, 0, 0]]}'), "bad_body"),
        (_batch(_body(["machine", "a1", QUARTER, 1])), "bad_body"),
        (_batch(b'{"reads": [["a1", 5]]}'), "bad_body"),
        (_batch(b'{"reads": [[null, 5, "reader", ""]]}'), "bad_body"),
        (_batch(GOOD_BODY, reads=2), "bad_body"),
        (_batch(GOOD_BODY, batch_id=None), "bad_headers"),
        (_batch(GOOD_BODY, batch_id="../x"), "bad_headers"),
        (_batch(GOOD_BODY, minted_at="now"), "bad_headers"),
        (_batch(of_then, minted_at=old), "too_old"),
    ]
    noted = {}
    for sequence, (message, reason) in enumerate(bad):
        if message.headers.get("batch_id") == FIRST:
            message.headers["batch_id"] = batch_id("e1", sequence)
            noted[batch_id("e1", sequence)] = reason
    good = _batch(GOOD_BODY, batch_id=batch_id("e1", len(bad)))
    await _publish(system, "luotdoc.reads", "batch", [message for message, _ in bad] + [good])
    await until(lambda: system.counted(), 10, "the good batch behind the bad ones is counted")
    assert await system.counted() == 1

    async def settled() -> bool:
        return await system.queue_depth("counter.reads.parked") == len(bad)

    await until(settled, 10, "the bad ones are parked")
    metrics = f"{system.url('counter')}/metrics"
    oldest = 'luotdoc_parked_oldest_seconds{queue="counter.reads.parked",reason="bad_body"} '

    async def told() -> bool:
        return oldest in (await system.http.get(metrics)).text

    await until(told, 12, "reason and age of the oldest one are in the metrics")
    parked = await _parked(system, "counter.reads.parked")
    assert [reason for reason, _, _ in parked] == [reason for _, reason in bad]
    assert all(detail for _, detail, _ in parked)
    assert parked[0][2] == b"\xff"
    assert await system.queue_depth("counter.reads") == 0

    async def gone() -> bool:
        return oldest not in (await system.http.get(metrics)).text

    await until(gone, 12, "nothing is parked any more")
    notes = {d["_id"]: d["reason"] async for d in system.db.parked.find()}
    assert len(notes) == len(bad) - 2
    assert notes == noted


@pytest.mark.parametrize(
    ("service", "queue"), [("render", "render.articles"), ("stats", "stats.articles")]
)
async def test_bad_events(system: System, service: str, queue: str) -> None:
    await system.start("ingest")
    await system.start(service)
    envelope = {
        "specversion": "1.0",
        "id": "x",
        "source": "/test",
        "type": "luotdoc.article.published.v1",
        "time": "2026-01-01T00:00:00Z",
        "data": {},
    }
    whole = orjson.loads((ROOT / "docs/events/examples/article.published.v1.json").read_bytes())
    bad = [
        # no guard could drop these
        *(
            (orjson.dumps({name: whole[name] for name in whole if name != left_out}), "bad_event")
            for left_out in ("subject", "sequence")
        ),
        (b"\xff", "bad_event"),
        (b"{}", "bad_event"),
        (orjson.dumps(envelope), "bad_event"),
        (orjson.dumps({**envelope, "type": "luotdoc.article.exploded.v1"}), "unknown_event"),
    ]
    await _publish(
        system, "luotdoc.events", "article.published", [aio_pika.Message(body) for body, _ in bad]
    )
    await system.put("a1")
    collection = system.db.pages if service == "render" else system.db.catalogue

    async def handled() -> bool:
        return await collection.find_one({"_id": "a1"}) is not None

    await until(handled, 10, "the good event behind the bad ones is handled")

    async def settled() -> bool:
        return await system.queue_depth(f"{queue}.parked") == len(bad)

    await until(settled, 10, "the bad ones are parked")
    parked = await _parked(system, f"{queue}.parked")
    assert sorted(reason for reason, _, _ in parked) == sorted(reason for _, reason in bad)
    assert any("data" in detail or "id" in detail for _, detail, _ in parked)
    assert await system.queue_depth(queue) == 0


async def test_the_same_batch_again_counts_once(system: System) -> None:
    """Repeated within a flush, in a later flush, and handed to another counter."""
    await system.start("counter", flush_interval="0.1")
    await system.start("counter", flush_interval="0.1")
    await _publish(system, "luotdoc.reads", "batch", [_batch(GOOD_BODY)] * 50)
    await until(lambda: system.counted(), 10, "it is counted")
    await _publish(system, "luotdoc.reads", "batch", [_batch(GOOD_BODY)] * 50)

    async def caught() -> bool:
        return await _duplicates(system) == 99

    await until(caught, 10, "the repetitions are in the books")
    assert await system.counted() == 1


async def _duplicates(system: System) -> int:
    pages: list[int] = [d["duplicates"] async for d in system.db.books.find()]
    return sum(pages)


async def test_batches_that_break_the_commit_are_parked_alone(system: System) -> None:
    """What no check foresaw, but MongoDB or our own code will never take: it is found by halving,
    the rest is counted.

    The store is told to fail on one batch, since every one that we know of is refused before it
    gets so far.
    """
    counter = await system.start(
        "counter",
        module="tests.support.counter_with_poison",
        poison=f"e1-{3:012d}",
        flush_interval="1",
    )
    batches = [_batch(GOOD_BODY, batch_id=f"e1-{number:012d}") for number in range(7)]
    await _publish(system, "luotdoc.reads", "batch", batches)

    async def settled() -> bool:
        return await system.counted() == 6 and await system.queue_depth("counter.reads.parked") == 1

    await until(settled, 15, "six are counted and one is parked")
    [(reason, detail, _)] = await _parked(system, "counter.reads.parked")
    assert (reason, "never" in detail) == ("bug", True)
    assert await system.queue_depth("counter.reads") == 0
    assert counter.popen.poll() is None


async def test_the_ledger_keeps_what_a_clock_ahead_has_minted(system: System) -> None:
    """It must know a batch for as long as the batch is not too old to be counted."""
    await system.start("counter", flush_interval="0.1")
    minted = NOW + 2 * 3600 * 1000
    await _publish(system, "luotdoc.reads", "batch", [_batch(GOOD_BODY, minted_at=minted)])
    await until(lambda: system.counted(), 10, "the batch is counted")
    entry = await system.db.ledger.find_one({})
    assert entry is not None
    assert entry["counted_at"] == from_millis(minted).replace(tzinfo=entry["counted_at"].tzinfo)


async def test_what_mongodb_never_takes_does_not_stop_the_rest(system: System) -> None:
    """A hand in the database has left a count that is no number."""
    await system.db.counts.insert_one(
        {"_id": "a2/0", "v": 1, "article": "a2", "slot": 0, "reads": "many"}
    )
    counter = await system.start("counter", flush_interval="1")
    spoilt = _body(["reader", "a2", QUARTER, 1])
    batches = [_batch(spoilt if n == 3 else GOOD_BODY, batch_id=f"e1-{n:012d}") for n in range(7)]
    await _publish(system, "luotdoc.reads", "batch", batches)

    async def settled() -> bool:
        return (
            await system.queue_depth("counter.reads.parked") == 1
            and await system.queue_depth("counter.reads") == 0
        )

    await until(settled, 15, "one is parked")
    [(reason, detail, _)] = await _parked(system, "counter.reads.parked")
    assert (reason, "non-numeric" in detail) == ("bug", True), detail
    await until(lambda: _counted(system, 6), 10, "six are counted")
    assert counter.popen.poll() is None


async def _counted(system: System, wanted: int) -> bool:
    return await system.counted() == wanted


@pytest.mark.parametrize(
    ("headers", "body", "reason"),
    [
        ({"minted_at": 1 << 49}, GOOD_BODY, "bad_headers"),
        ({}, orjson.dumps({"reads": [["a1", 1 << 49, "reader", ""]]}), "bad_body"),
        ({}, _body(["reader", "a1", 1 << 49, 1]), "bad_body"),
        ({}, _body(["reader", "A1", QUARTER, 1]), "bad_body"),
        ({}, _body(["reader", "a1", QUARTER, 1], ["$x.y", "a1", QUARTER, 1]), "bad_body"),
        ({}, _body(["reader", "a1", QUARTER, 1], ["bot", "a1", QUARTER, 1 << 62]), "bad_body"),
    ],
    ids=["header's time", "time of a read of version 1", "quarter", "article", "class", "number"],
)
async def test_values_that_no_calendar_or_database_can_hold(
    system: System, headers: dict[str, Any], body: bytes, reason: str
) -> None:
    counter = await system.start("counter", flush_interval="0.1")
    await _publish(system, "luotdoc.reads", "batch", [_batch(body, **headers)])
    await _publish(system, "luotdoc.reads", "batch", [_batch(GOOD_BODY, batch_id=f"e1-{1:012d}")])
    await until(lambda: system.counted(), 10, "the good batch is counted")
    # Parking goes on beside counting, so the bad one may follow.
    parked = await until(
        lambda: _parked(system, "counter.reads.parked"), 10, "the bad one is parked"
    )
    assert [one for one, _, _ in parked] == [reason]
    assert counter.popen.poll() is None
