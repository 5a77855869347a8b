"""What the page server answers, by ASGI without a socket and over a store in memory."""

import asyncio
from collections.abc import MutableMapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from luotdoc_subscriber.base.metrics import Registry, new_registry
from services.render import database
from services.render.cache import PageCache
from services.render.database import ReaderQueries
from services.render.fragments import Fragments
from services.render.metrics import RenderMetrics
from services.render.pages import READS_MARK, Renderer
from services.render.server import PageServer
from services.render.settings import RenderSettings
from services.render.totals import Totals
from shared.web.asgi import Scope
from tests.support.page_store import PagesInMemory, page, withdrawn

SETTINGS = RenderSettings(amqp_url="amqp://a@h", mongo_url="mongodb://h/d?replicaSet=r")
RENDERER = Renderer(SETTINGS)
PATH = "/thoi-su/tin-a.html"
PICTURE = "0123456789abcdef" * 2 + ".png"


@dataclass
class Answer:
    status: int
    headers: dict[bytes, bytes]
    body: bytes


@dataclass
class Site:
    """A page server with its store and clock."""

    store: PagesInMemory = field(default_factory=PagesInMemory)
    time: float = 1000.0
    registry: Registry = field(default_factory=new_registry)

    def __post_init__(self) -> None:
        def seconds() -> float:
            return self.time

        measured = RenderMetrics(self.registry, [])
        queries = ReaderQueries(seconds)
        queries.note_answer()
        self.totals = Totals(self.store, queries)
        self.server = PageServer(
            renderer=RENDERER,
            store=self.store,
            queries=queries,
            cache=PageCache(
                store=self.store,
                queries=queries,
                capacity=10,
                changed=lambda: None,
                seconds=seconds,
                stale_seconds=300.0,
                metrics=measured,
            ),
            lists=Fragments(queries=queries, seconds=seconds, stale_seconds=300.0),
            asides=Fragments(queries=queries, seconds=seconds, stale_seconds=300.0),
            totals=self.totals,
            metrics=measured,
        )

    async def ask(
        self, path: str, method: str = "GET", query: bytes = b"", **headers: str
    ) -> Answer:
        sent: list[MutableMapping[str, Any]] = []
        raw = [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]
        scope: Scope = {
            "type": "http", "method": method, "path": path, "headers": raw, "query_string": query,
        }  # fmt: skip

        async def receive() -> MutableMapping[str, Any]:
            raise AssertionError("no request for a page has a body")

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        async with asyncio.timeout(5):
            await self.server(scope, receive, send)
        start, body = sent
        return Answer(start["status"], dict(start["headers"]), body["body"])

    def answered(self, kind: str, section: str, status: int) -> float | None:
        labels = {"kind": kind, "section": section, "status": str(status)}
        return self.registry.get_sample_value("luotdoc_pages_total", labels)


@pytest.fixture
async def site() -> Site:
    one = Site()
    await one.store.put(replace(page("a"), parts=["<p>", READS_MARK, "</p>"]))
    one.store.counts = {"a": 1224, "*": 1224}
    await one.totals.load()
    return one


async def test_a_page_shows_its_counted_reads_with_those_from_before(site: Site) -> None:
    answer = await site.ask(PATH)
    assert (answer.status, answer.body) == (200, b"<p>1.234</p>")
    assert answer.headers[b"content-type"] == b"text/html; charset=utf-8"
    assert answer.headers[b"cache-control"] == b"public, max-age=5"
    assert b"warning" not in answer.headers
    assert site.answered("article", "other", 200) == 1


async def test_head_is_answered_as_get(site: Site) -> None:
    """The HTTP server leaves the body out."""
    got, head = await site.ask(PATH), await site.ask(PATH, "HEAD")
    assert (head.status, head.headers) == (got.status, got.headers)
    assert head.headers[b"content-length"] == b"12"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "get"])
async def test_other_methods_are_refused(site: Site, method: str) -> None:
    answer = await site.ask(PATH, method)
    assert (answer.status, answer.headers[b"allow"], answer.body) == (405, b"GET, HEAD", b"")
    assert site.answered("error", "", 405) == 1


@pytest.mark.parametrize("held", ["{}", "W/{}", '"x", {}', '"x",W/{} , "y"'])
async def test_a_page_that_the_reader_has_is_answered_304(site: Site, held: str) -> None:
    tag = (await site.ask(PATH)).headers[b"etag"].decode()
    answer = await site.ask(PATH, if_none_match=held.format(tag))
    assert (answer.status, answer.body, answer.headers[b"etag"]) == (304, b"", tag.encode())
    assert b"content-type" not in answer.headers
    assert site.answered("article", "other", 304) == 1


async def test_a_page_with_more_reads_is_another_one(site: Site) -> None:
    tag = (await site.ask(PATH)).headers[b"etag"].decode()
    site.totals.note({"a": 1225})
    answer = await site.ask(PATH, if_none_match=tag)
    assert (answer.status, answer.body) == (200, b"<p>1.235</p>")
    assert (await site.ask(PATH, if_none_match='"x"')).status == 200


@pytest.mark.parametrize("path", ["/x/x-a.html", "/thoi-su/a.html"])
async def test_another_path_of_an_article_leads_to_its_own(site: Site, path: str) -> None:
    answer = await site.ask(path)
    assert (answer.status, answer.headers[b"location"]) == (301, PATH.encode())


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/thoi-su/tin-zz.html", b""),
        ("/nothing/", b""),
        ("/.env", b""),
        ("/a/b/c", b""),
        ("/static/nothing.css", b""),
        (f"/media/{PICTURE}", b""),
        ("/", b"page=0"),
        ("/", b"page=101"),
        ("/", b"page=2"),
        ("/", b"page=1&page=1"),
        ("/", b"page=%D9%A1"),
    ],
)
async def test_what_is_not_there_is_answered_404(site: Site, path: str, query: bytes) -> None:
    answer = await site.ask(path, query=query)
    assert (answer.status, answer.headers[b"cache-control"]) == (404, b"no-store")
    assert "Không tìm thấy trang" in answer.body.decode()
    assert site.answered("error", "", 404) == 1


async def test_what_was_withdrawn_is_answered_410_and_what_is_rescheduled_404(site: Site) -> None:
    await site.store.put(withdrawn("a", 2))
    await site.store.put(replace(withdrawn("b", 2), state="rescheduled"))
    assert [(await site.ask(path)).status for path in (PATH, "/thoi-su/b.html")] == [410, 404]


async def test_before_the_totals_are_loaded_no_page_is_shown() -> None:
    site = Site()
    await site.store.put(page("a"))
    for path in (PATH, "/"):
        answer = await site.ask(path)
        assert (answer.status, answer.headers[b"retry-after"]) == (503, b"5")
    assert (await site.ask("/static/style.css")).status == 200  # shows no count


@pytest.mark.parametrize("path", [PATH, "/", f"/media/{PICTURE}"])
async def test_without_mongodb_what_is_not_in_memory_is_answered_503(site: Site, path: str) -> None:
    site.store.away = True
    answer = await site.ask(path)
    assert (answer.status, answer.headers[b"retry-after"]) == (503, b"5")
    assert answer.headers[b"cache-control"] == b"no-store"
    assert site.answered("error", "", 503) == 1


@pytest.mark.parametrize("path", [PATH, "/", f"/media/{PICTURE}"])
async def test_a_frozen_mongodb_keeps_a_reader_waiting_for_a_bounded_time(
    site: Site, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "WAIT_SECONDS", 0.02)
    site.store.freeze()
    assert (await site.ask(path)).status == 503
    site.store.thaw()


async def test_a_list_made_before_is_served_as_stale_while_mongodb_is_away(site: Site) -> None:
    fresh = await site.ask("/")
    assert (fresh.status, b"Tin a" in fresh.body) == (200, True)
    site.store.away = True
    site.time += 2
    stale = await site.ask("/")
    assert (stale.status, stale.body) == (200, fresh.body)
    assert stale.headers[b"warning"] == b'110 - "Response is Stale"'
    assert site.registry.get_sample_value("luotdoc_pages_stale_total") == 1
    site.time += 300
    assert (await site.ask("/")).status == 503


async def test_a_bug_is_raised_and_measured(site: Site) -> None:
    site.store.pages["a"] = replace(page("a"), parts=[1])  # type: ignore[list-item]
    with pytest.raises(TypeError):
        await site.ask(PATH)
    assert site.answered("error", "", 500) == 1


async def test_a_picture_never_changes(site: Site) -> None:
    site.store.pictures[PICTURE] = ("image/png", b"png")
    answer = await site.ask(f"/media/{PICTURE}")
    assert (answer.status, answer.body, answer.headers[b"content-type"]) == (
        200,
        b"png",
        b"image/png",
    )
    assert b"immutable" in answer.headers[b"cache-control"]
    again = await site.ask(f"/media/{PICTURE}", if_none_match=f'"{PICTURE}"')
    assert (again.status, again.body) == (304, b"")


async def test_a_section_without_its_slash_leads_to_it(site: Site) -> None:
    answer = await site.ask("/thoi-su")
    assert (answer.status, answer.headers[b"location"]) == (301, b"/thoi-su/")
