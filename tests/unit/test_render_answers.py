"""What the page server answers, by ASGI without a socket and over a store in memory."""

import asyncio
import re
from collections.abc import MutableMapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from lxml import html as lxml_html

from luotdoc_subscriber.base.errors import Transient
from luotdoc_subscriber.base.metrics import Registry, new_registry
from services.render import database
from services.render.cache import PageCache
from services.render.database import ReaderQueries
from services.render.fragments import Fragments
from services.render.metrics import RenderMetrics
from services.render.pages import ASIDE_MARK, READS_MARK, Renderer
from services.render.server import PageServer
from services.render.settings import RenderSettings
from services.render.totals import Totals
from shared.storage.counts import Total
from shared.web.asgi import Scope
from tests.support.page_store import PagesInMemory, page, withdrawn

SETTINGS = RenderSettings(
    amqp_url="amqp://a@h",
    mongo_url="mongodb://h/d?replicaSet=r",
    sections=(("thoi-su", "Thời sự"), ("van-hoa", "Văn hóa")),
)
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

        measured = RenderMetrics(self.registry, ["thoi-su", "van-hoa"])
        queries = ReaderQueries(seconds)
        queries.note_answer()
        self.totals = Totals(self.store, queries)
        self.cache = PageCache(
            store=self.store,
            queries=queries,
            capacity=10,
            changed=lambda: None,
            seconds=seconds,
            stale_seconds=300.0,
            metrics=measured,
        )
        self.server = PageServer(
            renderer=RENDERER,
            store=self.store,
            queries=queries,
            cache=self.cache,
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
    assert site.answered("article", "thoi-su", 200) == 1


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
    assert site.answered("article", "thoi-su", 304) == 1


async def test_a_page_with_more_reads_is_another_one(site: Site) -> None:
    tag = (await site.ask(PATH)).headers[b"etag"].decode()
    site.totals.note({"a": Total(0, 1225)})
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


async def test_only_sections_of_the_site_are_labels(site: Site) -> None:
    await site.store.put(page("b", section="o-dau"))
    for path in ("/thoi-su/tin-b.html", "/o-dau/tin-b.html", "/o-dau/", "/van-hoa/", "/"):
        await site.ask(path)
    for kind, section in (("article", "other"), ("list", "other"), ("list", "van-hoa")):
        assert site.answered(kind, section, 200) == 1
    assert (site.answered("list", "", 200), site.answered("redirect", "", 301)) == (1, 1)


# ── lists and the side column ──


def texts(answer: Answer, path: str) -> list[str]:
    root: Any = lxml_html.document_fromstring(answer.body.decode())
    return [" ".join(each.text_content().split()) for each in root.xpath(path)]


def titles(answer: Answer) -> list[str]:
    return texts(answer, "//h2/a")


async def test_a_list_has_20_articles_a_page_the_newest_first(site: Site) -> None:
    for number in range(1, 21):
        await site.store.put(page(f"b{number:02d}", hours=number))
    first, second = await site.ask("/"), await site.ask("/", query=b"page=2")
    assert titles(first) == [f"Tin b{number:02d}" for number in range(20, 0, -1)]
    assert titles(second) == ["Tin a"]
    assert [b'rel="next"' in each.body for each in (first, second)] == [True, False]
    assert (await site.ask("/", query=b"page=3")).status == 404
    assert titles(await site.ask("/thoi-su/", query=b"page=2")) == ["Tin a"]


async def test_20_articles_are_one_page(site: Site) -> None:
    for number in range(1, 20):
        await site.store.put(page(f"b{number:02d}", hours=number))
    only = await site.ask("/")
    assert len(titles(only)) == 20
    assert b'rel="next"' not in only.body


async def test_a_section_of_the_site_without_articles_is_an_empty_list(site: Site) -> None:
    empty = await site.ask("/van-hoa/")
    assert (empty.status, titles(empty)) == (200, [])
    assert "Hiện chưa có bài viết nào" in empty.body.decode()
    assert (await site.ask("/van-hoa/", query=b"page=2")).status == 404


async def test_a_list_shows_reads_and_only_pictures_that_pages_show(site: Site) -> None:
    image = {"url": "https://x.vn/a.jpg", "alt": "Ảnh a", "caption": "", "credit": ""}
    summary = {"title": "Tin b", "lead": "", "image": image}
    await site.store.put(replace(page("b", hours=1), summary=summary))
    await site.store.put(
        replace(page("c", hours=2), summary={**summary, "image": {**image, "url": "/media/c.jpg"}})
    )
    site.totals.note({"a": Total(0, 1224), "b": Total(0, 7)})
    body = (await site.ask("/")).body.decode()
    assert re.findall(r"[0-9.]+ lượt đọc", body) == ["10 lượt đọc", "17 lượt đọc", "1.234 lượt đọc"]
    assert ("x.vn" in body, "/media/c.jpg" in body) == (False, True)


async def test_the_side_column_has_six_articles_and_the_total_with_all_baselines(
    site: Site,
) -> None:
    for number in range(1, 9):
        await site.store.put(page(f"b{number}", hours=number))
    await site.store.put(replace(page("a", 2), parts=[ASIDE_MARK]))
    site.totals.baseline_changed = True
    await site.totals.load_site()
    answer = await site.ask(PATH)
    assert texts(answer, "//ol/li/a") == [f"Tin b{number}" for number in range(8, 2, -1)]
    total = texts(answer, "//section[@aria-labelledby='ben-thong-ke']//dd")
    assert total == ["1.314"]  # 1,224 counted and nine articles with 10 each


async def test_a_page_with_another_side_column_is_another_one(site: Site) -> None:
    await site.store.put(replace(page("a", 2), parts=[ASIDE_MARK]))
    tag = (await site.ask(PATH)).headers[b"etag"].decode()
    site.time += 2
    await site.store.put(page("b"))
    assert (await site.ask(PATH, if_none_match=tag)).status == 200


async def test_a_page_with_an_old_side_column_is_stale(site: Site) -> None:
    await site.ask(PATH)
    site.time += 2
    site.store.fails = lambda query, *_: Transient("closed") if query == "latest" else None
    answer = await site.ask(PATH)
    assert (answer.status, b"warning" in answer.headers) == (200, True)


async def test_a_stale_page_says_so(site: Site) -> None:
    watching = asyncio.create_task(site.cache.watch())
    async with asyncio.timeout(5):
        while not site.cache.current:  # noqa: ASYNC110  (no event tells)
            await asyncio.sleep(0)
    await site.ask(PATH)
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching
    site.store.fails = lambda query, *_: Transient("closed") if query == "get" else None
    answer = await site.ask(PATH)
    assert (answer.status, b"warning" in answer.headers) == (200, True)


# ── files ──


async def test_a_static_file_never_changes_under_its_version(site: Site) -> None:
    version = RENDERER.static_version("style.css")
    now = await site.ask("/static/style.css", query=f"v={version}".encode())
    assert (now.status, now.body) == (200, RENDERER.static["style.css"])
    assert now.headers[b"content-type"] == b"text/css; charset=utf-8"
    assert now.headers[b"cache-control"] == b"public, max-age=31536000, immutable"
    for query in (b"", b"v=0123456789"):
        other = await site.ask("/static/style.css", query=query)
        assert other.headers[b"cache-control"] == b"public, max-age=5"
    again = await site.ask("/static/style.css", if_none_match=f'"{version}"')
    assert (again.status, site.answered("static", "", 304)) == (304, 1)


async def test_the_icon_is_where_browsers_look_for_it(site: Site) -> None:
    answer = await site.ask("/favicon.ico")
    assert (answer.status, answer.headers[b"location"]) == (
        302,
        RENDERER.static_url("favicon.svg").encode(),
    )
