"""What the page server answers, by ASGI without a socket and over a store in memory."""

import asyncio
import gzip
import re
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from lxml import html as lxml_html

from luotdoc_subscriber.base.errors import Transient
from luotdoc_subscriber.base.metrics import Registry, new_registry
from services.render.kinds.errors import Errors
from services.render.kinds.machine_routes import machine_routes
from services.render.kinds.parts import PageParts
from services.render.kinds.table import make_routes
from services.render.metrics import RenderMetrics
from services.render.rendering.renderer import (
    ALTERNATES_MARK,
    ASIDE_MARK,
    READS_MARK,
    RELATED_MARK,
    Renderer,
)
from services.render.serving import database
from services.render.serving.answers import Answers
from services.render.serving.cache import PageCache
from services.render.serving.database import ReaderQueries
from services.render.serving.fragments import Fragments
from services.render.serving.server import PageServer
from services.render.settings import RenderSettings
from services.render.totals import Totals
from shared.storage.counts import Total
from shared.web.asgi import Scope
from tests.support.machine_store import MachineStoreInMemory
from tests.support.page_store import PagesInMemory, page, withdrawn

SETTINGS = RenderSettings(
    amqp_url="amqp://a@h",
    mongo_url="mongodb://h/d?replicaSet=r",
    sections=(("thoi-su", "Thời sự"), ("van-hoa", "Văn hóa")),
)
RENDERER = Renderer(SETTINGS)
PATH = "/thoi-su/tin-a.html"
NOW = datetime(2026, 11, 28, 7, tzinfo=UTC)
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
    renderer: Renderer = RENDERER

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

        def fragments(**more: Any) -> Fragments[Any]:
            return Fragments(queries=queries, seconds=seconds, stale_seconds=300.0, **more)

        self.parts = PageParts(
            renderer=self.renderer,
            store=self.store,
            queries=queries,
            cache=self.cache,
            lists=fragments(),
            asides=fragments(),
            ranked=fragments(),
            totals=self.totals,
            errors=Errors(self.renderer),
            metrics=measured,
            clock=lambda: NOW,
        )
        machine = machine_routes(self.parts, MachineStoreInMemory(self.store), fragments)
        self.routes = make_routes(self.parts, fragments(), fragments(), machine)
        self.answers = Answers(self.renderer.content_security_policy, measured)
        self.server = PageServer(
            routes=self.routes,
            errors=self.parts.errors,
            answers=self.answers,
            metrics=measured,
        )

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """While pages in memory follow the change stream."""
        task = asyncio.create_task(self.cache.watch())
        async with asyncio.timeout(5):
            while not self.cache.current:  # noqa: ASYNC110
                await asyncio.sleep(0)
        yield
        task.cancel()

    async def reported(self, article: str) -> None:
        """Wait until a change of an article's page is reported."""
        async with asyncio.timeout(5):
            while self.cache.peek(article) is not None:  # noqa: ASYNC110
                await asyncio.sleep(0)

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
    assert answer.headers[b"cache-control"] == b"public, max-age=5, stale-while-revalidate=10"
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
        ("/nothing", b""),
        ("/tu-khoa/nothing/", b""),
        ("/tu-khoa/!!/", b""),
        ("/chu-de/nothing/", b""),
        ("/luu-tru/2026/13/", b""),
        ("/luu-tru/2026/01/", b""),
        ("/luu-tru/0000/01/", b""),
        ("/en/", b""),
        ("/", b"before="),
        ("/", b"before=a"),
        ("/", b"before=1-a"),
        ("/", b"before=99999999999999-a&before=99999999999999-a"),
        ("/", b"before=99999999999999-a&after=1-a"),
        ("/", "before=١-a".encode()),
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


async def test_a_bug_is_logged_measured_and_answered_for_people(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.store.pages["a"] = replace(page("a"), parts=[1])  # type: ignore[list-item]
    answer = await site.ask(PATH)
    assert (answer.status, answer.headers[b"cache-control"]) == (500, b"no-store")
    assert "Có lỗi trên máy chủ" in answer.body.decode()
    assert "AttributeError" in caplog.text
    assert site.answered("error", "", 500) == 1


async def test_a_withdrawn_article_leads_to_the_one_in_its_place(site: Site) -> None:
    await site.store.put(page("b"))
    await site.store.put(replace(withdrawn("a", 2), replaced_by="b"))
    answer = await site.ask(PATH)
    assert (answer.status, texts(answer, "//main//a[1]")[0]) == (410, "Tin b")
    assert b'href="/thoi-su/tin-b.html"' in answer.body
    await site.store.put(withdrawn("b", 2))
    assert b"tin-b" not in (await site.ask(PATH)).body


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


def link(answer: Answer, rel: str) -> str:
    root: Any = lxml_html.document_fromstring(answer.body.decode())
    found = root.xpath(f"//a[@rel='{rel}']/@href")
    return str(found[0]) if found else ""


async def follow(site: Site, address: str) -> Answer:
    path, _, query = address.partition("?")
    return await site.ask(path, query=query.encode())


async def test_a_list_has_20_articles_a_page_the_newest_first(site: Site) -> None:
    for number in range(1, 41):
        await site.store.put(page(f"b{number:02d}", hours=number))
    for base in ("/", "/thoi-su/"):
        first = await site.ask(base)
        second = await follow(site, link(first, "next"))
        third = await follow(site, link(second, "next"))
        assert titles(first) == [f"Tin b{number:02d}" for number in range(40, 20, -1)]
        assert titles(second) == [f"Tin b{number:02d}" for number in range(20, 0, -1)]
        assert titles(third) == ["Tin a"]
        assert (link(first, "prev"), link(third, "next")) == ("", "")
        assert titles(await follow(site, link(third, "prev"))) == titles(second)
        back = await follow(site, link(second, "prev"))
        assert (back.status, back.headers[b"location"]) == (302, base.encode())


async def test_the_front_page_shows_an_article_in_one_block_the_pinned_ones_first(
    site: Site,
) -> None:
    for number in range(1, 8):
        await site.store.put(page(f"b{number}", hours=number))
    await site.store.put(replace(page("p", hours=3), pinned=True))
    front = await site.ask("/")
    assert titles(front) == [f"Tin {name}" for name in "p b7 b6 b5 b4 b3 b2 b1 a".split()]


async def test_while_a_list_changes_no_article_is_repeated_or_skipped(site: Site) -> None:
    for number in range(1, 25):
        await site.store.put(page(f"b{number:02d}", hours=number))
    first = await site.ask("/")
    await site.store.put(page("new", hours=99))
    await site.store.put(withdrawn("b24", 2))
    await site.store.put(withdrawn("b05", 2))  # the one that the link names
    second = await follow(site, link(first, "next"))
    assert titles(second) == ["Tin b04", "Tin b03", "Tin b02", "Tin b01", "Tin a"]


async def test_20_articles_are_one_page(site: Site) -> None:
    for number in range(1, 20):
        await site.store.put(page(f"b{number:02d}", hours=number))
    only = await site.ask("/")
    assert len(titles(only)) == 20
    assert b'rel="next"' not in only.body


@pytest.mark.parametrize("query", [b"page=2", b"page=0", b"page=x", b"page=1&page=1"])
async def test_a_link_of_earlier_releases_leads_to_the_list(site: Site, query: bytes) -> None:
    for base in ("/", "/van-hoa/"):
        answer = await site.ask(base, query=query)
        assert (answer.status, answer.headers[b"location"]) == (301, base.encode())


async def test_a_redirect_keeps_the_query(site: Site) -> None:
    for path, to in (("/thoi-su", "/thoi-su/"), ("/x/x-a.html", PATH)):
        answer = await site.ask(path, query=b"utm_source=zalo&x=%C3%A1")
        assert answer.headers[b"location"].decode() == f"{to}?utm_source=zalo&x=%C3%A1"


async def test_tags_and_topics_have_pages_under_their_keys(site: Site) -> None:
    tagged = replace(page("b", hours=1), tags=["lễ-hội"], topic="bão-số-5")
    summary = {**tagged.summary, "tags": ["Du lịch", "Lễ hội"], "topic": "Bão số 5"}
    await site.store.put(replace(tagged, summary=summary))
    for path, heading in (("/tu-khoa/lễ-hội/", "Lễ hội"), ("/chu-de/bão-số-5/", "Bão số 5")):
        answer = await site.ask(path)
        assert (titles(answer), texts(answer, "//h1")) == (["Tin b"], [heading])
    for path, to in (
        ("/tu-khoa/Lễ hội/", "/tu-khoa/l%E1%BB%85-h%E1%BB%99i/"),
        ("/tu-khoa/le\u0302\u0303-ho\u0323\u0302i/", "/tu-khoa/l%E1%BB%85-h%E1%BB%99i/"),
        ("/chu-de/BÃO số_5/", "/chu-de/b%C3%A3o-s%E1%BB%91-5/"),
    ):
        answer = await site.ask(path)
        assert (answer.status, answer.headers[b"location"]) == (301, to.encode())


async def test_the_archive_has_the_months_of_the_site_s_zone(site: Site) -> None:
    await site.store.put(
        replace(page("b"), published_at=datetime(2026, 10, 31, 16, 59, tzinfo=UTC))
    )
    await site.store.put(replace(page("c"), published_at=datetime(2026, 10, 31, 17, 0, tzinfo=UTC)))
    archive = await site.ask("/luu-tru/")
    assert texts(archive, "//main//li") == ["Tháng 11 2 bài", "Tháng 10 1 bài"]
    assert titles(await site.ask("/luu-tru/2026/10/")) == ["Tin b"]
    assert titles(await site.ask("/luu-tru/2026/11/")) == ["Tin a", "Tin c"]


async def test_a_section_of_the_site_without_articles_is_an_empty_list(site: Site) -> None:
    empty = await site.ask("/van-hoa/")
    assert (empty.status, titles(empty)) == (200, [])
    assert "Hiện chưa có bài viết nào" in empty.body.decode()
    assert (await site.ask("/van-hoa/", query=b"before=1-a")).status == 404


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


async def test_reads_elsewhere_leave_a_page_s_tag_as_it_is(site: Site) -> None:
    await site.store.put(replace(page("a", 2), parts=[ASIDE_MARK]))
    await site.store.put(page("b"))
    first = await site.ask(PATH)
    site.totals.note({"b": Total(0, 99)})
    site.store.counts = {"a": 1224, "b": 99, "*": 1323}
    await site.totals.load_site()
    site.time += 2
    tag = first.headers[b"etag"].decode()
    assert (await site.ask(PATH, if_none_match=tag)).status == 304
    fresh = await site.ask(PATH)
    assert (fresh.headers[b"etag"].decode(), fresh.body != first.body) == (tag, True)


async def test_a_page_has_its_translations_and_related_articles(site: Site) -> None:
    vi = replace(page("a", 2), parts=[ALTERNATES_MARK, "|", RELATED_MARK], translated_as=["e"])
    summary = {**vi.summary, "language": "vi"}
    await site.store.put(replace(vi, summary=summary))
    en = replace(page("e"), parts=[ALTERNATES_MARK], summary={**summary, "language": "en"})
    await site.store.put(en)
    answers = [(await site.ask(path)).body.decode() for path in (PATH, "/thoi-su/tin-e.html")]
    for answer in answers:
        found = re.findall('hreflang="([a-z]+)" href="[^"]*(/thoi-su/[^"]+)"', answer)
        assert sorted(found) == [("en", "/thoi-su/tin-e.html"), ("vi", PATH)]
    assert "Tin liên quan" in answers[0]
    assert re.findall('<a href="(/[^"]+)"', answers[0]) == ["/thoi-su/tin-e.html"]


async def test_a_page_with_an_old_side_column_is_stale(site: Site) -> None:
    await site.ask(PATH)
    site.time += 2
    site.store.fails = lambda query, *_: Transient("closed") if query == "listing" else None
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
    version = RENDERER.files.version("style.css")
    now = await site.ask("/static/style.css", query=f"v={version}".encode())
    assert (now.status, now.body) == (200, RENDERER.files.contents["style.css"])
    assert now.headers[b"content-type"] == b"text/css; charset=utf-8"
    assert now.headers[b"cache-control"] == b"public, max-age=31536000, immutable"
    for query in (b"", b"v=0123456789"):
        other = await site.ask("/static/style.css", query=query)
        assert other.headers[b"cache-control"] == b"public, max-age=5, stale-while-revalidate=10"
    again = await site.ask("/static/style.css", if_none_match=f'"{version}"')
    assert (again.status, site.answered("static", "", 304)) == (304, 1)


async def test_the_icon_is_where_browsers_look_for_it(site: Site) -> None:
    answer = await site.ask("/favicon.ico")
    assert (answer.status, answer.headers[b"location"]) == (
        302,
        RENDERER.files.url("favicon.svg").encode(),
    )


LONG = "<p>Điện Biên</p>" * 100


async def test_a_page_comes_compressed_with_its_count_and_with_a_tag_of_its_own(
    site: Site,
) -> None:
    await site.store.put(replace(page("a", 2), parts=[LONG, READS_MARK, ASIDE_MARK]))
    plain = await site.ask(PATH)
    packed = await site.ask(PATH, accept_encoding="gzip, deflate, br")
    assert (plain.status, packed.status) == (200, 200)
    assert gzip.decompress(packed.body) == plain.body
    assert plain.body.decode().replace("\n", "").startswith(f"{LONG}1.234<aside")
    assert (len(packed.body) < len(plain.body) / 3, packed.headers[b"content-encoding"]) == (
        True,
        b"gzip",
    )
    assert b"content-encoding" not in plain.headers
    assert plain.headers[b"vary"] == packed.headers[b"vary"] == b"Accept-Encoding"
    tag = plain.headers[b"etag"].decode()
    assert packed.headers[b"etag"].decode() == f'{tag[:-1]}-g"'
    assert len(packed.body) == int(packed.headers[b"content-length"])


async def test_each_form_of_a_page_is_asked_for_again_by_its_own_tag(site: Site) -> None:
    tag = (await site.ask(PATH)).headers[b"etag"].decode()
    packed = f'{tag[:-1]}-g"'
    for held, accepted, status in (
        (tag, "", 304), (packed, "gzip", 304), (tag, "gzip", 200), (packed, "identity", 200),
        ("*", "gzip", 304), (f"{tag}, {packed}", "gzip", 304),
    ):  # fmt: skip
        answer = await site.ask(PATH, if_none_match=held, accept_encoding=accepted)
        assert answer.status == status, (held, accepted)
        assert answer.headers[b"vary"] == b"Accept-Encoding"
    answer = await site.ask(PATH, if_none_match=packed, accept_encoding="gzip")
    assert answer.headers[b"etag"].decode() == packed


async def test_a_page_stays_the_same_while_a_thousand_reads_of_others_are_counted(
    site: Site,
) -> None:
    await site.store.put(page("b"))
    await site.store.put(replace(page("a", 2), parts=[READS_MARK, ASIDE_MARK]))
    tag = (await site.ask(PATH)).headers[b"etag"].decode()
    for reads in range(1, 1001):
        site.store.counts = {"a": 1224, "b": reads, "*": 1224 + reads}
        site.time += 1.0
        await site.totals.load()
        answer = await site.ask(PATH, if_none_match=tag)
        assert answer.status == 304, reads
    body = (await site.ask(PATH)).body.decode()
    assert "2.244" in body  # the total is that of now, with the 20 from before
    site.store.counts["a"] += 1
    await site.totals.load()
    assert (await site.ask(PATH, if_none_match=tag)).status == 200


async def test_lists_and_errors_are_compressed_too(site: Site) -> None:
    for path, status in (("/", 200), ("/thoi-su/", 200), ("/khong-co", 404)):
        plain = await site.ask(path)
        packed = await site.ask(path, accept_encoding="gzip")
        assert (plain.status, packed.status) == (status, status)
        assert gzip.decompress(packed.body) == plain.body
    style = await site.ask("/static/style.css", accept_encoding="gzip")
    assert style.headers[b"content-encoding"] == b"gzip"
