"""Pages are stored in groups: a kill within one loses and doubles nothing, and an event that can't
be stored is parked alone.
"""

import asyncio
import re
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aio_pika
import orjson
import pytest

from tests.support.system import ROOT, System, until

ARTICLES = [f"a{n}" for n in range(60)]


@asynccontextmanager
async def rendered(system: System) -> AsyncIterator[Counter[str]]:
    """Counts the `page.rendered` of each article that arrive from now on."""
    found = Counter[str]()
    async with await aio_pika.connect(system.broker.url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(exclusive=True)
        await queue.bind("luotdoc.events", "page.rendered")

        async def note(message: Any) -> None:
            found[orjson.loads(message.body)["subject"]] += 1

        await queue.consume(note, no_ack=True)
        yield found


@pytest.mark.parametrize("step", ["before", "after"])
async def test_a_kill_within_a_group_loses_nothing(system: System, step: str) -> None:
    ingest = await system.start("ingest")
    await asyncio.gather(*(system.put(each) for each in ARTICLES))

    async def queued() -> bool:
        return await system.queue_depth("render.articles") == len(ARTICLES)

    await until(queued, 10, "all events wait for render")
    async with rendered(system) as told:
        dying = await system.start(
            "render", module="tests.support.render_that_dies", die_at=step, die_after=1, wait=False
        )
        assert await dying.ended(30) == -signal.SIGKILL
        group = re.search(r"died with a group of (\d+)", dying.text())
        assert group is not None
        assert int(group[1]) > 1
        stored = await system.db.pages.count_documents({})
        assert 0 < stored < len(ARTICLES)
        await system.start("render")

        async def all_told() -> bool:
            return told.keys() == {*ARTICLES}

        await until(all_told, 20, "every page is rendered, and told")
        await until(lambda: _empty(system), 10, "the queue is empty")
    pages = {page["_id"]: page["revision"] async for page in system.db.pages.find()}
    assert pages == dict.fromkeys(ARTICLES, 1)
    # What was stored and not told is told by the second render; what was told may be told again.
    assert max(told.values()) <= 2
    assert await system.queue_depth("render.articles.parked") == 0
    assert await ingest.stop() == 0


async def _empty(system: System) -> bool:
    queues = await system.queues()
    return queues["render.articles"] == 0


def _event(name: str, **data: Any) -> aio_pika.Message:
    whole = orjson.loads((ROOT / "docs/events/examples/article.published.v1.json").read_bytes())
    event = {**whole, "id": name, "subject": name, "data": {**whole["data"], "id": name, **data}}
    return aio_pika.Message(orjson.dumps(event))


async def test_an_event_that_cannot_be_stored_is_parked_alone(system: System) -> None:
    """Its page is larger than a document of MongoDB may be, which no check foresees."""
    good = [f"g{n}" for n in range(12)]
    events = [_event(name) for name in good]
    large = {"body_html": f"<p>{'x' * 8_300_000}</p>", "lead": "x" * 60_000}
    events.insert(6, _event("large", **large))
    async with await aio_pika.connect(system.broker.url) as connection:
        channel = await connection.channel(publisher_confirms=True)
        exchange = await channel.get_exchange("luotdoc.events")
        for event in events:
            await exchange.publish(event, "article.published")
    async with rendered(system) as told:
        await system.start("render")

        async def all_told() -> bool:
            return told.keys() >= {*good}

        await until(all_told, 20, "the good events beside it are handled")
    assert told == Counter(good)

    async def parked() -> bool:
        return await system.queue_depth("render.articles.parked") == 1

    await until(parked, 10, "it is parked")
    async with await aio_pika.connect(system.broker.url) as connection:
        channel = await connection.channel()
        message = await (await channel.get_queue("render.articles.parked")).get()
        assert orjson.loads(message.body)["subject"] == "large"
        assert message.headers["x-luotdoc-reason"] == "bug"
        assert "large" in str(message.headers["x-luotdoc-detail"]).lower()
        await message.ack()
    assert await system.queue_depth("render.articles") == 0
    assert await system.db.pages.count_documents({}) == len(good)
