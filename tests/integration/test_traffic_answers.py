"""The traffic figures over HTTP, from a running stats."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families as families

from luotdoc_subscriber.base.clock import now
from services.stats.traffic.windows import FIXED
from shared.storage.quarters import quarter_of
from tests.support.plain_traffic import PlainRead, PlainTraffic, PlainWriter
from tests.support.system import System, until

ARTICLES = {"a": "tin", "b": "tin", "c": "van-hoa"}


async def _know(system: System) -> None:
    """Let the catalogue have the articles, as article events would."""
    for article, section in ARTICLES.items():
        document = {
            "_id": article, "v": 1, "revision": 1, "state": "published", "title": f"Bài {article}",
            "url": f"https://example.vn/{article}", "section": section, "baseline": 10,
            "published_at": None, "content_revision": 1,
        }  # fmt: skip
        await system.db.catalogue.insert_one(document)


async def _read(system: System, *reads: PlainRead) -> None:
    await PlainWriter(system.motor, system.db, PlainTraffic()).count([*reads], now(), 0)


async def _get(system: System, url: str, **headers: str) -> httpx.Response:
    return await system.http.get(url, headers=headers)


async def _metrics(system: System, stats: str) -> dict[str, float]:
    """Its metrics without labels."""
    text = (await _get(system, f"{stats}/metrics")).text
    return {s.name: s.value for f in families(text) for s in f.samples if not s.labels}


@pytest.fixture
async def stats(system: System) -> str:
    """The address of a stats that has read two articles' reads of 50 days ago and of now."""
    await _know(system)
    current = quarter_of(datetime.now(UTC))
    await _read(
        system,
        PlainRead("a", current - 96 * 50, 5),
        PlainRead("b", current - 96 * 50, 3),
        PlainRead("c", current - 96 * 50, 1, "bot"),
        PlainRead("a", current, 1),
        PlainRead("c", current, 2, "batch"),
    )
    return (await system.start("stats")).url


async def test_every_window_and_section_is_answered_by_a_running_stats(
    system: System, stats: str
) -> None:
    for window in FIXED:
        top = (await _get(system, f"{stats}/stats/top?window={window}")).json()
        assert top["section"] is None
        found = {item["article"]: item["reads"] for item in top["items"]}
        if window in {"90d", "12mo", "all"}:
            assert found == {"a": 6, "b": 3, "c": 2}, window
        elif window in {"1h", "6h", "24h", "7d", "30d"}:
            assert found == {"a": 1, "c": 2}, window
    tin = (await _get(system, f"{stats}/stats/top?window=all&section=tin")).json()
    assert [(i["article"], i["title"], i["reads"]) for i in tin["items"]] == [
        ("a", "Bài a", 6),
        ("b", "Bài b", 3),
    ]
    other = (await _get(system, f"{stats}/stats/top?window=5h&section=van-hoa")).json()
    assert [item["article"] for item in other["items"]] == ["c"]
    sections = (await _get(system, f"{stats}/stats/sections")).json()["sections"]
    assert [
        (s["section"], s["articles"], s["baseline"], s["counted"], s["total"]) for s in sections
    ] == [("tin", 2, 20, 9, 29), ("van-hoa", 1, 10, 2, 12)]
    alone = (await _get(system, f"{stats}/stats/sections/tin")).json()
    assert {name: alone[name] for name in sections[0]} == sections[0]
    table = await _get(system, f"{stats}/stats/sections?format=csv")
    lines = table.text.removeprefix("\ufeff").splitlines()
    assert lines[0].startswith("section,articles,total,baseline,counted,today,yesterday,week")
    assert lines[1].startswith("tin,2,29,20,9,")


async def test_a_new_read_and_a_moved_article_are_soon_in_the_lists(
    system: System, stats: str
) -> None:
    await _read(system, PlainRead("b", quarter_of(datetime.now(UTC)), 7))
    await _read(system, PlainRead("b", quarter_of(datetime.now(UTC)) - 96 * 50, 20))  # late

    async def figures() -> tuple[Any, ...]:
        hour = (await _get(system, f"{stats}/stats/top?window=1h&section=van-hoa")).json()
        ever = (await _get(system, f"{stats}/stats/top?window=all")).json()
        moved = (await _get(system, f"{stats}/stats/sections/van-hoa")).json()
        return (
            [(item["article"], item["reads"]) for item in hour["items"]],
            [(item["article"], item["reads"]) for item in ever["items"]],
            moved["counted"],
        )

    async def read() -> bool:
        return (await figures())[:2] == ([("c", 2)], [("b", 30), ("a", 6), ("c", 2)])

    await until(read, 10, "the new reads are in the lists")
    update = {"revision": 2, "section": "van-hoa", "counted_in": "tin"}
    await system.db.catalogue.update_one({"_id": "b"}, {"$set": update})

    async def moved() -> bool:
        return await figures() == (
            [("b", 7), ("c", 2)],
            [("b", 30), ("a", 6), ("c", 2)],
            32,
        )

    await until(moved, 10, "the article has moved to its section")
    held = await system.db.catalogue.find_one({"_id": "b"})
    assert held
    assert "counted_in" not in held


async def test_classes_and_weeks_of_the_site_a_section_and_an_article(
    system: System, stats: str
) -> None:
    start = (datetime.now(UTC) - timedelta(days=60)).date().isoformat()
    asked = {
        "": [8, 3],
        "&class=reader": [8, 1],
        "&class=batch": [0, 2],
        "&class=bot": [1, 0],
        "&section=tin": [8, 1],
        "&article=c": [0, 2],
        "&article=c&class=reader": [0, 0],
        "&article=c&class=batch": [0, 2],
        "&article=c&class=bot": [1, 0],
    }
    for more, expected in asked.items():
        answer = await _get(system, f"{stats}/stats/series?step=week&from={start}{more}")
        assert answer.status_code == 200, (more, answer.text)
        reads = [point["reads"] for point in answer.json()["points"] if point["reads"]]
        assert reads == [number for number in expected if number], more
    for refused in ("class=robot", "section=tin&article=a", "section=tin&class=bot", "section=A"):
        answer = await _get(system, f"{stats}/stats/series?{refused}")
        assert answer.status_code == 422, refused
    for unknown in ("series?section=x", "sections/x", "top?section=x", "top?section=x&window=5h"):
        assert (await _get(system, f"{stats}/stats/{unknown}")).status_code == 404, unknown


async def test_answers_can_be_revalidated_compressed_and_asked_for_by_head(
    system: System, stats: str
) -> None:
    series = f"{stats}/stats/series?step=hour&from=2026-01-01&to=2026-02-01"
    for path, caching in {
        "/stats/site": "no-cache",
        "/stats/articles/a": "no-cache",
        "/stats/top": "public, max-age=1",
        "/stats/sections": "public, max-age=1",
        "/stats/series": "public, max-age=1",
    }.items():
        got = await _get(system, stats + path)
        assert got.headers["cache-control"] == caching
        assert got.headers["etag"].startswith('W/"')
        head = await system.http.head(stats + path)
        assert (head.status_code, head.content) == (200, b"")
        assert "etag" in head.headers
    one, other = await asyncio.gather(
        _get(system, series, **{"accept-encoding": "gzip"}),
        _get(system, series, **{"accept-encoding": "identity"}),
    )
    assert one.headers["content-encoding"] == "gzip"
    assert one.json()["points"] == other.json()["points"]
    assert int(one.headers["content-length"]) < int(other.headers["content-length"]) / 5

    async def unchanged() -> bool:
        tag = (await _get(system, f"{stats}/stats/site")).headers["etag"]
        again = await _get(system, f"{stats}/stats/site", **{"if-none-match": tag})
        return again.status_code == 304 and again.content == b""

    await until(unchanged, 5, "one of two requests within half a second is answered 304")


async def test_a_stats_tells_of_its_projections(system: System, stats: str) -> None:
    async def made() -> bool:
        metrics = await _metrics(system, stats)
        return (
            metrics.get("luotdoc_traffic_projections_missing") == 0
            and metrics.get("luotdoc_traffic_projections_checked_total", 0) > 3
        )

    await until(made, 20, "the projections are made")
    metrics = await _metrics(system, stats)
    assert metrics["luotdoc_traffic_projections_wrong"] == 0
    assert metrics["luotdoc_traffic_windows_not_ready"] == 0
    held = await system.db.projections.find({"kind": "day"}).to_list(None)
    assert [(day["reads"], day["site"]) for day in held] == [({"a": 5, "b": 3}, 8)]


async def test_a_wrong_projection_is_found_and_made_again(system: System, stats: str) -> None:
    async def made() -> bool:
        return await system.db.projections.count_documents({"kind": "month"}) > 0

    await until(made, 20, "a month is made")
    await system.db.projections.update_one({"kind": "month"}, {"$inc": {"reads.a": 1}})

    async def right() -> bool:
        month = await system.db.projections.find_one({"kind": "month"})
        return month is not None and month["reads"] == {"a": 5, "b": 3}

    await until(right, 20, "it is made again")
    metrics = await _metrics(system, stats)
    assert metrics["luotdoc_traffic_projections_repaired_total"] == 1
