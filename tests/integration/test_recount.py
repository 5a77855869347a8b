"""Recounts on the real servers: killed, repeated, at once, and of classes that are kept."""

import asyncio
import time
from collections import Counter
from dataclasses import replace

import aio_pika
import pytest

from luotdoc_subscriber.base.clock import now
from luotdoc_subscriber.base.errors import Refused
from services.counter.recount import stream
from services.counter.recount.store import RecountStore
from services.ingest.reads.agents import agent_of
from shared.rabbit import topology
from shared.rabbit.batch import QUARTER_MS, Batch, Group, batch_id
from shared.rabbit.batch_agents import AgentPart
from tests.integration.conftest import Emptied
from tests.recount.check import (
    PROGRAM,
    Death,
    books,
    check,
    compare,
    count,
    counted_sums,
    killed,
    recounted,
    totals,
    with_site,
)
from tests.recount.portal import RecountPortal
from tests.recount.rules import ACCUSED
from tests.support.system import System


def portal(reads: int, seed: int) -> RecountPortal:
    return RecountPortal(reads, seed, int(time.time()), 5)


async def test_a_recount_that_is_killed_twice_corrects_once(
    system: System, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = await check(system, portal(20_000, 3), [Death("sent"), Death("applied")])
    with capsys.disabled():
        print(f"\n{lines}")
    assert "once, exactly: " in lines


async def test_it_may_be_killed_between_any_two_steps(system: System) -> None:
    one = portal(4_000, 4)
    await count(system, one)
    for death in (Death("planned"), Death("sent"), Death("applied")):
        await killed(system, death)
    told = await recounted(system)
    assert "recount 1 was stopped before its end, or runs elsewhere, and is finished first" in told
    assert await compare(system, one) > 100
    assert "0 reads differ" in await recounted(system)
    assert await system.db.recounts.count_documents({"_id": {"$type": "string"}}) == 0


async def test_two_operators_at_once_correct_once(system: System) -> None:
    one = portal(6_000, 5)
    await count(system, one)
    told = await asyncio.gather(
        *(
            system.command(
                PROGRAM, amqp_url=system.broker.url_of("counter"),
                mongo_url=system.database.url_of("counter"),
            )
            for _ in range(3)
        )
    )  # fmt: skip
    for each in told:
        assert each.returncode == 0 or "another recount was decided on" in each.stderr, each
    assert any(each.returncode == 0 for each in told)
    assert "0 reads differ" in await recounted(system)
    await compare(system, one)


async def test_by_the_same_rules_nothing_differs_and_nobody_is_asked(system: System) -> None:
    one = portal(2_000, 6)
    await count(system, one)
    told = await system.command("services.counter", "recount")
    assert (told.returncode, told.stderr) == (0, "")
    assert "luotdoc.reads.log does not have all earlier ones" in told.stdout
    assert "2,000 reads were judged again" in told.stdout
    assert "0 reads differ" in told.stdout


async def test_without_an_answer_nothing_is_changed(system: System) -> None:
    await count(system, portal(2_000, 7))
    before = await counted_sums(system)
    old = {"article": "old1", "day": "2026-01-05", "slot": 0, "v": 1, "q": {}, "reads": 0}
    kept = {"by": {"other": {"5": 3}}, "filtered": {"other": 3}}
    await system.db.buckets.insert_one({"_id": "old1/2026-01-05/0", **old, **kept})
    await system.db.buckets.insert_one({"_id": "*/2026-01-05/0", **old, **kept, "article": "*"})
    told = await system.command("services.counter", "recount", "--relabel", "other=prefetch")
    assert (told.returncode, "agree with --yes" in told.stderr) == (1, True)
    assert "prefetch" in told.stdout
    assert await system.db.recounts.count_documents({}) == 0
    told = await system.command(
        "services.counter", "recount", "--yes", "--relabel", "other=prefetch"
    )
    assert told.returncode == 0, told.stderr
    assert "3 reads were moved" in told.stdout
    after = await counted_sums(system)
    changed = {key: n for key, n in after.items() if key not in before}
    assert {(kind, name): n for (kind, name, _), n in changed.items()} == {
        ("prefetch", "old1"): 3, ("prefetch", "*"): 3,
    }  # fmt: skip
    told = await system.command(
        "services.counter", "recount", "--yes", "--relabel", "other=prefetch"
    )
    assert "0 reads differ" in told.stdout


async def test_the_earlier_rules_undo_it(system: System) -> None:
    one = portal(4_000, 10)
    await count(system, one)
    before = await counted_sums(system)
    await recounted(system)
    assert await counted_sums(system) == with_site(one.new.sums) != before
    told = await system.command("services.counter", "recount", "--yes")
    assert (told.returncode, "reads were moved" in told.stdout) == (0, True), told
    assert await counted_sums(system) == before
    found = await books(system)
    assert (found["balance"], set(found["corrected"].values())) == (0, {0})


async def test_what_has_left_the_stream_meanwhile_is_not_taken_back(system: System) -> None:
    await count(system, portal(2_000, 11))
    async with await aio_pika.connect(system.broker.url) as connection:
        ends = await stream.ends_of(connection)
        lost = replace(ends, first=ends.first - 1)
        with pytest.raises(Refused, match="has just expired"):
            async for _ in stream.batches(connection, lost, lambda _done, _of: None):
                pass


async def test_a_batch_that_was_not_counted_is_not_corrected(system: System) -> None:
    """It is in the stream alone: a counter may park a batch, or not have come to it."""
    one = portal(2_000, 8)
    await count(system, one)
    quarter, accused = int(now().timestamp()) // 900, agent_of(ACCUSED.encode())
    groups: list[Group] = [("reader", "a0000", quarter, 1, 0, 0)]
    agents = AgentPart(kinds=[(accused.id, "search")], reads=[1]).packed()
    batch = Batch(batch_id("other", 0), quarter * QUARTER_MS, groups, agents=agents)
    async with await aio_pika.connect(system.broker.url) as connection:
        channel = await connection.channel()
        message = aio_pika.Message(batch.body(), headers=batch.headers())
        await channel.default_exchange.publish(message, topology.READS_LOG.name)
    await recounted(system)
    assert await counted_sums(system) == with_site(one.new.sums)
    assert (await books(system))["counted"] == totals(one.new.sums)["*"]


async def test_a_counter_that_parks_correcting_batches_is_named(system: System) -> None:
    """As one of an earlier release does. What was redriven is applied once."""
    one = portal(4_000, 9)
    await count(system, one)
    await killed(system, Death("planned"))
    store = RecountStore(system.db)
    plan = await store.last_plan()
    assert plan is not None
    names = [batch.batch_id async for batch in store.batches(plan)]
    note = {"v": 1, "epoch": None, "seq": 0, "reads": 0, "reason": "bad_body", "parked_at": now()}
    counters = system.replicas("counter")
    for counter in counters:
        assert await counter.stop() == 0
    await system.db.parked.insert_one({"_id": names[0], **note})
    told = await system.command(
        PROGRAM, amqp_url=system.broker.url_of("counter"),
        mongo_url=system.database.url_of("counter"),
    )  # fmt: skip
    assert (told.returncode, "redrive counter.reads --all" in told.stderr) == (1, True)
    await system.start("counter")
    await recounted(system)
    await compare(system, one)
    assert (await books(system))["parked"] == 0


async def test_kept_reads_are_those_of_all_slots(emptied: Emptied) -> None:
    """One slot may have the reads of a quarter, and another one their correction."""
    for slot, quarters in (("0", {"5": 3, "9": -3}), ("1", {"9": 3})):
        document = {
            "_id": f"a/2026-01-05/{slot}", "v": 1, "article": "a", "day": "2026-01-05",
            "slot": int(slot), "q": {}, "reads": 0, "by": {"bot": quarters},
            "filtered": {"bot": sum(quarters.values())},
        }  # fmt: skip
        await emptied.db.buckets.insert_one(document)
    found = Counter[int]()
    async for _, quarter, reads in RecountStore(emptied.db).kept("bot", 1 << 30):
        found[quarter % 96] += reads
    assert found == {5: 3, 9: 0}
