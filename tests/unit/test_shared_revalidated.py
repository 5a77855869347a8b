"""Entity tags, 304, caching and gzip around an API."""

import gzip
from typing import Any

import httpx
import pytest

from services.stats.api import MOMENT
from shared.web.asgi import App, Receive, Scope, Send
from shared.web.revalidated import holds, revalidated, takes_gzip

LONG = b"0123456789" * 200


def answering(
    body: bytes,
    status: int = 200,
    headers: list[tuple[bytes, bytes]] | None = None,
    pieces: int = 1,
    media: bytes = b"text/plain",
) -> App:
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        length = (b"content-length", b"%d" % len(body))
        await send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [(b"content-type", media), length, *(headers or [])],
            }
        )
        size = -(-len(body) // pieces)
        for at in range(pieces):
            part = body[at * size : (at + 1) * size]
            await send({"type": "http.response.body", "body": part, "more_body": at + 1 < pieces})

    return app


async def ask(app: App, method: str = "GET", **headers: str) -> httpx.Response:
    wrapped = revalidated(app, lambda path: b"max-age=1" if path == "/x" else b"no-cache")
    transport = httpx.ASGITransport(app=wrapped)
    async with httpx.AsyncClient(transport=transport, base_url="http://s") as http:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await http.request(method, "/x", headers={"accept-encoding": "", **named})


async def test_an_answer_gets_a_tag_and_caching() -> None:
    answer = await ask(answering(b"7"))
    assert answer.content == b"7"
    assert answer.headers["etag"].startswith('W/"')
    assert answer.headers["cache-control"] == "max-age=1"
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.headers["content-length"] == "1"


async def test_a_client_that_has_the_answer_gets_304_without_a_body() -> None:
    tag = (await ask(answering(b"7"))).headers["etag"]
    again = await ask(answering(b"7"), if_none_match=tag)
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert "content-type" not in again.headers
    assert "content-length" not in again.headers
    assert (await ask(answering(b"8"), if_none_match=tag)).status_code == 200


async def test_a_long_answer_is_compressed_for_clients_that_take_gzip() -> None:
    answer = await ask(answering(LONG), accept_encoding="br, gzip;q=0.5")
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.content == LONG  # httpx has unpacked it
    assert int(answer.headers["content-length"]) < len(LONG) / 4
    plain = await ask(answering(LONG))
    assert "content-encoding" not in plain.headers
    assert plain.headers["etag"] == answer.headers["etag"]
    short = await ask(answering(LONG[:1023]), accept_encoding="gzip")
    assert "content-encoding" not in short.headers


async def test_a_compressed_answer_is_left_as_it_is() -> None:
    packed = gzip.compress(LONG * 100 + bytes(range(256)) * 9)
    held = answering(packed, headers=[(b"content-encoding", b"gzip")])
    answer = await ask(held, accept_encoding="gzip")
    assert int(answer.headers["content-length"]) == len(packed)


async def test_headers_that_an_answer_has_stay() -> None:
    held = answering(b"7", headers=[(b"etag", b'"3"'), (b"cache-control", b"no-store")])
    answer = await ask(held)
    assert (answer.headers["etag"], answer.headers["cache-control"]) == ('"3"', "no-store")
    assert (await ask(held, if_none_match='"2", "3"')).status_code == 304


@pytest.mark.parametrize(
    ("app", "method"),
    [
        (answering(LONG, 404), "GET"),
        (answering(LONG, pieces=3), "GET"),
        (answering(LONG), "POST"),
    ],
)
async def test_errors_streams_and_other_methods_pass_unchanged(app: App, method: str) -> None:
    answer = await ask(app, method, accept_encoding="gzip")
    assert answer.content == LONG
    assert not {"etag", "cache-control", "content-encoding", "vary"} & answer.headers.keys()


@pytest.mark.parametrize(
    ("held", "tag", "found"),
    [
        (None, b'W/"a"', False),
        (b'"a"', b'W/"a"', True),
        (b'W/"b", W/"a"', b'W/"a"', True),
        (b'"b"', b'W/"a"', False),
        (b"*", b'"a"', True),
        (b"", b'"a"', False),
    ],
)
def test_a_tag_is_found_in_if_none_match(held: bytes | None, tag: bytes, found: bool) -> None:
    assert holds(held, tag) is found


@pytest.mark.parametrize(
    ("accepted", "taken"),
    [
        (None, False),
        (b"gzip", True),
        (b"deflate, GZIP; q=0.8", True),
        (b"gzip;q=0, br", False),
        (b"gzip; q=0.0", False),
        (b"identity", False),
    ],
)
def test_gzip_is_sent_to_those_who_take_it(accepted: bytes | None, taken: Any) -> None:
    assert takes_gzip(accepted) is taken


async def tag_of(body: bytes, media: bytes = b"application/json") -> str:
    wrapped = revalidated(answering(body, media=media), lambda _: b"no-cache", MOMENT)
    transport = httpx.ASGITransport(app=wrapped)
    async with httpx.AsyncClient(transport=transport, base_url="http://s") as http:
        return str((await http.get("/x")).headers["etag"])


async def test_the_tag_of_figures_does_not_depend_on_their_moment() -> None:
    one = await tag_of(b'{"reads":7,"as_of":"2026-11-23T07:05:00.000Z","since":"x"}')
    assert one == await tag_of(b'{"reads":7,"as_of":"2026-11-23T07:05:01.000Z","since":"x"}')
    assert one != await tag_of(b'{"reads":8,"as_of":"2026-11-23T07:05:00.000Z","since":"x"}')
    assert one != await tag_of(b'{"reads":7,"as_of":"2026-11-23T07:05:00.000Z","since":"y"}')
    titles = [b'{"title":"\\"as_of\\":\\"%d\\""}' % n for n in (1, 2)]
    assert await tag_of(titles[0]) != await tag_of(titles[1])
    tables = [b'"as_of":"%d"' % n for n in (1, 2)]
    assert await tag_of(tables[0], b"text/csv") != await tag_of(tables[1], b"text/csv")


async def test_a_compressed_answer_has_its_own_moment() -> None:
    bodies = [b'{"reads":"%s","as_of":"%d"}' % (LONG, n) for n in (1, 2)]
    held = iter(bodies)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await answering(next(held), media=b"application/json")(scope, receive, send)

    wrapped = revalidated(app, lambda _: b"no-cache", MOMENT)
    transport = httpx.ASGITransport(app=wrapped)
    async with httpx.AsyncClient(transport=transport, base_url="http://s") as http:
        found = [await http.get("/x", headers={"accept-encoding": "gzip"}) for _ in bodies]
    assert [each.headers["content-encoding"] for each in found] == ["gzip", "gzip"]
    assert [each.content for each in found] == bodies
    assert found[0].headers["etag"] == found[1].headers["etag"]
