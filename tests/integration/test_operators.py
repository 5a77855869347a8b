"""What operators type: parked messages, spools of instances that are gone."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import aio_pika
import orjson

from shared.rabbit.batch import QUARTER_MS
from tests.support.system import Process, System, until

NOW = int(time.time() * 1000)
OLD = NOW - 72 * 3600 * 1000


async def _publish(
    system: System,
    sequence: int,
    minted_at: int,
    body: bytes | None = None,
    reads: int = 1,
    force: bool = False,
) -> None:
    async with await aio_pika.connect(system.broker.url) as connection:
        channel = await connection.channel()
        exchange = await channel.get_exchange("luotdoc.reads")
        headers = {"batch_id": f"e1-{sequence:012d}", "minted_at": minted_at, "reads": reads}
        headers |= {"x-luotdoc-force": True} if force else {}
        content = orjson.dumps(
            {"v": 2, "groups": [["reader", "a1", minted_at // QUARTER_MS, reads, 0, 0]]}
        )
        await exchange.publish(aio_pika.Message(body or content, headers=headers), "batch")  # type: ignore[arg-type]


async def test_parked_batches(system: System) -> None:
    await system.start_all(flush_interval="0.1")
    await _publish(system, 0, NOW)
    await _publish(system, 1, OLD, reads=3)
    await _publish(system, 2, NOW, body=b"\xff broken")

    async def parked() -> bool:
        return await system.queue_depth("counter.reads.parked") == 2

    await until(parked, 10, "two are parked")
    await until(lambda: system.counted(), 10, "one is counted")
    for _ in range(
        25
    ):  # looking returns it to the queue, and 4.x would drop a message at the 20th time by default
        async with await aio_pika.connect(system.broker.url) as connection:
            channel = await connection.channel()
            queue = await channel.get_queue("counter.reads.parked")
            assert await queue.get() is not None
    listed = await system.command("shared.parked", "list", "counter.reads")
    assert listed.returncode == 0, listed.stderr
    assert "2 parked" in listed.stdout
    assert "too_old" in listed.stdout
    assert "bad_body" in listed.stdout
    rows = {line.split()[2]: line.split()[0] for line in listed.stdout.splitlines()[1:]}
    shown = await system.command("shared.parked", "show", "counter.reads", rows["bad_body"])
    assert "broken" in shown.stdout
    assert "x-luotdoc-reason: bad_body" in shown.stdout

    refused = await system.command("shared.parked", "redrive", "counter.reads", rows["too_old"])
    assert (refused.returncode, "--force" in refused.stdout) == (1, True)
    books = (await system.http.get(f"{system.url('stats')}/stats/reconciliation")).json()
    assert (books["counted"], books["parked"], books["balance"], books["in_flight"]) == (1, 4, 0, 0)
    forced = await system.command(
        "shared.parked", "redrive", "counter.reads", rows["too_old"], "--force"
    )
    assert forced.returncode == 0, forced.stderr

    async def four() -> bool:
        return await system.counted() == 4

    await until(four, 10, "the forced batch is counted")

    async def balanced() -> bool:  # a look that has just begun is shared by all who ask
        books = (await system.http.get(f"{system.url('stats')}/stats/reconciliation")).json()
        return (books["counted"], books["parked"], books["balance"]) == (4, 1, 0)

    await until(balanced, 5, "the books balance")
    # The broken one comes back to where it was; thrown away, it is gone.
    assert (
        await system.command("shared.parked", "redrive", "counter.reads", rows["bad_body"])
    ).returncode == 0

    async def back() -> bool:
        return await system.queue_depth("counter.reads.parked") == 1

    await until(back, 10, "it is parked again")
    assert (
        await system.command("shared.parked", "discard", "counter.reads", "--all")
    ).returncode == 0
    assert await system.queue_depth("counter.reads.parked") == 0
    assert (
        await system.command("shared.parked", "discard", "counter.reads", "00000000")
    ).returncode == 1


async def test_a_forced_batch_is_remembered_like_any_other(system: System) -> None:
    """It was minted before the ledger's time, and may come twice like any other: its 72 hours begin
    at the commit.
    """
    await system.start("counter", flush_interval="0.1")
    await _publish(system, 0, OLD, force=True)
    await until(lambda: system.counted(), 10, "it is counted")
    indexes = await system.db.ledger.index_information()
    (expiry,) = [index for index in indexes.values() if "expireAfterSeconds" in index]
    ((field, _),) = expiry["key"]
    entry = await system.db.ledger.find_one({"_id": f"e1-{0:012d}"})
    assert entry is not None
    forgotten = entry[field] + timedelta(seconds=expiry["expireAfterSeconds"])
    assert forgotten > datetime.now(UTC) + timedelta(hours=71)
    await _publish(system, 0, OLD, force=True)

    async def caught() -> bool:
        return await _duplicates(system) == 1

    await until(caught, 10, "the ledger catches it")
    assert await system.counted() == 1


async def test_redriving_what_was_counted_counts_nothing(system: System) -> None:
    await system.start("counter", flush_interval="0.1")
    await _publish(system, 0, NOW)
    await until(lambda: system.counted(), 10, "it is counted")
    async with await aio_pika.connect(system.broker.url) as connection:
        channel = await connection.channel()
        headers = {
            "batch_id": f"e1-{0:012d}",
            "minted_at": NOW,
            "reads": 1,
            "x-luotdoc-reason": "bug",
        }
        body = orjson.dumps({"v": 2, "groups": [["reader", "a1", NOW // QUARTER_MS, 1, 0, 0]]})
        message = aio_pika.Message(body, headers=headers)  # type: ignore[arg-type]
        await channel.default_exchange.publish(message, "counter.reads.parked")
    assert (
        await system.command("shared.parked", "redrive", "counter.reads", "--all")
    ).returncode == 0

    async def caught() -> bool:
        return await _duplicates(system) == 1

    await until(caught, 10, "the ledger catches it")
    assert await system.counted() == 1


async def test_adopting_a_spool(system: System) -> None:
    lost = await system.start("ingest", read_window=0, confirm_timeout="0.3")
    await system.put("a1")
    system.broker.pause()
    try:
        for _ in range(5):
            assert (await system.read("a1")).status_code == 204
        refused = await system.command("services.ingest", "adopt", lost.name)
        assert (refused.returncode, "is running" in refused.stderr) == (1, True)
        lost.popen.kill()
        await lost.ended()
    finally:
        system.broker.resume()
    other = await system.start("ingest")  # such as the same one under another name
    assert f"are in the spools of {lost.name}; whichever does not run" in other.text()
    await until(lambda: _beside(system, other, lambda size: size > 100), 10, "the gauge tells")
    adopted = await system.command("services.ingest", "adopt", lost.name)
    assert adopted.returncode == 0, adopted.stderr
    await until(
        lambda: _beside(system, other, lambda size: size == 0),
        10,
        "the gauge tells that nothing is left",
    )
    assert f"the spool of {lost.name} is empty" in adopted.stdout
    assert not list((system.folder / "spool" / lost.name).glob("*.spool"))
    await system.start("counter", flush_interval="0.1")

    async def counted() -> bool:
        return await system.counted() == 5

    await until(counted, 10, "its reads are counted")
    nobody = await system.command("services.ingest", "adopt", "nobody")
    assert (nobody.returncode, "there is no spool of nobody" in nobody.stderr) == (1, True)


async def _beside(system: System, ingest: Process, wanted: Callable[[float], bool]) -> bool:
    """True if the gauge has a value, which it gets with its first measurement, and it is wanted."""
    metrics = (await system.http.get(f"{ingest.url}/metrics")).text
    value = metrics.partition("\nluotdoc_spool_beside_bytes ")[2].partition("\n")[0]
    return bool(value) and wanted(float(value))


async def test_two_processes_may_not_share_a_spool(system: System) -> None:
    first = await system.start("ingest", instance="same")
    second = await system.start("ingest", wait=False, instance="same")
    assert await second.ended() == 1
    assert "give each LUOTDOC_INSTANCE its own" in second.text()
    assert first.popen.poll() is None


async def _duplicates(system: System) -> int:
    pages: list[int] = [d["duplicates"] async for d in system.db.books.find()]
    return sum(pages)
