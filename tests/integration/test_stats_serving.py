"""What stats remembers of its answers, over a real database."""

import asyncio
import secrets
from typing import cast
from zoneinfo import ZoneInfo

import httpx

from luotdoc_subscriber.base.clock import now
from services.counter.store import CounterStore
from services.stats.pages.pages import Pages
from services.stats.serving import answering
from shared.storage import mongo
from shared.storage.collections import make_indexes
from shared.storage.types import MongoDatabase
from tests.integration.test_stats_store import NOW, Portal
from tests.support.reporting import reporting

SITE, TOP = "/stats/site", "/stats/top"


async def test_answers_are_remembered_for_a_second_and_the_sites_until_they_change(
    mongo_url: str,
) -> None:
    client, _ = mongo.connect(mongo_url, "test")
    db: MongoDatabase = client[f"stats_{secrets.token_hex(6)}"]
    await make_indexes(db)
    clock = [0.0]
    stats = reporting(client, db, lambda: NOW, ZoneInfo("Asia/Ho_Chi_Minh"), lambda: clock[0])
    served, memory = answering(stats.reports, stats.exports, cast(Pages, None))
    key, plain = (b"*/*", False), {"accept-encoding": "identity"}
    transport = httpx.ASGITransport(app=served)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://stats", headers=plain
    ) as http:
        portal = Portal(client, db, stats.store, CounterStore(client, db, now), http)
        await portal.publish("a")
        await portal.read("a")
        assert (await portal.get("/site"))["total"] == 1
        kept = memory.get((SITE, b"", *key))
        assert kept
        assert b'"total":1' in kept.body
        await portal.read("a")
        clock[0] += 0.1
        assert memory.get((SITE, b"", *key)) is kept
        await stats.reports.keep_site_fresh()  # it sees the read, and the next figures are made
        async with asyncio.timeout(10):
            while (await portal.get("/site"))["total"] != 2:  # noqa: ASYNC110  (asked, as a client does)
                await asyncio.sleep(0.01)
        assert memory.get((SITE, b"", *key)) is not kept
        clock[0] += 1  # nobody has made them again: they are old
        assert memory.get((SITE, b"", *key)) is None
        assert (await portal.get("/top"))["items"][0]["reads"] == 2
        assert memory.get((TOP, b"", *key)) is not None
        assert memory.get((TOP, b"", b"text/csv", False)) is None
    await client.drop_database(db.name)
    client.close()
