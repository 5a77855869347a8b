"""Filtered reads travel as reads: each class is stored under its article and quarter of an hour."""

import time
from collections import Counter
from typing import Any

import aio_pika
import orjson

from shared.rabbit.batch import QUARTER_MS
from tests.support.system import BROWSER, System, until

OURS = "https://www.example.org"
TOKEN = {"authorization": "Bearer token-with-both-scopes"}


async def _stored(system: System) -> dict[str, Counter[str]]:
    """Reads in the buckets by article: `people`, and each filtered class. Sums of days and of
    quarters agree.
    """
    stored: dict[str, Counter[str]] = {}
    async for bucket in system.db.buckets.find():
        sums = {"people": bucket["reads"], **bucket.get("filtered", {})}
        quarters = {"people": bucket["q"], **bucket.get("by", {})}
        assert {kind: sum(quarters[kind].values()) for kind in sums} == sums
        stored.setdefault(bucket["article"], Counter()).update(
            {kind: n for kind, n in sums.items() if n}
        )
    return stored


async def _of_batches(system: System) -> Counter[str]:
    """Reads of class batch in the buckets by article. They are among the people's."""
    found = Counter[str]()
    async for bucket in system.db.buckets.find({"by.batch": {"$exists": True}}):
        for quarter, number in bucket["by"]["batch"].items():
            assert number <= bucket["q"][quarter]
            found[bucket["article"]] += number
        assert "batch" not in bucket.get("filtered", {})
    return found


async def _books(system: System) -> dict[str, Any]:
    return dict((await system.http.get(f"{system.url('stats')}/stats/reconciliation")).json())


async def test_every_class_is_stored_under_its_article_and_quarter(system: System) -> None:
    ingest = await system.start(
        "ingest", read_origins=OURS, read_limit=60, trusted_proxies="127.0.0.0/8"
    )
    await system.start("counter", flush_interval="0.1")
    await system.start("stats")
    for article in ("a1", "a2", "a3"):
        await system.put(article)

    async def read(
        article: str, way: str = "post", address: str = "203.0.113.1", **signs: str
    ) -> int:
        headers = {"user-agent": BROWSER, "x-forwarded-for": address}
        headers |= {name.replace("_", "-"): value for name, value in signs.items()}
        if way == "gif":
            return (
                await system.http.get(f"{ingest.url}/reads.gif?article={article}", headers=headers)
            ).status_code
        return (
            await system.http.post(
                f"{ingest.url}/reads", json={"article": article}, headers=headers
            )
        ).status_code

    since = int(time.time() * 1000) // QUARTER_MS
    for way in ("post", "gif"):
        await read("a1", way, address=f"203.0.113.{len(way)}")
        await read("a1", way, address=f"203.0.113.{len(way)}")  # a reload
        await read("a1", way, user_agent="curl/8.0")
        await read("a2", way, user_agent="curl/8.0")
        await read("a1", way, sec_purpose="prefetch")
        await read("a2", way, origin="https://elsewhere.example")
    # One more than the bucket of one address holds, and as many as the pace allows meanwhile.
    answered = Counter(
        [await read("a3", ("post", "gif")[n % 2], "198.51.100.7") for n in range(130)]
    )
    limited = answered[429]
    assert 0 < limited < 130
    keyed = {"reads": [{"article": "a1"}, {"article": "a1"}, {"article": "a2"}]}
    batch = await system.http.post(
        f"{ingest.url}/reads/batch", json=keyed, headers=TOKEN | {"idempotency-key": "k"}
    )
    assert batch.json()["accepted"] == 3
    until_quarter = int(time.time() * 1000) // QUARTER_MS

    reload = 130 - limited - 1
    wanted = {
        "a1": Counter(people=4, reload=2, bot=2, prefetch=2),
        "a2": Counter(people=1, bot=2, origin=2),
        "a3": Counter(people=1, reload=reload, limit=limited),
        "*": Counter(people=6, reload=2 + reload, bot=4, prefetch=2, origin=2, limit=limited),
    }

    async def all_stored() -> bool:
        return await _stored(system) == wanted

    await until(all_stored, 10, "every class is in the buckets")
    assert await _of_batches(system) == {"a1": 2, "a2": 1, "*": 3}
    quarters = {
        int(quarter)
        for kind in ("q", "by.bot", "by.limit")
        async for quarter in _quarters(system, kind)
    }
    assert quarters <= {since % 96, until_quarter % 96}
    filtered = {"reload": 2 + reload, "bot": 4, "prefetch": 2, "origin": 2, "limit": limited}

    async def in_the_books() -> bool:  # stats remembers an answer for a moment
        return bool((await _books(system))["accepted"] == 6 + sum(filtered.values()))

    await until(in_the_books, 10, "every class is in the books")
    told = await _books(system)
    assert (told["counted"], told["filtered"], told["balance"], told["parked"]) == (
        6,
        filtered,
        0,
        0,
    )
    assert await system.by_article() == {"a1": 4, "a2": 1, "a3": 1}
    assert await system.db.counts.count_documents({}) == 4  # filtered reads make none


async def _quarters(system: System, path: str) -> Any:
    async for bucket in system.db.buckets.find({path: {"$exists": True}}):
        found = bucket
        for name in path.split("."):
            found = found[name]
        for quarter in found:
            yield quarter


async def test_an_article_that_only_bots_read_has_a_bucket_and_no_count(system: System) -> None:
    await system.start("ingest")
    await system.start("counter", flush_interval="0.1")
    await system.put("a1")
    for _ in range(3):
        assert (await system.read("a1", agent="curl/8.0")).headers[
            "luotdoc-read"
        ] == "filtered; reason=bot"

    async def stored() -> bool:
        return await _stored(system) == {"a1": Counter(bot=3), "*": Counter(bot=3)}

    await until(stored, 10, "the bot's reads are in the buckets")
    assert await system.db.counts.count_documents({}) == 0


async def test_batches_of_version_1_are_counted_once_beside_new_ones(system: System) -> None:
    """From the queue, the parked queue, and again under one id: a rolling upgrade loses and doubles
    nothing.
    """
    now = int(time.time() * 1000)
    headers = {"minted_at": now, "reads": 2}
    reads = [["a1", now, "reader", "0123456789abcdef"], ["a2", now, "batch", ""]]
    old = orjson.dumps({"reads": reads, "filtered": {"bot": 3, "reload": 1}})
    quarter = now // QUARTER_MS
    groups = [
        ["reader", "a1", quarter, 1, 20_782, 1], ["batch", "a2", quarter, 1, 0, 0],
        ["bot", "a1", quarter, 3, 0, 0], ["limit", "a2", quarter, 2, 0, 0],
    ]  # fmt: skip
    new = orjson.dumps({"v": 2, "groups": groups, "visitors": "ASNFZ4mrze8"})
    async with await aio_pika.connect(system.broker.url) as connection:
        channel = await connection.channel(publisher_confirms=True)
        exchange = await channel.get_exchange("luotdoc.reads")
        for number, body in enumerate((old, new, old, new)):
            named = headers | {"batch_id": f"e1-{number:012d}"}
            await exchange.publish(aio_pika.Message(body, headers=named), "batch")  # type: ignore[arg-type]
        # Batch 0 was spooled, too, and its ingest forwards it in version 2.
        again = headers | {"batch_id": f"e1-{0:012d}"}
        await exchange.publish(aio_pika.Message(new, headers=again), "batch")  # type: ignore[arg-type]
        parked = headers | {
            "batch_id": f"e1-{4:012d}",
            "x-luotdoc-reason": "bug",
            "x-luotdoc-detail": "x",
        }
        message = aio_pika.Message(old, headers=parked)  # type: ignore[arg-type]
        await channel.default_exchange.publish(message, "counter.reads.parked")
    await system.start("counter", flush_interval="0.1")
    await system.start("stats")
    assert (
        await system.command("shared.parked", "redrive", "counter.reads", "--all")
    ).returncode == 0

    async def settled() -> bool:
        return bool((await _books(system))["accepted"] == 3 * 6 + 2 * 7)

    await until(settled, 10, "all five are in the books")
    told = await _books(system)
    filtered = {"bot": 15, "reload": 3, "limit": 4}
    assert (told["counted"], told["filtered"], told["balance"], told["duplicates"]) == (
        10,
        filtered,
        0,
        1,
    )
    assert await system.by_article() == {"a1": 5, "a2": 5}
    # A batch of version 1 does not say which articles were filtered: the site has them, no article
    # has.
    assert await _stored(system) == {
        "a1": Counter(people=5, bot=6),
        "a2": Counter(people=5, limit=4),
        "*": Counter(people=10, bot=15, reload=3, limit=4),
    }
    assert await _of_batches(system) == {"a2": 5, "*": 5}
    assert await system.queue_depth("counter.reads.parked") == 0
