"""Every route of every service, over the wire: security headers, HEAD, 405, repeated parameters,
foreign pictures.
"""

import asyncio
from typing import Any

import httpx

from tests.support.system import EDITOR, System, until

ALWAYS = {
    "x-content-type-options",
    "referrer-policy",
    "permissions-policy",
    "content-security-policy",
}
OPERATORS = ("/livez", "/readyz", "/metrics", "/nowhere")
PATHS = {
    "ingest": (*OPERATORS, "/articles", "/articles/a1", "/articles/nope", "/reads", "/reads/batch",
    "/events/",
               "/events/asyncapi.json", "/schemas/heartbeat.v1.json", "/reads.gif?article=a1",
               "/reads.gif",
               "/docs", "/openapi.json", "/articles?limit=0"),
    "render": (*OPERATORS, "/", "/thoi-su/", "/thoi-su", "/x/x-a1.html", "/x/x-gone.html",
    "/static/style.css",
               "/static/none", "/favicon.ico", "/state", "/state?limit=0", "/media/x", "/?page=0"),
    "counter": OPERATORS,
    "stats": (*OPERATORS, "/stats/site", "/stats/top", "/stats/top?format=csv", "/stats/series",
    "/stats/articles/a1",
              "/stats/trending", "/stats/classes", "/stats/sources?format=csv",
              "/stats/site?compare=previous", "/stats/export", "/stats/export?format=ndjson",
              "/stats/series?format=ndjson", "/stats/articles/nope", "/stats/reconciliation",
              "/state", "/stats/site?x=1",
              "/stats", "/stats/", "/stats/articles/a1/", "/stats/articles/nope/",
              "/stats/static/none",
              "/docs", "/stats/docs", "/stats/docs/start.js", "/stats/openapi.json"),
}  # fmt: skip
AT_ONCE = dict.fromkeys(
    ("/stats/export", "/stats/export?format=ndjson"), ("etag", "content-length")
)
"""Paths whose HEAD is answered before it is known how much there is to send: what it then lacks."""
CHANGES = {"date", "x-correlation-id", "luotdoc-read", "content-length"}


def lacking(answer: httpx.Response) -> set[str]:
    return (ALWAYS | {"cross-origin-resource-policy"}) - answer.headers.keys()


async def _start(system: System) -> System:
    more: dict[str, Any] = {"cors_origins": "https://example.vn", "picture_hosts": "cdn.example.vn"}
    for process in [
        await system.start(service, wait=False, hsts_seconds=3600, **more) for service in PATHS
    ]:
        await system.ready(process, 90)
    picture = '<p><img src="https://%s/a.jpg" alt="Cầu"></p>'
    body = picture % "cdn.example.vn" + picture % "evil.example"
    await system.put(
        "a1", body_html=body, image={"url": "https://evil.example/b.jpg", "alt": "Sông"}
    )
    await system.put("gone")
    for article in ("a1", "gone"):
        await until(lambda article=article: system.page(article), 15, "the page is there")
    await system.http.delete(f"{system.url('ingest')}/articles/gone", headers=EDITOR)
    return system


async def _every_answer_is_safe_and_head_works_where_get_does(stack: System) -> None:
    faults: list[object] = []
    for service, paths in PATHS.items():
        for path in paths:
            url = stack.url(service) + path
            got, head = await stack.http.get(url), await stack.http.head(url)
            patched = await stack.http.request("TRACE", url)
            faults += [(url, "lacks", lacking(a)) for a in (got, head, patched) if lacking(a)]
            faults += [
                (url, answer.status_code)
                for answer in (got, head, patched)
                if answer.status_code >= 500
            ]
            faults += [
                (url, "hsts")
                for a in (got, head)
                if a.headers["strict-transport-security"] != "max-age=3600"
            ]
            if patched.status_code not in (404, 405):
                faults.append((url, "TRACE", patched.status_code))
            if patched.status_code == 405 and ("GET" in patched.headers["allow"]) != (
                "HEAD" in patched.headers["allow"]
            ):
                faults.append((url, "allow", patched.headers["allow"]))
            if path in AT_ONCE:
                for name in AT_ONCE[path]:
                    got.headers.pop(name, None)
            if (got.status_code, got.headers.keys()) != (
                head.status_code,
                head.headers.keys(),
            ) or head.content:
                faults.append(
                    (
                        url,
                        got.status_code,
                        head.status_code,
                        got.headers.keys() ^ head.headers.keys(),
                    )
                )
            again = await stack.http.get(url)
            before, length, after = (
                answer.headers.get("content-length") for answer in (got, head, again)
            )
            # Figures of a system at work may change between two requests.
            if "/metrics" not in path and before == after != length:
                faults.append((url, "length", before, length))
    assert faults == []


async def _what_others_may_embed_and_what_not(stack: System) -> None:
    async def resource(service: str, path: str, **headers: str) -> str:
        answer = await stack.http.get(stack.url(service) + path, headers=headers)
        return str(answer.headers["cross-origin-resource-policy"])

    assert await resource("ingest", "/reads.gif?article=a1") == "cross-origin"
    assert await resource("stats", "/stats/site") == "cross-origin"
    assert await resource("render", "/static/favicon.svg") == "cross-origin"
    assert await resource("render", "/") == "same-origin"
    assert await resource("ingest", "/articles/a1") == "same-origin"
    read = await stack.read("a1")
    assert (read.status_code, lacking(read), read.headers["cross-origin-resource-policy"]) == (
        204,
        set(),
        "cross-origin",
    )
    # The way past ASGI.
    raw = await _raw(
        stack.url("ingest"),
        b'{"article":"a1"}',
        {"user-agent": "Mozilla/5.0 (X11; Linux) Firefox/141.0"},
    )
    assert raw.startswith(b"HTTP/1.1 204")
    assert not [name for name in ALWAYS if name.encode() + b": " not in raw]

    async def unchanged() -> Any:
        page = await stack.page("a1")  # counts and readers online may change it in between
        assert page is not None
        again = await stack.http.get(page.url, headers={"if-none-match": page.headers["etag"]})
        return again if again.status_code == 304 else None

    assert lacking(await until(unchanged, 20, "a page that does not change is 304")) == set()
    shared = await stack.http.get(
        f"{stack.url('stats')}/stats/site", headers={"origin": "https://example.vn"}
    )
    assert shared.headers["access-control-allow-origin"] == "https://example.vn"


async def _raw(url: str, body: bytes, headers: dict[str, str]) -> bytes:
    host, _, port = url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    lines = [
        f"{name}: {value}"
        for name, value in ({"host": host, "content-length": str(len(body))} | headers).items()
    ]
    writer.write("\r\n".join(["POST /reads HTTP/1.1", *lines, "", ""]).encode() + body)
    answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    writer.close()
    await writer.wait_closed()
    return answer


async def _a_parameter_that_is_given_twice_is_refused(stack: System) -> None:
    for service, path, name in (
        ("ingest", "/articles?limit=1&limit=2", "limit"),
        ("ingest", "/articles/a1?x=1&x=2", "x"),
        ("ingest", "/reads.gif?article=a1&article=gone", "article"),
        ("render", "/state?after=a&after=b", "after"),
        ("stats", "/state?limit=1&limit=2", "limit"),
        ("stats", "/stats/top?window=1h&window=2h", "window"),
        ("stats", "/stats/site?a=1&a=2", "a"),
    ):
        answer = await stack.http.get(stack.url(service) + path)
        assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, name), path
    render = stack.url("render")
    assert (await stack.http.get(f"{render}/?before=1-a&before=1-a")).status_code == 404
    assert (await stack.http.get(f"{render}/?utm=1&utm=2")).status_code == 200


async def _a_head_of_the_picture_counts_nothing(stack: System) -> None:
    head = await stack.http.head(f"{stack.url('ingest')}/reads.gif", params={"article": "a1"})
    assert (head.status_code, head.headers["luotdoc-read"], head.headers["content-length"]) == (
        200,
        "not counted",
        "42",
    )
    assert (
        await stack.http.head(f"{stack.url('ingest')}/reads.gif", params={"article": "zz"})
    ).status_code == 404
    assert (await stack.read("a1")).headers["luotdoc-read"] == "counted"  # no reload


async def _pictures_of_a_host_that_is_not_listed_are_links(stack: System) -> None:
    page = await stack.page("a1")
    assert page is not None
    assert '<img src="https://cdn.example.vn/a.jpg"' in page.text
    assert '<img src="https://evil.example' not in page.text
    assert (
        '<a href="https://evil.example/a.jpg" rel="noopener noreferrer nofollow">Xem ảnh: Cầu</a>'
        in page.text
    )
    assert (
        '<a href="https://evil.example/b.jpg" rel="noopener noreferrer nofollow">Xem ảnh: Sông</a>'
        in page.text
    )
    sources = (
        page.headers["content-security-policy"].partition("img-src ")[2].partition(";")[0].split()
    )
    assert sources == ["'self'", "data:", "127.0.0.1:8000", "cdn.example.vn"]
    listed = (await stack.http.get(stack.url("render"))).text
    assert "evil.example" not in listed
    assert "LUOTDOC_PICTURE_HOSTS" in stack.replicas("render")[0].text()


async def test_over_the_wire(system: System) -> None:
    """One stack for all: it takes longer to start than to ask."""
    stack = await _start(system)
    await _a_head_of_the_picture_counts_nothing(stack)
    await _every_answer_is_safe_and_head_works_where_get_does(stack)
    await _what_others_may_embed_and_what_not(stack)
    await _a_parameter_that_is_given_twice_is_refused(stack)
    await _pictures_of_a_host_that_is_not_listed_are_links(stack)
