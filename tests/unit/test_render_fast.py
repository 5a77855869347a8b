"""Pages in memory past ASGI: what is answered so, and that both ways answer the same. No socket:
bytes in, bytes out.
"""

import gzip
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from services.render.rendering.renderer import ASIDE_MARK, READS_MARK
from services.render.serving.fast import FastPages
from shared.web.asgi import Receive, Scope, Send
from tests.support.connection import Application, Connection
from tests.support.page_store import page, withdrawn
from tests.unit.test_render_answers import LONG, PATH, Site


class Served(Application):
    """A page server behind the HTTP protocol, which notes what goes through ASGI."""

    def __init__(self, site: Site) -> None:
        super().__init__()
        self.site, self.slow = site, list[str]()
        fast = FastPages(routes=site.routes, answers=site.answers, metrics=site.parts.metrics)
        self.fast_get = fast.take

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.slow.append(scope["path"])
        await self.site.server(scope, receive, send)


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    site = Site()
    await site.store.put(replace(page("a"), parts=[LONG, READS_MARK, ASIDE_MARK]))
    site.store.counts = {"a": 1224, "*": 1224}
    await site.totals.load()
    async with site.watched():
        yield Served(site)


async def asked(one: Connection, path: str = PATH, *headers: str, method: str = "GET") -> bytes:
    lines = "".join(f"{each}\r\n" for each in ("Host: x", *headers))
    return await one.send(f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode())


async def test_a_page_in_memory_is_answered_at_once_and_as_by_asgi(served: Served) -> None:
    one, body = Connection(served), b""
    for coding in ("identity", "gzip, br"):
        served.slow.clear()
        first = await asked(one, PATH, f"Accept-Encoding: {coding}", "If-None-Match: x")
        again = await asked(one, PATH, f"Accept-Encoding: {coding}")
        assert served.slow == [PATH]  # a conditional request alone
        head, _, body = again.partition(b"\r\n\r\n")
        slow_head, _, slow_body = first.partition(b"\r\n\r\n")
        assert sorted(head.split(b"\r\n")) == sorted(slow_head.split(b"\r\n"))
        assert body == slow_body
    assert "1.234" in gzip.decompress(body).decode()
    assert served.site.answered("article", "thoi-su", 200) == 4


async def test_the_count_on_a_page_is_that_of_now(served: Served) -> None:
    one = Connection(served)
    await asked(one)
    assert "1.234" in (await asked(one)).decode()
    served.site.store.counts = {"a": 1225, "*": 1225}
    await served.site.totals.load()
    assert "1.235" in (await asked(one)).decode()
    assert served.slow == [PATH]


async def test_lists_in_memory_are_answered_at_once(served: Served) -> None:
    one = Connection(served)
    for path in ("/", "/thoi-su/"):
        first, again = await asked(one, path), await asked(one, path)
        assert sorted(first.split(b"\r\n")) == sorted(again.split(b"\r\n"))
    assert served.slow == ["/", "/thoi-su/"]


async def test_what_is_not_plain_goes_through_asgi(served: Served) -> None:
    one = Connection(served)
    await asked(one)
    served.slow.clear()
    assert b"HTTP/1.1 200" in await asked(one, method="HEAD")
    assert b"HTTP/1.1 405" in await asked(one, "/thoi-su/", method="PUT")
    assert b"HTTP/1.1 200" in await asked(one, f"{PATH}?x=1")
    assert b"HTTP/1.1 301" in await asked(one, "/van-hoa/cu-a.html")
    assert b"HTTP/1.1 404" in await asked(one, "/thoi-su/khong-b.html")
    assert b"HTTP/1.1 200" in await asked(one, "/%74hoi-su/tin-a.html")
    assert b"HTTP/1.1 200" in await asked(one, "/static/style.css")
    assert len(served.slow) == 7


async def test_a_page_that_changes_is_not_answered_from_memory(served: Served) -> None:
    one, site = Connection(served), served.site
    await asked(one)
    await site.store.put(replace(page("a", 2), parts=["mới", READS_MARK, ASIDE_MARK]))
    await site.reported("a")
    assert "mới" in (await asked(one)).decode()
    await site.store.put(withdrawn("a", 3))
    await site.reported("a")
    assert b"HTTP/1.1 410" in await asked(one)


async def test_without_the_change_stream_nothing_is_answered_from_memory(served: Served) -> None:
    one = Connection(served)
    await asked(one)
    served.slow.clear()
    served.site.cache.current = False
    await asked(one)
    assert served.slow == [PATH]
