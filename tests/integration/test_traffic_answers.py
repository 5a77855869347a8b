"""The traffic figures over HTTP, from a running stats."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, get_args
from zoneinfo import ZoneInfo

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families as families

from luotdoc_subscriber.base.clock import now
from services.stats.traffic.compare import ComparedBy, compared_periods
from services.stats.traffic.windows import FIXED
from shared.rabbit.batch import DEVICES, REFERRERS
from shared.storage.quarters import day_name, day_number, quarter_of
from tests.support.plain_traffic import PlainRead, PlainTraffic, PlainWriter, calendar_periods
from tests.support.system import System, until

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
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


async def _held(system: System) -> list[tuple[str, int, int]]:
    """The people's reads that are counted, as (article, quarter, number)."""
    return [
        (bucket["article"], day_number(bucket["day"]) * 96 + int(place), number)
        async for bucket in system.db.buckets.find({"article": {"$ne": "*"}})
        for place, number in bucket.get("q", {}).items()
    ]


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
    held = await _held(system)
    for window in FIXED:
        top = (await _get(system, f"{stats}/stats/top?window={window}")).json()
        assert top["section"] is None
        found = {item["article"]: item["reads"] for item in top["items"]}
        if window in {"90d", "12mo", "all"}:
            assert found == {"a": 6, "b": 3, "c": 2}, window
        elif window in {"1h", "6h", "24h", "7d", "30d"}:
            assert found == {"a": 1, "c": 2}, window
        else:
            first, end = calendar_periods(datetime.fromisoformat(top["as_of"]), HANOI)[window]
            inside = [(a, n) for a, quarter, n in held if first <= quarter < end]
            assert found == {a: sum(n for b, n in inside if a == b) for a, _ in inside}, window
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
        "/stats/trending": "public, max-age=1",
        "/stats/classes": "public, max-age=1",
        "/stats/sources": "public, max-age=1",
        "/stats/site?compare=previous": "no-cache",
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


AT_REST = (
    *("top?window=yesterday", "top?window=all", "articles/a", "articles/b"),
    *("sections", "sections/tin", "classes", "sources", "series?step=day&to=2026-11-01"),
)
"""What does not change while nobody reads anything, but for its moment."""


async def test_figures_at_rest_are_304_and_changed_ones_are_not(system: System, stats: str) -> None:
    async def all_known() -> bool:
        site = (await _get(system, f"{stats}/stats/site")).json()
        return site["online"] is not None

    await until(all_known, 20, "the end of the stream of reads is reached")
    first = {path: await _get(system, f"{stats}/stats/{path}") for path in AT_REST}
    moments = {path: answer.json()["as_of"] for path, answer in first.items()}

    async def later() -> bool:
        found = [(await _get(system, f"{stats}/stats/{path}")).json() for path in AT_REST]
        return all(each["as_of"] > moments[path] for path, each in zip(AT_REST, found, strict=True))

    await until(later, 20, "all figures are made anew")
    for path, answer in first.items():
        tag = {"if-none-match": answer.headers["etag"]}
        again = await _get(system, f"{stats}/stats/{path}", **tag)
        assert (again.status_code, again.content) == (304, b""), path
    await _read(system, PlainRead("a", quarter_of(datetime.now(UTC)), 1))
    changed = [path for path in AT_REST if "yesterday" not in path and "2026-11" not in path]
    changed.remove("articles/b")

    async def other() -> bool:
        tags = {path: {"if-none-match": first[path].headers["etag"]} for path in changed}
        found = [await _get(system, f"{stats}/stats/{path}", **tags[path]) for path in changed]
        return all(each.status_code == 200 for each in found)

    await until(other, 20, "figures that have changed are answered whole")
    for path in set(AT_REST) - set(changed):
        tag = {"if-none-match": first[path].headers["etag"]}
        assert (await _get(system, f"{stats}/stats/{path}", **tag)).status_code == 304, path


ARTICLES_OF = {"site": "abc", "articles/c": "c", "sections/van-hoa": "c"}
PERIODS = ("today", "yesterday", "week", "month", "year")


async def test_figures_stand_beside_earlier_ones(system: System, stats: str) -> None:
    site = (await _get(system, f"{stats}/stats/site")).json()
    first = (datetime.now(UTC) - timedelta(days=50)).date()
    assert site["since"] == f"{first}T00:00:00.000Z"
    assert site["compared"] is None
    yesterday = quarter_of(datetime.now(UTC)) - 96
    await _read(system, PlainRead("c", yesterday, 4), PlainRead("b", yesterday - 96 * 7, 6))
    held, first_quarter = await _held(system), quarter_of(datetime.fromisoformat(site["since"]))

    async def noticed() -> bool:
        section = (await _get(system, f"{stats}/stats/sections/van-hoa")).json()
        return bool(section["counted"] == 6)

    await until(noticed, 20, "the reads of yesterday are in the figures")
    for path in ARTICLES_OF:
        plain = (await _get(system, f"{stats}/stats/{path}")).json()
        assert plain["compared"] is None
        for by in get_args(ComparedBy):
            found = (await _get(system, f"{stats}/stats/{path}?compare={by}")).json()["compared"]
            assert list(found) == ["by", "through", *PERIODS]
            assert found["by"] == by
            through = datetime.fromisoformat(found["through"])
            assert through.timestamp() % 900 == 0
            assert timedelta(0) <= datetime.now(UTC) - through < timedelta(minutes=16)
            for name, pair in compared_periods(through, HANOI, by).items():
                reads, earlier = (
                    sum(
                        n
                        for article, quarter, n in held
                        if first <= quarter < end and article in ARTICLES_OF[path]
                    )
                    for first, end in (pair.current, pair.before)
                )
                known = first_quarter <= pair.before[0]
                expected = {"reads": reads, "before": earlier if known else None}
                assert found[name] == expected, (path, by, name)
            assert found["today"]["before"] == (None if by == "last_year" else 0)
            assert found["year"]["before"] is None  # 50 days are known
        refused = await _get(system, f"{stats}/stats/{path}?compare=next")
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["path"] == "compare"


async def test_trending_articles_as_json_and_as_a_table(system: System, stats: str) -> None:
    found = (await _get(system, f"{stats}/stats/trending?limit=5")).json()
    assert list(found) == ["section", "items", "as_of"]
    # In the day before nobody read anything, so nothing was expected of either.
    assert found["items"] == [
        {
            "article": article,
            "title": f"Bài {article}",
            "url": f"https://example.vn/{article}",
            "reads": reads,
            "expected": 0.0,
            "score": score,
        }
        for article, reads, score in (("c", 2, 1.0), ("a", 1, 0.5))
    ]
    inside = (await _get(system, f"{stats}/stats/trending?section=tin")).json()
    assert (inside["section"], [item["article"] for item in inside["items"]]) == ("tin", ["a"])
    table = await _get(system, f"{stats}/stats/trending", accept="text/csv")
    assert table.headers["content-disposition"] == 'attachment; filename="luotdoc-trending.csv"'
    assert table.text.removeprefix("\ufeff").splitlines() == [
        "article,title,url,reads,expected,score",
        "c,Bài c,https://example.vn/c,2,0.0,1.0",
        "a,Bài a,https://example.vn/a,1,0.0,0.5",
    ]
    assert (await _get(system, f"{stats}/stats/trending?section=x")).status_code == 404
    for refused in ("limit=0", "limit=101", "window=2h", "section=A"):
        assert (await _get(system, f"{stats}/stats/trending?{refused}")).status_code == 422, refused


async def test_people_and_bots_side_by_side_and_where_readers_come_from(
    system: System, stats: str
) -> None:
    current = quarter_of(datetime.now(UTC))
    day, place = day_name(current // 96), current % 96
    sources = {f"referrer.search.{place}": 1, f"device.mobile.{place}": 1}
    await system.db.buckets.update_one({"_id": f"*/{day}/0"}, {"$inc": sources})

    async def noticed() -> bool:
        found = (await _get(system, f"{stats}/stats/sources")).json()
        return any(row["referrer"] == "search" and row["today"] for row in found["referrers"])

    await until(noticed, 5, "the sources are read")
    classes = (await _get(system, f"{stats}/stats/classes")).json()
    assert list(classes["classes"][0]) == ["class", "people", "total", *PERIODS]
    rows = {row["class"]: (row["people"], row["total"]) for row in classes["classes"]}
    assert rows == {
        "reader": (True, 9), "batch": (True, 2), "bot": (False, 1), "reload": (False, 0),
        "prefetch": (False, 0), "origin": (False, 0), "limit": (False, 0), "other": (False, 0),
    }  # fmt: skip
    found = (await _get(system, f"{stats}/stats/sources")).json()
    for what, kind in (("referrer", "search"), ("device", "mobile")):
        totals = {row[what]: row["total"] for row in found[f"{what}s"]}
        assert {name: n for name, n in totals.items() if n} == {kind: 1, "not_known": 8}
    table = (await _get(system, f"{stats}/stats/classes?format=csv")).text.splitlines()
    assert table[0].removeprefix("\ufeff") == "class,people,total,today,yesterday,week,month,year"
    assert table[1].startswith("reader,true,9,")
    assert table[3].startswith("bot,false,1,")
    table = (await _get(system, f"{stats}/stats/sources?format=csv")).text.splitlines()
    assert table[0].removeprefix("\ufeff") == "what,class,total,today,yesterday,week,month,year"
    assert [line.rsplit(",", 6)[0] for line in table[1:]] == [
        *(f"referrer,{name}" for name in (*REFERRERS, "not_known")),
        *(f"device,{name}" for name in (*DEVICES, "not_known")),
    ]


async def test_zero_and_not_known_in_a_series(system: System, stats: str) -> None:
    now = datetime.now(UTC)
    first = (now - timedelta(days=50)).date()
    asked = (
        f"step=day&tz=UTC&from={first - timedelta(days=2)}&to={(now + timedelta(days=3)).date()}"
    )
    points = (await _get(system, f"{stats}/stats/series?{asked}")).json()["points"]
    assert list(points[0]) == ["start", "time", "reads", "by"]
    assert [point["reads"] for point in points[:4]] == [None, None, 8, 0]
    assert [point["reads"] for point in points[-4:]] == [0, 3, None, None]
    assert all(
        point["time"] == datetime.fromisoformat(point["start"]).timestamp() * 1000
        for point in points
    )
    table = (await _get(system, f"{stats}/stats/series?{asked}&format=csv")).text.splitlines()
    assert table[0].removeprefix("\ufeff") == "start,zone,time,reads"
    assert [line.rsplit(",", 1)[1] for line in table[1:5]] == ["", "", "8", "0"]


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
