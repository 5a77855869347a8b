"""The pages of figures over HTTP, from a running stats."""

import gzip
import html
import re
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from lxml import html as lxml_html

from services.stats.pages.shown import PAGE_POLICY
from services.stats.pages.spans import PERIODS
from shared.storage.quarters import quarter_of
from tests.support.plain_traffic import PlainRead, PlainTraffic, PlainWriter
from tests.support.system import System, until

HOSTILE = """</title><script>alert("1")</script>'&<!--"""


async def _get(system: System, url: str, **headers: str) -> httpx.Response:
    return await system.http.get(url, headers=headers)


def _found(answer: httpx.Response, path: str) -> Any:
    return lxml_html.document_fromstring(answer.content).xpath(path)


def _text(answer: httpx.Response, path: str = "//main") -> str:
    (found,) = _found(answer, path)
    return " ".join(found.text_content().split())


@pytest.fixture
async def stats(system: System) -> str:
    """The address of a stats that knows four articles: of two, `a` and `hostile`, people's reads
    are counted, and two are withdrawn or never read.
    """
    for article, state, title in (
        ("a", "published", "Thông xe cầu Vĩnh Ngàn"),
        ("hostile", "published", HOSTILE),
        ("gone", "withdrawn", "Đã gỡ"),
        ("quiet", "published", ""),
    ):
        await system.db.catalogue.insert_one({
            "_id": article, "v": 1, "revision": 1, "state": state, "title": title,
            "url": "javascript:alert(1)" if article == "hostile" else f"https://example.vn/{article}",
            "section": "thoi-su", "baseline": 7000 if article == "a" else 0,
            "published_at": datetime(2026, 11, 1, tzinfo=UTC), "content_revision": 1,
        })  # fmt: skip
    current = quarter_of(datetime.now(UTC))
    await PlainWriter(system.motor, system.db, PlainTraffic()).count(
        [
            PlainRead("a", current - 96 * 8, 600),
            PlainRead("a", current, 66),
            PlainRead("a", current, 9, "bot"),
            PlainRead("hostile", current, 5),
        ],
        datetime.now(UTC),
        0,
    )
    url = (await system.start("stats", site_name="Báo Lam Sơn")).url

    async def answered() -> bool:
        page = (await _get(system, f"{url}/stats/?period=all")).text
        return "Thông xe cầu Vĩnh Ngàn" in page and 'id="sections-heading"' in page

    await until(answered, 20, "the lists and sections are ready")
    return url


async def test_the_page_of_the_site_shows_what_the_api_answers(system: System, stats: str) -> None:
    site = (await _get(system, f"{stats}/stats/site")).json()
    assert site["total"] == 7671
    for period in PERIODS:
        for code, total, most in (
            ("vi", "7.671 lượt đọc, tính đến", "Đọc nhiều nhất"),
            ("en", "7,671 reads, as of", "Most read"),
        ):
            page = await _get(system, f"{stats}/stats/?period={period}&lang={code}&fbclid=x")
            assert page.status_code == 200
            assert page.headers["content-type"] == "text/html; charset=utf-8"
            assert page.headers["content-security-policy"] == PAGE_POLICY
            text = _text(page)
            assert total in text
            assert most in text
            assert re.search(r"(tính đến|as of) \d\d:\d\d:\d\d", text)
            root = lxml_html.document_fromstring(page.content)
            assert root.get("lang") == code
            assert not root.xpath("//script | //style | //@style | //*[starts-with(@href, 'java')]")
            assert root.xpath("//h1/text()") == [
                "Thống kê lượt đọc" if code == "vi" else "Read statistics"
            ]
    day = await _get(system, f"{stats}/stats/?period=24h")
    rows = _found(day, "//section[@aria-labelledby='top']//tbody/tr")
    shown = [[" ".join(cell.text_content().split()) for cell in row][:3] for row in rows]
    assert shown == [["1", "Thông xe cầu Vĩnh Ngàn", "66"], ["2", HOSTILE, "5"]]


async def test_every_link_of_a_page_is_answered(system: System, stats: str) -> None:
    for path in ("/stats/", "/stats/articles/a/?lang=en"):
        page = await _get(system, stats + path)
        links = {html.unescape(each) for each in re.findall(r'(?:href|src)="(/[^"]*)"', page.text)}
        assert len(links) >= 9
        for link in links:
            answer = await _get(system, stats + link)
            assert answer.status_code == 200, (link, answer.text)
            if "format=csv" in link:
                assert answer.headers["content-type"].startswith("text/csv")
            if "/static/" in link:
                assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


async def test_the_page_of_an_article_shows_its_figures_and_books(
    system: System, stats: str
) -> None:
    page = await _get(system, f"{stats}/stats/articles/a/")
    text = _text(page)
    assert re.search(r"7\.666 lượt đọc, tính đến \d\d:\d\d:\d\d", text)
    assert "Đăng lúc 07:00, 01/11/2026" in text
    assert "gồm 7.000 lượt đọc từ hệ thống trước" in text
    books = {
        row[0].text_content(): row[1].text_content()
        for row in _found(page, "//section[@aria-labelledby='so-sach']//tbody/tr")
    }
    assert (books["Đã đếm"], books["Đã lọc"], books["Đã nhận"]) == ("666", "9", "675")
    assert books["Máy tìm kiếm, rô-bốt"] == "9"
    json: dict[str, Any] = (await _get(system, f"{stats}/stats/articles/a")).json()
    tiles = [each.text_content() for each in _found(page, "//dd[@class='figure']")]
    names = ("today", "yesterday", "week", "month")
    assert tiles[: len(names)] == [f"{json[name]}" for name in names]
    heads = [each.text_content() for each in _found(page, "//dl[@class='tiles']//dt")]
    assert heads[len(names) :] == ["Đang đọc", "Người đọc hôm nay"]
    quiet = await _get(system, f"{stats}/stats/articles/quiet/?lang=en")
    assert "0 reads, as of" in _text(quiet)
    assert _text(quiet, "//h1") == "quiet"


async def test_a_hostile_title_is_text(system: System, stats: str) -> None:
    page = await _get(system, f"{stats}/stats/articles/hostile/")
    assert _text(page, "//h1") == HOSTILE
    assert "<script" not in page.text
    assert "javascript:" not in page.text


async def test_what_is_not_there_is_a_page_too(system: System, stats: str) -> None:
    for path, status, heading in (
        ("articles/none/", 404, "Không có bài viết này"),
        ("articles/Not%20an%20id/", 404, "Không có bài viết này"),
        ("articles/gone/", 410, "Bài viết đã được gỡ"),
        ("articles/gone/?lang=en", 410, "The article was withdrawn"),
    ):
        page = await _get(system, f"{stats}/stats/{path}")
        assert (page.status_code, _text(page, "//h1")) == (status, heading)
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["content-security-policy"] == PAGE_POLICY
    assert (await _get(system, f"{stats}/stats/articles/none")).headers["content-type"] == (
        "application/problem+json"
    )
    moved = await system.http.get(f"{stats}/stats", follow_redirects=False)
    assert (moved.status_code, moved.headers["location"]) == (301, "/stats/")
    nothing = await _get(system, f"{stats}/stats/static/stats.000000000000.css")
    assert nothing.status_code == 404


async def test_pages_are_tagged_compressed_and_only_read(system: System, stats: str) -> None:
    for path in ("/stats/", "/stats/articles/a/"):
        url = stats + path
        page = await _get(system, url, **{"accept-encoding": "identity"})
        assert page.headers["cache-control"] == "public, max-age=1"
        packed = await _get(system, url, **{"accept-encoding": "gzip"})
        assert packed.headers["content-encoding"] == "gzip"
        assert len(gzip.compress(page.content, 3)) < len(page.content) / 3
        head = await system.http.head(url, headers={"accept-encoding": "identity"})
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == page.headers["content-length"]

        async def unchanged(url: str = url) -> bool:
            tag = (await _get(system, url)).headers["etag"]
            again = await _get(system, url, **{"if-none-match": tag})
            return again.status_code == 304

        await until(unchanged, 5, "the client has this page")
        refused = await system.http.post(url)
        assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")


async def test_a_read_count_leads_to_the_figures(system: System, stats: str) -> None:
    await system.start("ingest")
    await system.start("render", stats_url=f"{stats}/stats")
    await system.put("linked")
    page = await until(lambda: system.page("linked"), 10, "the page")
    (link,) = _found(page, "//a[span[@data-reads]]/@href")
    assert link == f"{stats}/stats/articles/linked/"

    async def known() -> bool:
        return (await _get(system, link)).status_code == 200

    await until(known, 10, "stats knows the article")
