"""What an editor sends and what comes of it: warnings, quiet changes, keys, lists of changes,
pictures.
"""

import asyncio
from io import BytesIO
from typing import Any

import aio_pika
import httpx
import orjson
import pytest
from PIL import Image

from luotdoc_subscriber.rabbit import layout
from tests.support.system import EDITOR, System

GOOD: dict[str, Any] = {"title": "Tin", "section": "thoi-su", "body_html": "<p>Chữ</p>"}
SECTIONS = "thoi-su=Thời sự"


@pytest.fixture
async def ingest(system: System) -> httpx.AsyncClient:
    process = await system.start("ingest", sections=SECTIONS)
    system.http.base_url = httpx.URL(process.url)
    return system.http


async def test_what_was_changed_is_told_and_strict_refuses_it(ingest: httpx.AsyncClient) -> None:
    body = {
        **GOOD,
        "section": "du-lich",
        "image": {"url": "/media/a.webp"},
        "body_html": '<h2>a</h2><h4>b</h4><img src="data:x" alt="Cầu"><p>c</p>',
    }
    refused = await ingest.put("/articles/w1", json=body, headers=EDITOR, params={"strict": "true"})
    assert refused.status_code == 422
    assert [fault["path"] for fault in refused.json()["errors"]] == [
        "body_html",
        "body_html",
        "image.alt",
        "section",
    ]
    assert (await ingest.get("/articles/w1", headers=EDITOR)).status_code == 404
    taken = await ingest.put("/articles/w1", json=body, headers=EDITOR)
    assert taken.status_code == 201
    assert taken.json()["warnings"] == refused.json()["errors"]
    assert taken.json()["body_html"] == "<h2>a</h2><h4>b</h4><p>c</p>"
    clean = await ingest.put("/articles/w2", json=GOOD, headers=EDITOR, params={"strict": "true"})
    assert (clean.status_code, clean.json()["warnings"]) == (201, [])
    assert "warnings" not in (await ingest.get("/articles/w2")).json()


@pytest.mark.parametrize("size", [1, 4_000])
async def test_an_empty_body_is_refused_in_a_thread_and_in_a_process(
    ingest: httpx.AsyncClient, size: int
) -> None:
    empty = await ingest.put(
        "/articles/e1", json={**GOOD, "body_html": "<p hidden>x</p>" * size}, headers=EDITOR
    )
    assert empty.status_code == 422
    assert empty.json()["errors"][0]["path"] == "body_html"
    assert "must not be empty" in empty.json()["errors"][0]["message"]
    full = await ingest.put(
        "/articles/e1", json={**GOOD, "body_html": "<div>x</div>" * size}, headers=EDITOR
    )
    assert full.json()["body_html"] == "<p>x</p>" * size


async def test_what_is_left_out_stays(ingest: httpx.AsyncClient) -> None:
    await ingest.put("/articles/b1", json={**GOOD, "reads_baseline": 7666}, headers=EDITOR)
    again = await ingest.put("/articles/b1", json={**GOOD, "title": "Khác"}, headers=EDITOR)
    assert (again.json()["reads_baseline"], again.json()["revision"]) == (7666, 2)


async def test_a_quiet_change_is_told_as_one(system: System, ingest: httpx.AsyncClient) -> None:
    async with await aio_pika.connect(system.broker.url) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(exclusive=True)
        await queue.bind(layout.EVENTS_EXCHANGE.name, "article.*")
        await ingest.put("/articles/q1", json={**GOOD, "change": "minor"}, headers=EDITOR)
        await ingest.put(
            "/articles/q1", json={**GOOD, "title": "Sửa lỗi", "change": "minor"}, headers=EDITOR
        )
        await ingest.put("/articles/q1", json={**GOOD, "title": "Tin khác hẳn"}, headers=EDITOR)
        told = []
        async with asyncio.timeout(10), queue.iterator() as messages:
            async for message in messages:
                event = orjson.loads(message.body)
                told.append((event["type"], event["data"]["change"]))
                if len(told) == 3:
                    break
    assert told == [
        ("luotdoc.article.published.v1", "minor"),
        ("luotdoc.article.updated.v1", "minor"),
        ("luotdoc.article.updated.v1", "major"),
    ]


async def test_a_post_with_a_key_makes_one_article(ingest: httpx.AsyncClient) -> None:
    keyed = EDITOR | {"idempotency-key": "cms-1"}
    first = await ingest.post("/articles", json=GOOD, headers=keyed)
    again = await ingest.post("/articles", json=GOOD, headers=keyed)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    other = await ingest.post("/articles", json={**GOOD, "title": "Khác"}, headers=keyed)
    assert (other.status_code, other.json()["errors"][0]["path"]) == (422, "Idempotency-Key")
    path = first.headers["location"]
    await ingest.put(path, json={**GOOD, "title": "Đã sửa"}, headers=EDITOR)
    late = await ingest.post("/articles", json=GOOD, headers=keyed)
    assert (late.status_code, late.json()["title"], late.json()["revision"]) == (200, "Đã sửa", 2)
    without = [
        (await ingest.post("/articles", json=GOOD, headers=EDITOR)).json()["id"] for _ in range(2)
    ]
    assert len({first.json()["id"], *without}) == 3
    assert (
        await ingest.post("/articles", json=GOOD, headers=EDITOR | {"idempotency-key": ""})
    ).status_code == 422


async def test_articles_are_listed_by_state(ingest: httpx.AsyncClient) -> None:
    await ingest.put("/articles/s1", json=GOOD, headers=EDITOR)
    await ingest.put(
        "/articles/s2", json={**GOOD, "published_at": "2900-01-01T00:00:00Z"}, headers=EDITOR
    )
    await ingest.put("/articles/s3", json=GOOD, headers=EDITOR)
    await ingest.delete("/articles/s3", headers=EDITOR)

    async def ids(headers: dict[str, str], **wanted: Any) -> list[str]:
        answer = await ingest.get("/articles", params=wanted, headers=headers)
        return sorted(item["id"] for item in answer.json()["items"])

    assert await ids(EDITOR) == ["s1", "s2", "s3"]
    assert await ids(EDITOR, state="scheduled") == ["s2"]
    assert await ids(EDITOR, state="withdrawn") == ["s3"]
    assert await ids({}, state="published") == ["s1"]
    assert (await ingest.get("/articles", params={"state": "withdrawn"})).status_code == 401
    assert (
        await ingest.get("/articles", params={"state": "draft"}, headers=EDITOR)
    ).status_code == 422


async def test_a_list_of_changes_misses_nothing_while_articles_change(
    ingest: httpx.AsyncClient,
) -> None:
    for number in range(7):
        await ingest.put(f"/articles/m{number}", json=GOOD, headers=EDITOR)
    since = (await ingest.get("/articles/m0")).json()["modified_at"]
    wanted: dict[str, Any] = {"modified_since": since, "limit": 3}
    held: dict[str, int] = {}

    async def page() -> int:
        answer = (await ingest.get("/articles", params=wanted, headers=EDITOR)).json()
        held.update({item["id"]: item["revision"] for item in answer["items"]})
        wanted["after"] = answer["next"]
        return len(answer["items"])

    assert await page() == 3
    await ingest.put(
        "/articles/m0", json={**GOOD, "title": "Sửa"}, headers=EDITOR
    )  # moves behind the cursor
    await ingest.delete("/articles/m6", headers=EDITOR)
    assert await page() == 3
    while await page() == 3:
        pass
    assert held == {"m0": 2, "m1": 1, "m2": 1, "m3": 1, "m4": 1, "m5": 1, "m6": 2}
    await ingest.put("/articles/m1", json={**GOOD, "title": "Sửa sau"}, headers=EDITOR)
    while await page() == 3:  # from where it ended
        pass
    assert held["m1"] == 2
    for wrong in ("hôm qua", "0.5", "2026-11-26"):
        assert (await ingest.get("/articles", params={"modified_since": wrong})).status_code == 422


async def test_a_photograph_loses_its_place_and_stands_upright(
    system: System, ingest: httpx.AsyncClient
) -> None:
    said = Image.Exif()
    said[0x0112] = 6
    said.get_ifd(0x8825)[2] = (21.0, 23.0, 0.0)
    written = BytesIO()
    Image.new("RGB", (40, 20), "red").save(written, "JPEG", exif=said)
    answer = await ingest.put("/media/a.jpg", content=written.getvalue(), headers=EDITOR)
    assert answer.status_code == 201
    told = answer.json()
    assert (told["type"], told["width"], told["height"]) == ("image/jpeg", 20, 40)
    kept = await system.db.media.find_one({"_id": told["path"].rpartition("/")[2]})
    assert kept is not None
    with Image.open(BytesIO(kept["data"])) as picture:
        assert (picture.size, dict(picture.getexif())) == ((20, 40), {})
    for hostile in (b"\xff\xd8\xff", b"GIF89a<html>", b"<svg/>"):
        refused = await ingest.put("/media/a.gif", content=hostile, headers=EDITOR)
        assert (refused.status_code, refused.json()["errors"][0]["path"]) == (422, "body")
