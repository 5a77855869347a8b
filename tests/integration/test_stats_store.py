"""stats on a real database, which the counter's own store fills."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from luotdoc_events.events import ArticlePublished, ArticleWithdrawn
from luotdoc_subscriber.base.clock import now, to_millis
from luotdoc_subscriber.base.metrics import new_registry
from services.counter.store import CounterStore
from services.stats import api
from services.stats.catalogue import change
from services.stats.plain import site_at_once
from services.stats.store import Store
from shared.base.metrics import Requests
from shared.rabbit.batch import QUARTER_MS, Batch, batch_id
from shared.storage import mongo
from shared.storage.collections import make_indexes
from shared.storage.quarters import quarter_of
from shared.storage.types import Client, MongoDatabase
from shared.web.observed import observed
from tests.support.reporting import reads_between, reporting

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
NOW = datetime(2026, 11, 23, 5, 7, tzinfo=UTC)  # Monday, 12:07 in Hanoi


@dataclass
class Portal:
    """A database, what the counter writes into it, and the API over it."""

    client: Client
    db: MongoDatabase
    store: Store
    counter: CounterStore
    http: httpx.AsyncClient
    sequences: dict[str, int] = field(default_factory=dict)

    async def publish(self, article: str, revision: int = 1, **more: Any) -> bool:
        fields: dict[str, Any] = {
            "id": article,
            "revision": revision,
            "url": f"https://example.vn/{article}",
            "slug": "s",
            "section": "tin",
            "title": f"Bài {article}",
            "body_html": "",
            "published_at": NOW,
            "modified_at": NOW,
        }
        return await self.store.apply(change(ArticlePublished.model_validate(fields | more)))

    async def withdraw(self, article: str, revision: int) -> bool:
        event = ArticleWithdrawn(
            id=article, revision=revision, url="https://example.vn/gone", withdrawn_at=NOW
        )
        return await self.store.apply(change(event))

    async def read(
        self,
        article: str,
        at: str | datetime = NOW,
        number: int = 1,
        slot: int = 0,
        epoch: str = "e1",
    ) -> Batch:
        """Count one batch of `number` reads and one of a bot, accepted at `at` and minted then."""
        moment = to_millis(datetime.fromisoformat(at) if isinstance(at, str) else at)
        sequence = self.sequences.get(epoch, 0)
        self.sequences[epoch] = sequence + 1
        groups = [("reader", article, moment // QUARTER_MS, number, 0, 0)] if number else []
        batch = Batch(
            batch_id(epoch, sequence),
            moment,
            [*groups, ("bot", article, moment // QUARTER_MS, 1, 0, 0)],
        )
        await self.counter.flush([batch], slot)
        return batch

    async def get(self, path: str, **parameters: Any) -> Any:
        answer = await self.http.get(f"/stats{path}", params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def faults(self, path: str) -> list[str]:
        answer = await self.http.get(f"/stats{path}")
        assert answer.status_code == 422, (path, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        return [fault["path"] for fault in answer.json()["errors"]]

    async def complete_through(self) -> datetime | None:
        async with self.store.snapshot() as session:
            return await self.store.books.complete_through(session, NOW)


@pytest.fixture
async def portal(mongo_url: str) -> AsyncIterator[Portal]:
    client, _ = mongo.connect(mongo_url, "test")
    name = f"stats_{secrets.token_hex(6)}"
    db: MongoDatabase = client[name]
    await make_indexes(db)
    stats = reporting(client, db, lambda: NOW, HANOI)
    store = stats.store
    served = observed(api.make(stats.reports, stats.exports), Requests(new_registry()))
    transport = httpx.ASGITransport(app=served)
    async with httpx.AsyncClient(transport=transport, base_url="http://stats") as http:
        yield Portal(client, db, store, CounterStore(client, db, now), http)
    await client.drop_database(name)
    client.close()


UNKNOWN = {"number": None, "error": None}
NO_AUDIENCE = {
    "online": None,
    "readers": {
        "today": UNKNOWN, "yesterday": UNKNOWN, "mean_7d": None, "mean_30d": None, "since": None,
    },
}  # fmt: skip
"""No batch was ever folded."""


async def test_an_empty_site_is_all_zero(portal: Portal) -> None:
    figures = dict.fromkeys(
        ("total", "baseline", "counted", "today", "yesterday", "week", "month", "year"), 0
    )
    assert await portal.get("/site") == figures | {
        **NO_AUDIENCE,
        "generation": 0,
        "as_of": "2026-11-23T05:07:00.000Z",
        "complete_through": None,
        "since": None,
        "compared": None,
    }


async def test_the_totals_that_do_not_wait_for_the_api_are_the_apis_own(portal: Portal) -> None:
    await portal.publish("a", reads_baseline=7)
    await portal.read("a")
    stats = reporting(portal.client, portal.db, lambda: NOW, HANOI)
    reports = stats.reports
    plain = api.make(reports, stats.exports)
    asked: list[list[tuple[int, bytes, dict[str, str]]]] = []
    for app in (plain, site_at_once(plain, reports)):
        transport = httpx.ASGITransport(app=observed(app, Requests(new_registry())))
        async with httpx.AsyncClient(transport=transport, base_url="http://stats") as http:
            answers = [
                await http.request(m, f"/stats/site{q}")
                for m in ("GET", "HEAD", "POST")
                for q in ("", "?x=1")
            ]
        for answer in answers:
            del answer.headers["x-correlation-id"]
        asked.append(
            [(answer.status_code, answer.content, dict(answer.headers)) for answer in answers]
        )
    assert [status for status, _, _ in asked[0]] == [200, 422, 200, 422, 405, 405]
    assert b'"total":8' in asked[0][0][1]
    assert asked[0] == asked[1]


async def test_the_sites_periods_are_exact_to_the_quarter_in_its_own_time_zone(
    portal: Portal,
) -> None:
    await portal.publish("a", reads_baseline=1000)
    await portal.publish("b", reads_baseline=500)
    await portal.withdraw("b", 2)
    await portal.read("a", "2026-11-23T05:07:00Z", 1)
    await portal.read("b", "2026-11-22T17:00:00Z", 2, slot=3)  # the day's first quarter
    await portal.read("a", "2026-11-22T16:59:59Z", 4)  # yesterday's last, and last week's
    await portal.read("a", "2026-11-21T17:00:00Z", 8, slot=15)
    await portal.read("a", "2026-11-21T16:59:59Z", 16)
    await portal.read("a", "2026-10-31T17:00:00Z", 32)
    await portal.read("a", "2026-10-31T16:59:59Z", 64)
    await portal.read("a", "2025-12-31T17:00:00Z", 128)
    await portal.read("a", "2025-12-31T16:59:59Z", 256)
    site = await portal.get("/site")
    assert site["today"] == 1 + 2
    assert site["week"] == 1 + 2
    assert site["yesterday"] == 4 + 8
    assert site["month"] == 1 + 2 + 4 + 8 + 16 + 32
    assert site["year"] == site["month"] + 64 + 128
    assert (site["counted"], site["baseline"], site["total"]) == (511, 1500, 2011)
    assert site["complete_through"] == "2026-11-23T05:07:00.000Z"


async def test_an_article_has_its_own_figures(portal: Portal) -> None:
    await portal.publish("a", reads_baseline=1000, title="Chợ phiên")
    await portal.read("a", "2026-11-22T17:00:00Z", 2)
    await portal.read("a", "2026-11-22T16:59:59Z", 3, slot=1)
    await portal.read("b", NOW, 100)
    assert await portal.get("/articles/a") == {
        "article": "a",
        "title": "Chợ phiên",
        "url": "https://example.vn/a",
        "state": "published",
        "reads": 1005,
        "baseline": 1000,
        "counted": 5,
        "generation": 0,
        "today": 2,
        "yesterday": 3,
        "week": 2,
        "month": 5,
        "year": 5,
        "as_of": "2026-11-23T05:07:00.000Z",
        "since": "2026-11-22T00:00:00.000Z",
        "compared": None,
        **NO_AUDIENCE,
    }


async def test_a_withdrawn_article_keeps_its_title_and_its_reads(portal: Portal) -> None:
    await portal.publish("a", reads_baseline=7)
    await portal.read("a")
    assert await portal.withdraw("a", 2)
    article = await portal.get("/articles/a")
    assert (article["state"], article["title"], article["reads"]) == ("withdrawn", "Bài a", 8)


async def test_the_catalogue_takes_only_what_is_newer(portal: Portal) -> None:
    assert await portal.publish("a", 2, title="two")
    assert not await portal.publish("a", 2, title="again")
    assert not await portal.publish("a", 1, title="one")
    assert await portal.withdraw("a", 3)
    assert not await portal.withdraw("a", 3)
    assert not await portal.publish("a", 2, title="two")
    assert await portal.publish("a", 4, title="four")
    article = await portal.get("/articles/a")
    assert (article["state"], article["title"]) == ("published", "four")


async def test_a_withdrawal_that_comes_first_still_gets_the_older_title_and_baseline(
    portal: Portal,
) -> None:
    assert await portal.withdraw("a", 3)
    assert await portal.publish("a", 2, reads_baseline=40, title="two")
    assert not await portal.publish("a", 1, reads_baseline=10, title="one")
    article = await portal.get("/articles/a")
    assert (article["state"], article["title"], article["reads"]) == ("withdrawn", "two", 40)
    assert article["url"] == "https://example.vn/gone"


async def test_events_in_any_order_at_once_end_with_the_newest(portal: Portal) -> None:
    articles = [f"a{number}" for number in range(40)]
    for revisions in ((3, 9, 1, 7, 5), (12, 11, 10)):
        await asyncio.gather(
            *(
                portal.publish(a, revision, title=str(revision))
                for a in articles
                for revision in revisions
            )
        )
        kept = await portal.db.catalogue.find().to_list(None)
        assert {
            (document["revision"], document["content_revision"], document["title"])
            for document in kept
        } == {(max(revisions), max(revisions), str(max(revisions)))}


async def test_the_top_list_counts_the_window_only(portal: Portal) -> None:
    for article in "abcde":
        await portal.publish(article, reads_baseline=10_000)
    await portal.read("a", NOW, 5)
    await portal.read("b", NOW, 3)
    await portal.read(
        "b", NOW - timedelta(hours=24), 2, slot=1
    )  # 05:07, in the window's first quarter
    await portal.read("c", "2026-11-22T04:59:59Z", 99)  # just before it
    await portal.read("c", NOW, 6)
    await portal.read("d", NOW, 50)
    await portal.withdraw("d", 2)
    await portal.read("unknown", NOW, 70)
    top = await portal.get("/top")
    assert top["window"] == "24h"
    assert [(item["article"], item["reads"]) for item in top["items"]] == [
        ("c", 6),
        ("a", 5),
        ("b", 5),
    ]
    assert top["items"][0] == {
        "article": "c",
        "title": "Bài c",
        "url": "https://example.vn/c",
        "reads": 6,
    }
    assert [i["article"] for i in (await portal.get("/top", limit=1))["items"]] == ["c"]
    ever = await portal.get("/top", window="all", limit=2)
    assert [(item["article"], item["reads"]) for item in ever["items"]] == [("c", 105), ("a", 5)]


async def test_a_window_of_days(portal: Portal) -> None:
    await portal.publish("a")
    await portal.read("a", "2026-10-23T05:00:00Z", 1)
    await portal.read("a", "2026-10-23T04:59:59Z", 10)
    await portal.read("a", "2026-10-24T00:00:00Z", 100)
    assert (await portal.get("/top", window="31d"))["items"][0]["reads"] == 101


async def test_a_series_in_the_sites_days(portal: Portal) -> None:
    await portal.read("a", "2026-11-20T16:59:59Z", 1)
    await portal.read("a", "2026-11-20T17:00:00Z", 2)
    await portal.read("b", "2026-11-22T17:00:00Z", 4, slot=2)
    series = await portal.get("/series", **{"from": "2026-11-20", "to": "2026-11-24"})
    assert series == {
        "step": "day",
        "tz": "Asia/Ho_Chi_Minh",
        "points": [
            {"start": "2026-11-20T00:00:00+07:00", "time": 1795107600000, "reads": 1, "by": None},
            {"start": "2026-11-21T00:00:00+07:00", "time": 1795194000000, "reads": 2, "by": None},
            {"start": "2026-11-22T00:00:00+07:00", "time": 1795280400000, "reads": 0, "by": None},
            {"start": "2026-11-23T00:00:00+07:00", "time": 1795366800000, "reads": 4, "by": None},
        ],
        "as_of": "2026-11-23T05:07:00.000Z",
    }


async def test_a_series_of_one_article_across_a_change_of_the_clock(portal: Portal) -> None:
    await portal.publish("a")
    await portal.read("a", "2026-10-25T00:45:00Z", 1)  # 02:45 summer time
    await portal.read("a", "2026-10-25T01:00:00Z", 2)  # 02:00 winter time
    await portal.read("b", "2026-10-25T01:00:00Z", 99)
    series = await portal.get(
        "/series",
        step="hour",
        article="a",
        tz="Europe/Berlin",
        **{"from": "2026-10-25T02:00:00+02:00", "to": "2026-10-25T03:00:00+01:00"},
    )
    assert series["points"] == [
        {"start": "2026-10-25T02:00:00+02:00", "time": 1792886400000, "reads": 1, "by": None},
        {"start": "2026-10-25T02:00:00+01:00", "time": 1792890000000, "reads": 2, "by": None},
    ]


async def test_a_series_of_months_in_kathmandu(portal: Portal) -> None:
    await portal.read("a", "2026-09-30T18:14:59Z", 1)
    await portal.read("a", "2026-09-30T18:15:00Z", 2)
    await portal.read("a", "2026-10-15T00:00:00Z", 4)
    series = await portal.get(
        "/series", step="month", tz="Asia/Kathmandu", **{"from": "2026-09-01", "to": "2026-11-01"}
    )
    assert [point["reads"] for point in series["points"]] == [1, 6]


async def test_series_agree_whatever_their_step(portal: Portal) -> None:
    moments = [NOW - timedelta(hours=7 * n, minutes=n) for n in range(60)]
    for number, moment in enumerate(moments):
        await portal.read("a", moment, number, slot=number % 16)
    for zone in ("Asia/Kathmandu", "UTC", "America/St_Johns"):
        for step in ("hour", "day", "month"):
            series = await portal.get(
                "/series",
                step=step,
                tz=zone,
                **{"from": "2026-11-01T00:00:00Z", "to": "2026-11-30T00:00:00Z"},
            )
            assert sum(point["reads"] or 0 for point in series["points"]) == sum(range(60)), (
                zone,
                step,
            )


async def test_unknown_articles_are_not_found(portal: Portal) -> None:
    for path in ("/articles/nowhere", "/series?article=nowhere", "/nowhere"):
        answer = await portal.http.get(f"/stats{path}")
        assert answer.status_code == 404, path
        assert answer.headers["content-type"] == "application/problem+json"


REFUSED = {
    "/articles/A-b": "id",
    "/articles/%ff%00": "id",
    "/articles/" + "a" * 33: "id",
    "/articles/a?x=1": "x",
    "/site?tz=UTC": "tz",
    "/top?window=2w": "window",
    "/top?limit=0": "limit",
    "/top?limit=" + "9" * 5000: "limit",
    "/top?limit=": "limit",
    "/top?format=xml": "format",
    "/series?step=year": "step",
    "/series?tz=../../etc/passwd": "tz",
    "/series?tz=/etc/localtime": "tz",
    "/series?tz=%00": "tz",
    "/series?tz=%ff": "tz",
    "/series?from=9999-12-31T23:59:59-12:00": "from",
    "/series?from=2026-11-23&to=2026-11-22": "from",
    "/series?to=1e400": "to",
    "/series?article=*": "article",
    "/series?fr%C3%B6m=1": "fröm",
    "/series?%ff=%ff": "\ufffd",
    "/reconciliation?a=b": "a",
}
"""A question, and the parameter that its answer blames."""


async def test_what_cannot_be_asked_is_refused_by_name(portal: Portal) -> None:
    assert {path: await portal.faults(path) for path in REFUSED} == {
        path: [blamed] for path, blamed in REFUSED.items()
    }


async def test_tables_come_as_csv_too(portal: Portal) -> None:
    await portal.publish("a", title='=HYPERLINK("http://evil")')
    await portal.read("a", NOW, 3)
    top = await portal.http.get("/stats/top", params={"format": "csv"})
    assert top.headers["content-type"] == "text/csv; charset=utf-8"
    assert top.content.startswith(b"\xef\xbb\xbf")
    assert top.text.removeprefix("\ufeff") == (
        'article,title,url,reads\r\na,"\'=HYPERLINK(""http://evil"")",https://example.vn/a,3\r\n'
    )
    series = await portal.http.get(
        "/stats/series",
        params={"from": "2026-11-22", "to": "2026-11-24", "tz": "UTC"},
        headers={"accept": "text/csv"},
    )
    assert series.text.removeprefix("\ufeff") == (
        "start,zone,time,reads\r\n"
        "2026-11-22 00:00:00,UTC,1795305600000,\r\n"  # before the first read: not known
        "2026-11-23 00:00:00,UTC,1795392000000,3\r\n"
    )
    local = await portal.http.get(
        "/stats/series", params={"from": "2026-11-23", "step": "hour", "format": "csv"}
    )
    assert local.text.splitlines()[1] == "2026-11-23 00:00:00,Asia/Ho_Chi_Minh,1795366800000,"
    assert local.text.splitlines()[8] == "2026-11-23 07:00:00,Asia/Ho_Chi_Minh,1795392000000,0"


async def test_an_article_that_only_bots_read_has_no_reads(portal: Portal) -> None:
    await portal.publish("a")
    await portal.publish("b")
    await portal.read("a", NOW, 0)
    assert (await portal.get("/top", window="24h"))["items"] == []
    assert (await portal.get("/articles/a"))["counted"] == 0
    site = await portal.get("/site")
    assert (site["counted"], site["today"], site["year"]) == (0, 0, 0)
    hours = await portal.get(
        "/series", article="a", step="hour", **{"from": "2026-11-23", "to": "2026-11-24"}
    )
    assert {point["reads"] for point in hours["points"]} == {None}  # nothing was ever counted
    await portal.read("a", NOW, 2)
    await portal.read("b", NOW, 1)
    async with (
        portal.store.snapshot() as session
    ):  # past the answers that are remembered for a moment
        today = quarter_of(NOW) // 96 * 96
        assert [row["reads"] for row in await portal.store.top(session, today, 9)] == [2, 1]
        assert await reads_between(portal.store, session, "*", [today, today + 96]) == [3]
    day = await portal.db.buckets.find_one({"_id": "a/2026-11-23/0"}, {"_id": 0})
    assert day == {
        "v": 1, "article": "a", "day": "2026-11-23", "slot": 0, "q": {"20": 2}, "reads": 2,
        "by": {"bot": {"20": 2}}, "filtered": {"bot": 2},
    }  # fmt: skip
    assert await portal.db.counts.count_documents({}) == 3  # a, b and the site


async def test_the_books_balance(portal: Portal) -> None:
    first = await portal.read("a", NOW, 5)
    await portal.read("b", NOW, 2, slot=4)
    await portal.counter.flush([first], 7)  # a repetition
    portal.sequences["e1"] += 1  # batch 2 is on its way
    await portal.read("a", NOW, 1)
    portal.sequences["old"] = 3
    await portal.read("a", NOW - timedelta(hours=1), 1, epoch="old")
    parked = {"v": 1, "epoch": "old", "seq": 1, "reads": 9, "reason": "bad_body", "parked_at": NOW}
    await portal.db.parked.insert_one({"_id": batch_id("old", 1)} | parked)
    assert await portal.get("/reconciliation") == {
        "accepted": 22,
        "counted": 9,
        "filtered": {"bot": 4},
        "parked": 9,
        "in_flight": 3,
        "balance": 0,
        "corrected": {},
        "duplicates": 1,
        "complete_through": "2026-11-23T05:07:00.000Z",
        "lost": 0,
        "running_gaps": [],
        "gaps": [{"epoch": "old", "missing": 2}],
        "as_of": "2026-11-23T05:07:00.000Z",
    }


async def test_complete_through_is_the_lowest_of_the_epochs_seen_within_a_minute(
    portal: Portal,
) -> None:
    assert await portal.complete_through() is None
    await portal.read("a", NOW - timedelta(seconds=61), epoch="ended")
    assert await portal.complete_through() is None
    await portal.read("a", NOW - timedelta(seconds=2), epoch="e1")
    await portal.read("a", NOW - timedelta(seconds=1), epoch="e2")
    assert await portal.complete_through() == NOW - timedelta(seconds=2)
    keyed = Batch("h" + "0" * 64, to_millis(NOW - timedelta(seconds=30)), [])
    await portal.counter.flush([keyed], 0)
    assert await portal.complete_through() == NOW - timedelta(seconds=2)


@pytest.mark.parametrize("remembers", [True, False])
async def test_a_gap_holds_complete_through_back_until_it_is_closed(
    portal: Portal, remembers: bool
) -> None:
    """Whether this process saw the epoch whole, or started when the gap was open."""
    moments = [NOW - timedelta(seconds=40 - n) for n in range(40)]
    for moment in moments[:10]:
        await portal.read("a", moment, slot=1)
    if remembers:
        assert await portal.complete_through() == moments[9]
    missing = Batch(batch_id("e1", 10), to_millis(moments[10]), [])
    portal.sequences["e1"] = 11
    await portal.read("a", moments[11], slot=2)
    portal.sequences["e1"] = 13  # 12 will be parked
    await portal.db.parked.insert_one(
        {"_id": batch_id("e1", 12), "v": 1, "epoch": "e1", "seq": 12, "reads": 0}
    )
    for moment in moments[13:20]:
        await portal.read("a", moment)
    assert await portal.complete_through() == moments[9]
    portal.sequences["e1"] = 21  # a second gap
    await portal.read("a", moments[21])
    assert await portal.complete_through() == moments[9]
    await portal.counter.flush([missing], 0)
    assert await portal.complete_through() == moments[19]
    await portal.counter.flush([Batch(batch_id("e1", 20), to_millis(moments[20]), [])], 0)
    assert await portal.complete_through() == moments[21]


async def test_a_gap_far_below_a_long_sequence_is_found(portal: Portal) -> None:
    batches = [
        Batch(batch_id("e1", n), to_millis(NOW) - (3000 - n), [])
        for n in range(3000)
        if n not in (700, 2900)
    ]
    await portal.counter.flush(batches, 0)
    assert await portal.complete_through() == NOW - timedelta(milliseconds=3000 - 699)
    await portal.counter.flush([Batch(batch_id("e1", 700), to_millis(NOW) - 2300, [])], 1)
    assert await portal.complete_through() == NOW - timedelta(milliseconds=3000 - 2899)


async def test_without_its_first_batch_an_epoch_is_sure_of_nothing_near_it(portal: Portal) -> None:
    portal.sequences["e1"] = 1
    await portal.read("a", NOW - timedelta(seconds=5))
    assert await portal.complete_through() == NOW - timedelta(seconds=25)


async def test_figures_fit_each_other_under_any_writes(portal: Portal) -> None:
    async def count(epoch: str, slot: int) -> None:
        for _ in range(40):
            await portal.read("a", NOW, 3, slot, epoch)

    async def watch() -> None:
        seen = 0
        while seen < 2 * 40 * 3:
            site = await portal.get("/site")
            books = await portal.get("/reconciliation")
            assert site["today"] == site["year"] == site["counted"] == site["total"]
            assert books["balance"] == 0
            assert books["counted"] >= seen
            seen = books["counted"]

    await asyncio.wait_for(asyncio.gather(watch(), count("e1", 0), count("e2", 1)), 60)
