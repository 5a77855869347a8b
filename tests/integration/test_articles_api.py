"""The articles API as a CMS sees it: states, preconditions, and every kind of bad input."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import httpx
import orjson
import pytest
from PIL import Image

from tests.support.system import EDITOR, READS_ONLY, ROOT, System, until

GOOD: dict[str, Any] = {"title": "Tin", "section": "thoi-su", "body_html": "<p>Chữ</p>"}


@pytest.fixture
async def ingest(system: System) -> httpx.AsyncClient:
    process = await system.start("ingest", max_article_bytes=100_000, max_media_bytes=50_000)
    system.http.base_url = httpx.URL(process.url)
    return system.http


async def test_concurrent_writers_with_the_same_if_match(ingest: httpx.AsyncClient) -> None:
    for number in range(5):
        await ingest.put(f"/articles/race{number}", json=GOOD, headers=EDITOR)
        body = {**GOOD, "title": "Mới"}
        answers = await asyncio.gather(
            *(
                ingest.put(
                    f"/articles/race{number}", json=body, headers=EDITOR | {"if-match": '"1"'}
                )
                for _ in range(2)
            )
        )
        assert sorted(answer.status_code for answer in answers) == [200, 412]
        assert (await ingest.get(f"/articles/race{number}")).json()["revision"] == 2


async def test_concurrent_creation(ingest: httpx.AsyncClient) -> None:
    headers = EDITOR | {"if-none-match": "*"}
    answers = await asyncio.gather(
        *(ingest.put("/articles/new", json=GOOD, headers=headers) for _ in range(8))
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [412] * 7


async def test_many_writers_each_get_a_revision(ingest: httpx.AsyncClient) -> None:
    bodies = [{**GOOD, "title": f"Tin {number}"} for number in range(30)]
    answers = await asyncio.gather(
        *(ingest.put("/articles/busy", json=body, headers=EDITOR) for body in bodies)
    )
    assert sorted(answer.json()["revision"] for answer in answers) == list(range(1, 31))


async def test_life_of_an_article(ingest: httpx.AsyncClient) -> None:
    made = await ingest.post("/articles", json=GOOD, headers=EDITOR)
    assert made.status_code == 201
    path = made.headers["location"]
    again = await ingest.put(path, json=GOOD, headers=EDITOR)
    assert (again.status_code, again.headers["etag"]) == (200, '"1"')
    assert (await ingest.delete(path, headers=EDITOR)).status_code == 204
    assert (await ingest.delete(path, headers=EDITOR)).status_code == 204
    gone = (await ingest.get(path)).json()
    assert (gone["state"], gone["revision"], "body_html" in gone) == ("withdrawn", 2, False)
    assert "body_html" in (await ingest.get(path, headers=EDITOR)).json()
    assert (await ingest.post("/reads", json={"article": gone["id"]})).status_code == 404
    back = await ingest.put(path, json=GOOD, headers=EDITOR)
    assert (back.status_code, back.json()["state"], back.json()["revision"]) == (
        200,
        "published",
        3,
    )
    assert (await ingest.post("/reads", json={"article": gone["id"]})).status_code == 204
    assert (await ingest.delete("/articles/nobody", headers=EDITOR)).status_code == 404


async def test_listing_pages_through_everything_once(ingest: httpx.AsyncClient) -> None:
    for number in range(7):
        section = "van-hoa" if number % 2 else "thoi-su"
        moment = f"2026-01-0{1 + number // 2}T00:00:00Z"  # pairs share a time
        body = {**GOOD, "section": section, "published_at": moment}
        await ingest.put(f"/articles/n{number}", json=body, headers=EDITOR)
    seen: list[str] = []
    after: str | None = None
    while True:
        answer = (
            await ingest.get(
                "/articles", params={"limit": 2, **({"after": after} if after else {})}
            )
        ).json()
        seen += [item["id"] for item in answer["items"]]
        after = answer["next"]
        if after is None:
            break
    assert seen == ["n6", "n4", "n5", "n2", "n3", "n0", "n1"]
    some = (await ingest.get("/articles", params={"section": "van-hoa"})).json()["items"]
    assert [item["id"] for item in some] == ["n5", "n3", "n1"]


async def test_a_scheduled_article_appears_when_its_time_comes(system: System) -> None:
    await system.start_all()
    moment = datetime.now(UTC) + timedelta(seconds=3)
    made = (await system.put("later", published_at=moment.isoformat())).json()
    assert (made["state"], made["revision"]) == ("scheduled", 1)
    assert (await system.read("later")).status_code == 404
    assert await system.page("later") is None
    anonymous = await system.http.get(f"{system.url('ingest')}/articles/later")
    assert anonymous.status_code == 404
    assert await system.db.outbox.count_documents({}) == 0
    await until(lambda: system.page("later"), 6, "the page appears on time")
    assert datetime.now(UTC) >= moment
    editor = await system.http.get(f"{system.url('ingest')}/articles/later", headers=EDITOR)
    assert (editor.json()["state"], editor.json()["revision"]) == ("published", 2)
    assert (await system.read("later")).status_code == 204


async def test_withdrawn_and_moved_pages(system: System) -> None:
    await system.start_all()
    first = (await system.put("mv", title="Tên cũ")).json()["url"]
    second = (await system.put("mv", title="Tên mới", section="van-hoa")).json()["url"]
    base = system.url("render")
    old, new = (url.replace("http://127.0.0.1:8000", base) for url in (first, second))

    async def moved() -> bool:
        answer = await system.http.get(old)
        return answer.status_code == 301 and base + answer.headers["location"] == new

    await until(moved, 3, "the old address leads to the new one")
    assert (await system.http.get(new)).status_code == 200
    assert "Tên mới" in (await system.http.get(f"{base}/van-hoa/")).text
    await system.http.delete(f"{system.url('ingest')}/articles/mv", headers=EDITOR)

    async def gone() -> bool:
        return (await system.http.get(new)).status_code == 410

    await until(gone, 3, "the page is gone")
    assert "Tên mới" not in (await system.http.get(f"{base}/van-hoa/")).text
    assert (await system.http.get(f"{base}/van-hoa/khong-co-xyz.html")).status_code == 404


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"authorization": "Bearer wrong"}, 401),
        ({"authorization": "Basic dG9rZW4="}, 401),
        ({"authorization": "Bearer"}, 401),
        ({"authorization": f"Bearer {READS_ONLY}"}, 403),
        (EDITOR, 201),
    ],
)
async def test_tokens(ingest: httpx.AsyncClient, headers: dict[str, str], status: int) -> None:
    answer = await ingest.put("/articles/t1", json=GOOD, headers=headers)
    assert answer.status_code == status
    if status >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == status
    if status == 401:
        assert answer.headers["www-authenticate"].startswith("Bearer")


BAD: list[tuple[Any, str]] = [
    ({**GOOD, "title": ""}, "title"),
    ({**GOOD, "title": " \t "}, "title"),
    ({**GOOD, "title": "x" * 301}, "title"),
    ({**GOOD, "title": 7}, "title"),
    ({**GOOD, "title": None}, "title"),
    ({**GOOD, "title": "a\x00b"}, "title"),
    ({key: GOOD[key] for key in ("title", "section")}, "body_html"),
    ({**GOOD, "section": "Thời sự"}, "section"),
    ({**GOOD, "section": "stats"}, "section"),
    ({**GOOD, "section": "media"}, "section"),
    ({**GOOD, "unknown": 1}, "unknown"),
    ({**GOOD, "tags": "một"}, "tags"),
    ({**GOOD, "tags": ["ok", ""]}, "tags.1"),
    ({**GOOD, "image": {"url": "javascript:alert(1)"}}, "image.url"),
    ({**GOOD, "image": {"url": "//elsewhere.example/x.png"}}, "image.url"),
    ({**GOOD, "image": {"alt": "x"}}, "image.url"),
    ({**GOOD, "published_at": "hôm nay"}, "published_at"),
    ({**GOOD, "published_at": "2026-01-01T00:00:00"}, "published_at"),
    ({**GOOD, "published_at": "9999-12-31T23:59:59-12:00"}, "published_at"),
    ({**GOOD, "published_at": 1700000000}, "published_at"),
    ({**GOOD, "reads_baseline": -1}, "reads_baseline"),
    ({**GOOD, "reads_baseline": 10**30}, "reads_baseline"),
    ({**GOOD, "reads_baseline": 1.5}, "reads_baseline"),
    ({**GOOD, "slug": "Không"}, "slug"),
    ({**GOOD, "language": "tiếng Việt"}, "language"),
    ([], "body"),
    ("text", "body"),
    (None, "body"),
]


async def test_bad_articles_name_the_field(ingest: httpx.AsyncClient) -> None:
    for body, path in BAD:
        answer = await ingest.put("/articles/bad", json=body, headers=EDITOR)
        assert answer.status_code == 422, body
        assert path in [error["path"] for error in answer.json()["errors"]], (body, answer.text)
        assert "Traceback" not in answer.text
    assert (await ingest.get("/articles/bad")).status_code == 404


async def test_bad_json_and_bad_bytes(ingest: httpx.AsyncClient) -> None:
    lone = json.dumps({**GOOD, "title": "x"}).replace('"x"', '"\\ud800"')
    for content in (b"", b"{", b"\xff\xfe", lone.encode(), b"[" * 50_000):
        answer = await ingest.put("/articles/bad", content=content, headers=EDITOR)
        assert answer.status_code == 422, content[:20]
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["errors"][0]["path"] == "body"


@pytest.mark.parametrize(
    "path",
    ["/articles/Big", "/articles/" + "a" * 33, "/articles/a-b", "/articles/%ff", "/articles/a%00"],
)
async def test_bad_ids(ingest: httpx.AsyncClient, path: str) -> None:
    for method in ("PUT", "GET", "DELETE"):
        answer = await ingest.request(
            method, path, json=GOOD if method == "PUT" else None, headers=EDITOR
        )
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["path"] == "article_id"


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "limit=x",
        "after=zzz",
        "section=%00",
        "nope=1",
        "after=-99999999999999999-a",
    ],
)
async def test_bad_queries(ingest: httpx.AsyncClient, query: str) -> None:
    answer = await ingest.get(f"/articles?{query}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["path"] == query.partition("=")[0]


async def test_bad_preconditions(ingest: httpx.AsyncClient) -> None:
    for name, value in (("If-Match", "3"), ("If-Match", '"3'), ("If-None-Match", '"3"')):
        answer = await ingest.put("/articles/p1", json=GOOD, headers=EDITOR | {name: value})
        assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, name)
    for value in ('"1"', "*"):
        assert (
            await ingest.put("/articles/p1", json=GOOD, headers=EDITOR | {"If-Match": value})
        ).status_code == 412
    await ingest.put("/articles/p1", json=GOOD, headers=EDITOR)
    for value, status in (('W/"1"', 412), ('"2", "9"', 412), ('"x", "1"', 200), ("*", 200)):
        answer = await ingest.put("/articles/p1", json=GOOD, headers=EDITOR | {"If-Match": value})
        assert answer.status_code == status, value


async def test_large_bodies_are_refused_unread(ingest: httpx.AsyncClient) -> None:
    """413 comes back although most of the body was never sent."""
    sent = 0

    async def endless() -> Any:
        nonlocal sent
        while sent < 500 << 20:
            sent += 65536
            yield b"x" * 65536

    try:
        answer = await ingest.put("/articles/big", content=endless(), headers=EDITOR)
        assert answer.status_code == 413
        assert answer.json()["status"] == 413
    except (httpx.WriteError, httpx.ReadError):
        pass  # the connection was closed on us while we still wrote: refused as well
    assert sent < 50 << 20
    url = ingest.base_url
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(
        b"PUT /articles/big HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999\r\n"
        b"authorization: " + EDITOR["authorization"].encode() + b"\r\n\r\n{"
    )
    head = await asyncio.wait_for(reader.readuntil(b"\r\n"), 5)
    assert head.startswith(b"HTTP/1.1 413")
    writer.close()


def picture() -> bytes:
    """A picture that tells nothing, so that it is kept to the byte."""
    written = BytesIO()
    Image.new("RGB", (4, 3), "red").save(written, "PNG")
    return written.getvalue()


async def test_media(system: System) -> None:
    await system.start_all()
    base = system.url("ingest")
    png = picture()
    put = await system.http.put(f"{base}/media/hoa.png", content=png, headers=EDITOR)
    assert put.status_code == 201
    path = put.json()["path"]
    assert (await system.http.put(f"{base}/media/khac.jpg", content=png, headers=EDITOR)).json()[
        "path"
    ] == path
    served = await system.http.get(system.url("render") + path)
    assert (served.status_code, served.content, served.headers["content-type"]) == (
        200,
        png,
        "image/png",
    )
    assert "immutable" in served.headers["cache-control"]
    for name, content, status in (
        ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='x'/>", 422),
        ("a.png", b"", 422),
        ("a b.png", png, 422),
    ):
        assert (
            await system.http.put(f"{base}/media/{name}", content=content, headers=EDITOR)
        ).status_code == status
    assert (await system.http.put(f"{base}/media/a.png", content=png)).status_code == 401


async def test_unknown_paths_and_methods(ingest: httpx.AsyncClient) -> None:
    for method, path, status in (
        ("GET", "/nothing", 404),
        ("POST", "/articles/a1", 405),
        ("GET", "/reads", 405),
        ("POST", "/reads.gif", 405),
    ):
        answer = await ingest.request(method, path)
        assert (answer.status_code, answer.headers["content-type"]) == (
            status,
            "application/problem+json",
        )
    assert (await ingest.post("/articles/a1")).headers["allow"] == "DELETE, GET, HEAD, PUT"


async def test_the_document_is_served_as_it_is_committed(ingest: httpx.AsyncClient) -> None:
    assert (await ingest.get("/openapi.json")).json() == orjson.loads(
        (ROOT / "docs/openapi/ingest.json").read_bytes()
    )


async def test_answers_to_bad_input_stay_small(ingest: httpx.AsyncClient) -> None:
    body = {**GOOD, **{f"x{number}" * 20: 1 for number in range(1000)}}
    answer = await ingest.put("/articles/bad", json=body, headers=EDITOR)
    assert (answer.status_code, len(answer.json()["errors"])) == (422, 20)
    assert len(answer.content) < 5000
    assert (await ingest.get("/articles", headers={"x-much": "y" * 70_000})).status_code == 431
    redirected = await ingest.get("/articles/", headers={"host": "elsewhere.example"})
    assert (redirected.status_code, "location" in redirected.headers) == (404, False)


async def test_markup_that_would_explode_is_refused_at_once(ingest: httpx.AsyncClient) -> None:
    hostile = "<p>" + "".join(f"<b a={number}>" for number in range(3000)) + "<p>x" * 2000
    answer = await ingest.put("/articles/bad", json={**GOOD, "body_html": hostile}, headers=EDITOR)
    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, "body_html")


async def test_withdrawn_and_then_scheduled(system: System) -> None:
    """The page of an article that will come back is not gone, it is not there yet."""
    await system.start_all()
    await system.put("a1")
    await until(lambda: system.page("a1"), 5, "the page")
    await system.http.delete(f"{system.url('ingest')}/articles/a1", headers=EDITOR)

    async def status(wanted: int) -> bool:
        answer = await system.http.get(f"{system.url('render')}/x/x-a1.html")
        return answer.status_code == wanted

    await until(lambda: status(410), 5, "the page is gone")
    await system.put("a1", published_at="2900-01-01T00:00:00Z")
    await until(lambda: status(404), 5, "the page is not there")
