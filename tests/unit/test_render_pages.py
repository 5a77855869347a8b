"""Articles into HTML: every field in its place, and nothing that an editor types taken for
markup.
"""

import json
import re
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest
from lxml import html as lxml_html

from luotdoc_events.events import ArticlePublished, Image
from services.render.figures import VisitFigures
from services.render.languages import words as languages
from services.render.languages.words import Words
from services.render.rendering import static_files, templates
from services.render.rendering.renderer import (
    ALTERNATES_MARK,
    ASIDE_MARK,
    READS_MARK,
    RELATED_MARK,
    Renderer,
)
from services.render.rendering.tables import scrollable_tables
from services.render.settings import RenderSettings
from services.render.site.blocks import FrontBlock
from shared.base.site_basics import SiteSection
from shared.base.words import SiteText
from shared.web.paths import article_path
from tests.support.system import ROOT

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ADDRESSES = {"amqp_url": "amqp://127.0.0.1/", "mongo_url": "mongodb://127.0.0.1/luotdoc"}
SITE: dict[str, Any] = {
    "base_url": "https://tin.example.vn",
    "site_name": "Báo Lam Sơn",
    "site_tagline": "Tiếng nói của tỉnh",
    "site_address": "1 Lê Lợi, Lam Sơn",
    "sections": "kinh-te=Kinh tế,xa-hoi=Xã hội",
    "links": "Cổng Chính phủ=https://chinhphu.example.vn",
}


def settings(**changes: Any) -> RenderSettings:
    return RenderSettings(**{**ADDRESSES, **SITE, **changes})


@cache
def renderer(**changes: Any) -> Renderer:
    return Renderer(settings(**changes))


def article(**changes: Any) -> ArticlePublished:
    fields: dict[str, Any] = {
        "id": "ls0001",
        "revision": 3,
        "url": "https://elsewhere.example.vn/",
        "slug": "thong-xe-cau",
        "section": "kinh-te",
        "title": "Thông xe cầu Vĩnh Ngàn",
        "lead": "Cầu dài 480 m.",
        "body_html": "<p>Sáng nay</p>",
        "byline": "Thu Hà",
        "tags": ["cầu", "giao thông"],
        "image": Image(
            url="/media/cau.webp", alt="Cây cầu", caption="Cầu sáng nay", credit="Minh Đức"
        ),
        "published_at": NOON,
        "modified_at": NOON + timedelta(hours=2),
    }
    return ArticlePublished(**{**fields, **changes})


def page(one: ArticlePublished | None = None, **site: Any) -> str:
    """A page as it is served, with 1.234 reads and a side column."""
    filled = {READS_MARK: "1.234", ASIDE_MARK: "<aside>bên</aside>"}
    return "".join(filled.get(part, part) for part in renderer(**site).article(one or article()))


class Shown:
    """What a reader sees of a page."""

    def __init__(self, html: str) -> None:
        self.root = lxml_html.document_fromstring(html)

    def texts(self, path: str) -> list[str]:
        """The text of every element, with its white space made single."""
        return [" ".join(element.text_content().split()) for element in self._found(path)]

    def values(self, path: str) -> list[str]:
        return [str(value) for value in self._found(path)]

    def _found(self, path: str) -> Any:
        return self.root.xpath(path)

    def meta(self, name: str) -> list[str]:
        return self.values(f"//meta[@name='{name}' or @property='{name}']/@content")


# ── the article's page
# ───────────────────────────────────────────────────────────────────────────────────────────────


def test_the_page_says_who_it_is() -> None:
    shown = Shown(page())
    address = "https://tin.example.vn/kinh-te/thong-xe-cau-ls0001.html"

    assert shown.values("/html/@lang") == ["vi"]
    assert shown.texts("//title") == ["Thông xe cầu Vĩnh Ngàn | Báo Lam Sơn"]
    assert shown.meta("description") == ["Cầu dài 480 m."]
    assert shown.values("//link[@rel='canonical']/@href") == [address]
    assert shown.meta("og:url") == [address]
    assert shown.meta("og:title") == ["Thông xe cầu Vĩnh Ngàn"]
    assert shown.meta("og:image") == ["https://tin.example.vn/media/cau.webp"]
    assert shown.meta("article:published_time") == ["2026-11-23T19:00:00+07:00"]
    assert shown.meta("article:modified_time") == ["2026-11-23T21:00:00+07:00"]
    assert shown.meta("article:tag") == ["cầu", "giao thông"]


def test_the_page_shows_every_field() -> None:
    shown = Shown(page())

    assert shown.texts("//h1") == ["Thông xe cầu Vĩnh Ngàn"]
    assert shown.texts("//dl[@class='meta']/div") == [
        "Thời gian đăng 23/11/2026 19:00",
        "Cập nhật 23/11/2026 21:00",
        "Lượt đọc 1.234",
    ]
    assert shown.values("//time/@datetime") == [
        "2026-11-23T19:00:00+07:00",
        "2026-11-23T21:00:00+07:00",
    ]
    assert shown.texts("//p[@class='lead']") == ["Cầu dài 480 m."]
    assert shown.texts("//div[@class='body']/p") == ["Sáng nay"]
    assert shown.values("//figure/img/@src") == ["/media/cau.webp"]
    assert shown.values("//figure/img/@alt") == ["Cây cầu"]
    assert shown.texts("//figcaption") == ["Cầu sáng nay Ảnh: Minh Đức"]
    assert shown.texts("//p[@class='byline']") == ["Thu Hà"]
    assert shown.texts("//div[@class='tags']//li") == ["cầu", "giao thông"]
    assert shown.texts("//nav[@class='crumbs']//a") == ["Trang chủ", "Kinh tế"]
    assert shown.texts("//p[@class='source']") == [
        "Nguồn: Báo Lam Sơn – https://tin.example.vn/kinh-te/thong-xe-cau-ls0001.html"
    ]


def test_the_page_shows_the_site() -> None:
    shown = Shown(page())
    assert shown.texts("//*[@class='brand-name']") == ["Báo Lam Sơn"]
    assert shown.texts("//*[@class='brand-tag']") == ["Tiếng nói của tỉnh"]
    assert shown.texts("//address") == ["1 Lê Lợi, Lam Sơn"]
    assert shown.texts("//nav[@class='sections']//a") == ["Trang chủ", "Kinh tế", "Xã hội"]
    assert shown.texts("//nav[@class='sections']//a[@aria-current]") == ["Kinh tế"]


def test_the_page_sends_its_read_with_and_without_javascript() -> None:
    shown = Shown(page(reads_url="https://doc.example.vn/reads"))
    assert shown.values("//script/@data-article") == ["ls0001"]
    assert shown.values("//script/@data-url") == ["https://doc.example.vn/reads"]
    assert shown.values("//noscript//img/@src") == [
        "https://doc.example.vn/reads.gif?article=ls0001"
    ]


def test_what_an_article_lacks_leaves_no_empty_frame() -> None:
    shown = Shown(page(article(lead="", byline="", tags=[], image=None, modified_at=NOON)))
    for path in (
        "//p[@class='lead']",
        "//p[@class='byline']",
        "//div[@class='tags']",
        "//figure",
        "//figcaption",
    ):
        assert shown.texts(path) == []
    assert shown.texts("//dl[@class='meta']/div") == [
        "Thời gian đăng 23/11/2026 19:00",
        "Lượt đọc 1.234",
    ]
    assert (
        shown.meta("description"),
        shown.meta("og:image"),
        shown.meta("article:modified_time"),
    ) == (["Sáng nay"], [], [])


@pytest.mark.parametrize("modified", [NOON, NOON + timedelta(seconds=59), NOON - timedelta(days=1)])
def test_a_change_within_the_minute_of_publishing_or_before_it_is_not_shown(
    modified: datetime,
) -> None:
    assert "Cập nhật" not in page(article(modified_at=modified))


def test_a_first_revision_has_no_change_although_it_is_imported_later() -> None:
    assert "Cập nhật" not in page(article(revision=1, modified_at=NOON + timedelta(days=9)))


@pytest.mark.parametrize(
    ("alt", "text"), [("Chợ đêm", "Xem ảnh: Chợ đêm"), ("", "Xem ảnh tại x.example.vn")]
)
def test_a_picture_of_a_host_that_is_not_listed_is_a_link_in_its_place(alt: str, text: str) -> None:
    image = Image(url="https://x.example.vn/cau.webp", alt=alt, caption="Cầu sáng nay")
    shown = Shown(page(article(image=image)))
    assert shown.values("//figure | //main//img/@src") == []
    assert shown.meta("og:image") == []
    assert shown.texts("//header/following-sibling::p/a") == [text]
    assert shown.values("//header/following-sibling::p/a/@href") == [image.url]
    listed = Shown(page(article(image=image), picture_hosts="x.example.vn"))
    assert listed.values("//figure/img/@src") == [image.url]
    assert listed.texts("//header/following-sibling::p/a") == []


def test_an_article_in_another_language_says_so_for_its_own_words_alone() -> None:
    assert Shown(page(article(language="en"))).values("//article/@lang") == ["en"]
    assert Shown(page(article(language="vi"))).values("//article/@lang") == []
    assert Shown(page(article(language="en"))).values("/html/@lang") == ["vi"]


def test_times_are_those_of_the_site_s_zone() -> None:
    shown = Shown(page(article(modified_at=NOON), time_zone="Europe/Berlin"))
    assert shown.texts("//dl[@class='meta']//time") == ["23/11/2026 13:00"]
    assert (
        renderer().words("vi").moment(datetime(2026, 12, 31, 17, tzinfo=UTC)) == "01/01/2027 00:00"
    )


HOSTILE = """<script>alert(1)</script>"'><img src=x onerror=alert(1)>&amp;{{ 7 * 7 }}"""


def test_what_editors_and_operators_type_is_text_wherever_it_is_shown() -> None:
    image = Image(url="/a.webp", alt=HOSTILE, caption=HOSTILE, credit=HOSTILE)
    one = article(
        title=HOSTILE, lead=HOSTILE, byline=HOSTILE, tags=[HOSTILE], image=image, section="hostile"
    )
    html = page(
        one,
        site_name=HOSTILE,
        site_tagline=HOSTILE,
        site_address=HOSTILE,
        sections="hostile=<script>alert(1)</script>",
    )
    shown = Shown(html)

    assert [element.get("src", "").partition("?")[0] for element in shown.root.iter("script")] == [
        "",  # the structured data
        "/static/page.js",
        "/static/read.js",
    ]
    (data,) = shown.texts("//script[@type='application/ld+json']")
    assert json.loads(data)["@graph"][0]["headline"] == HOSTILE
    assert shown.values("//@onerror") == []
    assert shown.texts("//h1") == [HOSTILE]
    assert shown.texts("//p[@class='lead']") == [HOSTILE]
    assert shown.texts("//p[@class='byline']") == [HOSTILE]
    assert shown.texts("//div[@class='tags']//li") == [HOSTILE]
    assert shown.values("//figure/img/@alt") == [HOSTILE]
    assert shown.texts("//figcaption") == [f"{HOSTILE} Ảnh: {HOSTILE}"]
    assert shown.meta("description") == [HOSTILE]
    assert shown.meta("og:title") == [HOSTILE]
    assert shown.texts("//*[@class='brand-name']") == [HOSTILE]
    assert shown.texts("//address") == [HOSTILE]
    assert shown.texts("//nav[@class='crumbs']//a") == ["Trang chủ", "<script>alert(1)</script>"]


def test_the_sanitised_body_goes_in_as_it_is() -> None:
    body = (
        '<h2>Mục &amp; mục</h2><p>{{ 7 * 7 }} {% raw %}</p><p><a href="/x" rel="noopener '
        'noreferrer">a</a></p>'
    )
    assert body in page(article(body_html=body))


def test_a_page_is_cut_where_live_parts_belong() -> None:
    parts = renderer().article(article())
    # Stored so: a new mark would show the old one.
    assert parts[1::2] == ["\0alternates\0", "\0reads\0", "\0related\0", "\0aside\0"]
    assert parts[1::2] == [ALTERNATES_MARK, READS_MARK, RELATED_MARK, ASIDE_MARK]
    assert len(parts) == 9
    assert parts[2].endswith("<span data-reads>")
    assert parts[4].startswith("</span>")
    assert "\0" not in "".join(parts[::2])


def test_the_same_article_gives_the_same_page_in_every_process() -> None:
    assert Renderer(settings()).article(article()) == Renderer(settings()).article(article())
    assert Renderer(settings()).version == Renderer(settings()).version


# ── numbers, paths, tables
# ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1.000"),
        (1_234_567, "1.234.567"),
        (10**12, "1.000.000.000.000"),
    ],
)
def test_numbers_are_written_the_vietnamese_way(value: int, text: str) -> None:
    assert Words("vi", ZoneInfo("UTC")).number(value) == text


def test_the_path_of_a_page() -> None:
    assert article_path("kinh-te", "thong-xe", "ls0001") == "/kinh-te/thong-xe-ls0001.html"


OPEN = '<div class="scroll" role="region" aria-label="Bảng số liệu" tabindex="0">'


@pytest.mark.parametrize(
    ("body", "framed"),
    [
        ("<p>a</p>", "<p>a</p>"),
        (
            "<p>a</p><table><tbody><tr><td>1</td></tr></tbody></table><p>b</p>",
            f"<p>a</p>{OPEN}<table><tbody><tr><td>1</td></tr></tbody></table></div><p>b</p>",
        ),
        (
            '<table lang="en"><caption>x</caption></table>',
            f'{OPEN}<table lang="en"><caption>x</caption></table></div>',
        ),
        (
            "<table></table><table></table>",
            f"{OPEN}<table></table></div>{OPEN}<table></table></div>",
        ),
        (
            "<table><td><table></table></td></table>",
            f"{OPEN}<table><td>{OPEN}<table></table></div></td></table></div>",
        ),
        (
            '<img alt="<table>"><p title="</table>">a</p>',
            '<img alt="<table>"><p title="</table>">a</p>',
        ),
        ('<img alt="a > b <table" src="/x">', '<img alt="a > b <table" src="/x">'),
        (
            '<a title="&lt;table&gt;">&lt;table&gt;</a>',
            '<a title="&lt;table&gt;">&lt;table&gt;</a>',
        ),
        ('<table lang="a>b"></table>', f'{OPEN}<table lang="a>b"></table></div>'),
    ],
)
def test_a_table_gets_a_frame_that_scrolls_and_what_only_looks_like_one_gets_none(
    body: str, framed: str
) -> None:
    assert scrollable_tables(body) == framed


# ── lists, side column, errors
# ───────────────────────────────────────────────────────────────────────────────────────


def item(title: str = "Tin", **changes: Any) -> dict[str, Any]:
    return {
        "title": title,
        "lead": "",
        "image": None,
        "url": f"/kinh-te/{title}.html",
        "published": NOON,
        "published_text": "23/11/2026 19:00",
        "reads": "1.234",
        "section": SiteSection("kinh-te", SiteText("Kinh tế")),
        **changes,
    }


def listing(**changes: Any) -> Shown:
    given: dict[str, Any] = {
        "base": "/", "language": "vi", "heading": "", "section": None, "items": [item()],
        "cursor": None, "newer": None, "older": None, **changes,
    }  # fmt: skip
    return Shown(renderer().listing("list.html", **given))


def block(kind: str, **more: Any) -> FrontBlock:
    return FrontBlock.model_validate({"block": kind, **more})


def front(*blocks: tuple[FrontBlock, list[dict[str, Any]]]) -> Shown:
    given = [{"block": block, "items": items} for block, items in blocks]
    html = renderer().page(
        "front.html", title="Báo Lam Sơn", canonical="https://tin.example.vn/", language="vi",
        base="/", prefix="", older_url="/?before=1-a", blocks=given,
    )  # fmt: skip
    return Shown(html)


def test_the_front_page_shows_its_blocks_with_their_reads() -> None:
    first = item("a", lead="Lời dẫn", image={"url": "/media/a.webp", "alt": "Ảnh a"})
    shown = front(
        (block("notice", text="Bão số 5", url="/chu-de/bao/"), []),
        (block("lead", count=5), [first, *map(item, "bc")]),
        (block("section", count=4, section="kinh-te"), [item("d")]),
        (block("most_read"), [item("x"), item("y")]),
        (block("latest", count=15), [*map(item, "ef")]),
    )
    assert shown.texts("//article//*[self::h2 or self::h3]/a") == list("abcdef")
    assert shown.values("//article//*[self::h2 or self::h3]/a/@href") == [
        f"/kinh-te/{name}.html" for name in "abcdef"
    ]
    assert shown.texts("(//p[@class='summary'])[1]") == ["Lời dẫn"]
    assert shown.values("//div[@class='thumb']/img/@alt") == ["Ảnh a"]
    assert set(shown.texts("//span[@class='reads']")) == {"1.234 lượt đọc"}
    assert shown.values("//p[@role='note']/a/@href") == ["/chu-de/bao/"]
    assert shown.texts("//section/h2/a") == ["Kinh tế", "Đọc nhiều"]
    assert shown.texts("//section/ol/li/a") == ["x", "y"]
    assert shown.values("//a[@rel='next']/@href") == ["/?before=1-a"]
    assert shown.values("//link[@rel='canonical']/@href") == ["https://tin.example.vn/"]
    assert shown.texts("//nav[@class='sections']//a[@aria-current='page']") == ["Trang chủ"]


def test_a_front_page_without_articles_says_so() -> None:
    assert "Hiện chưa có bài viết nào" in front().texts("//main")[0]


@pytest.mark.parametrize(
    ("base", "cursor", "newer", "older", "links", "canonical"),
    [
        ("/", None, None, None, ([], []), "/"),
        ("/", ("before", "2-b"), "2-a", "1-a", (["/?after=2-a"], ["/?before=1-a"]), "/?before=2-b"),
        ("/kinh-te/", None, None, "1-a", ([], ["/kinh-te/?before=1-a"]), "/kinh-te/"),
        ("/kinh-te/", ("after", "1-a"), "9-z", None, (["/kinh-te/?after=9-z"], []),
         "/kinh-te/?after=1-a"),
        ("/tu-khoa/lũ/", None, None, "1-a", ([], ["/tu-khoa/l%C5%A9/?before=1-a"]),
         "/tu-khoa/l%C5%A9/"),
    ],
)  # fmt: skip
def test_parts_of_a_list_lead_to_each_other(
    base: str,
    cursor: tuple[str, str] | None,
    newer: str | None,
    older: str | None,
    links: tuple[list[str], list[str]],
    canonical: str,
) -> None:
    shown = listing(base=base, cursor=cursor, newer=newer, older=older)
    for element in ("link", "a"):
        assert shown.values(f"//{element}[@rel='prev']/@href") == links[0]
        assert shown.values(f"//{element}[@rel='next']/@href") == links[1]
    found = shown.values("//link[@rel='canonical']/@href")
    assert found == [f"https://tin.example.vn{canonical}"]


def test_a_section_is_called_by_its_name_and_no_other_by_a_name_without_diacritics() -> None:
    one = renderer()
    assert [one.site.section(slug).name for slug in ("xa-hoi", "van-hoa")] == ["Xã hội", "Tin khác"]
    assert listing(heading="Xã hội").texts("//h1") == ["Xã hội"]
    assert one.site.section("kinh-te") == SiteSection("kinh-te", SiteText("Kinh tế"))
    assert [(each.name, each.url) for each in one.site.links] == [
        ("Cổng Chính phủ", "https://chinhphu.example.vn")
    ]


ENGLISH = ROOT / "tests/cases/site-en/site.toml"


def of_file(path: Path, **changes: Any) -> Renderer:
    given: dict[str, Any] = {**ADDRESSES, "site": path, **changes}
    return Renderer(RenderSettings(**given))


def test_a_site_without_a_map_shows_none() -> None:
    shown = Shown(renderer().aside([], 7))
    assert shown.values("//*[@class='map']") == []
    assert shown.texts("//h2") == ["Thống kê truy cập", "Liên kết web"]


def test_a_map_is_in_the_side_column_with_links_that_a_keyboard_reaches() -> None:
    one = of_file(ENGLISH)
    shown = Shown(one.aside([], 7, language="vi"))
    assert shown.texts("//section[contains(@class, 'box-map')]/h2") == ["Các xã"]
    assert shown.values("//*[local-name()='svg']//*[local-name()='a']/@href") == [
        "/vi/tu-khoa/north-bank/",
        "https://south.example.org/",
    ]
    assert shown.values("//@tabindex") == []


def test_a_map_that_is_a_picture_has_its_districts_as_a_list(tmp_path: Path) -> None:
    (tmp_path / "map.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "site.toml").write_text(
        "name = 'Báo'\n[map]\ntitle = 'Bản đồ'\npicture = 'map.png'\nalt = 'Hai huyện'\n"
        "[map.districts]\na = { name = 'Huyện A', url = '/a/' }\nb = { name = 'Huyện B' }\n"
    )
    one = of_file(tmp_path / "site.toml")
    shown = Shown(one.aside([], 7))
    assert shown.values("//img[@class='map']/@alt") == ["Hai huyện"]
    assert shown.values("//img[@class='map']/@src") == [one.files.url("map.png")]
    assert shown.texts("//ul[@class='districts']/li") == ["Huyện A", "Huyện B"]
    assert shown.values("//ul[@class='districts']//a/@href") == ["/a/"]


def test_the_site_s_file_is_seen_on_every_page() -> None:
    one = of_file(ENGLISH, reads_url="/reads")
    shown = Shown(one.error(404, "Không có", "Trang này không có."))
    assert shown.texts("//span[@class='brand-name']") == ["The Vinh Ngan Courier"]
    menu = "//nav[@class='sections']//a"
    assert shown.texts(menu) == ["Home", "News", "Most read", "Sport"]
    assert shown.values(f"{menu}/@href") == ["/", "/news/", "/doc-nhieu/", "/sport/"]
    assert shown.values("//header//img/@src") == [one.files.url("logo.svg")]
    assert shown.texts("//footer//p")[:6] == [
        "The Vinh Ngan Courier",
        "News from the river",
        "Published by: Vinh Ngan Council",
        "Editor in charge: J. Nguyen",
        "Licence: No. 7/GP of 2 January 2026",
        "Accessibility",
    ]
    assert shown.values("//footer//address/a/@href") == [
        "tel:+442079460000",
        "mailto:desk@courier.example.org",
    ]
    script = "//script[@data-domain='courier.example.org']/@src"
    assert shown.values(script) == ["https://stats.example.org/script.js"]
    policy = one.content_security_policy
    assert "script-src 'self' https://stats.example.org;" in policy
    assert "connect-src 'self' https://stats.example.org https://collect.example.org;" in policy
    assert one.files.contents["style.css"].endswith(
        b"\n@media (prefers-color-scheme: light){:root{--brand:#5b1a2e;--bar:#5b1a2e;}}"
        b"\n@media (prefers-color-scheme: dark){:root{--brand:#f2b8c6;}}"
    )


def test_a_renderer_that_is_given_another_site_renders_as_one_that_began_with_it() -> None:
    one, other = Renderer(settings()), of_file(ENGLISH)
    before = one.version
    one.use(other.site)
    assert one.version == other.version != before
    assert one.article(article()) == other.article(article())


def test_an_empty_list_says_so() -> None:
    found = listing(heading="Xã hội", items=[]).texts("//div[@class='empty']/p[1]")
    assert found == ["Hiện chưa có bài viết nào trong chuyên mục này. Mời bạn quay lại sau."]


def test_what_lists_show_is_text() -> None:
    hostile = item(
        HOSTILE,
        lead=HOSTILE,
        image={"url": "/a", "alt": HOSTILE},
        url="/x",
        section=SiteSection("s", SiteText(HOSTILE)),
    )
    shown = listing(items=[hostile] * 7)
    for each in (shown, Shown(renderer().aside([hostile], 1))):
        assert (
            each.values("//script[not(starts-with(@src, '/static/page.js?'))] | //@onerror") == []
        )
    assert shown.texts("//h2/a") == [HOSTILE] * 7


def test_the_side_column_shows_news_links_and_the_total() -> None:
    shown = Shown(renderer().aside([item("a"), item("b")], 12_345_678))
    assert shown.texts("//section[@aria-labelledby='ben-tin-moi']//li") == [
        "a 23/11/2026 19:00",
        "b 23/11/2026 19:00",
    ]
    assert shown.values("//section[@aria-labelledby='ben-lien-ket']//a/@href") == [
        "https://chinhphu.example.vn"
    ]
    assert shown.texts("//section[@aria-labelledby='ben-lien-ket']//a") == ["Cổng Chính phủ"]
    assert shown.texts("//section[@aria-labelledby='ben-thong-ke']//div") == [
        "Tổng truy cập 12.345.678"
    ]


def test_the_side_column_shows_the_figures_that_are_known() -> None:
    rows = {
        "online": "Đang trực tuyến 0",
        "today": "Hôm nay 1.234",
        "yesterday": "Hôm qua 2",
        "week": "Tuần này 3.000",
        "month": "Tháng này 40.000",
    }
    visits = VisitFigures(0, 1234, 2, 3000, 40_000, 50_000)
    for unknown, known in (
        ("", visits),
        ("online", replace(visits, online=None)),
        ("yesterday", replace(visits, yesterday=None)),
    ):
        shown = Shown(renderer().aside([], 60_000, known))
        expected = {name: row for name, row in rows.items() if name != unknown}
        found = shown.texts("//section[@aria-labelledby='ben-thong-ke']//div")
        assert found == [*expected.values(), "Tổng truy cập 60.000"]
        for name in rows:  # live.js follows them
            assert len(shown.texts(f"//dd[@data-{name}]")) == int(name in expected)


def test_live_js_adds_what_only_this_site_counts_to_the_total() -> None:
    for baseline, before in ((0, []), (5_000, ["5000"])):
        shown = Shown(renderer(site_baseline=baseline).aside([], 5_001))
        assert shown.values("//dd[@data-total]/@data-before") == before


def test_an_error_page_is_for_people_and_not_for_search_engines() -> None:
    shown = Shown(renderer().error(404, "Không tìm thấy trang", "Trang này không có."))
    assert shown.texts("//title") == ["Không tìm thấy trang | Báo Lam Sơn"]
    assert shown.texts("//main//p[@class='code']") == ["Lỗi 404"]
    assert shown.texts("//h1") == ["Không tìm thấy trang"]
    assert shown.texts("//main//p[@class='lead']") == ["Trang này không có."]
    assert shown.texts("//main//li") == ["Kinh tế", "Xã hội"]
    assert shown.meta("robots") == ["noindex"]
    assert shown.values("//link[@rel='canonical']/@href") == []
    assert shown.meta("description") == ["Tiếng nói của tỉnh"]


def test_the_read_count_links_to_its_figures_if_readers_reach_them() -> None:
    path = "//dl[@class='meta']//a"
    assert Shown(page()).texts(path) == []
    for given, link in (
        ("/stats", "/stats/articles/ls0001/"),
        ("https://so.example.vn/stats/", "https://so.example.vn/stats/articles/ls0001/"),
    ):
        shown = Shown(page(stats_url=given))
        assert shown.texts(path) == ["1.234"]
        assert shown.values(f"{path}/@href") == [link]
        assert shown.texts("//dl[@class='meta']/div")[-1] == "Lượt đọc 1.234"


# ── version, policy, static files
# ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "changes",
    [
        {"base_url": "https://khac.example.vn"},
        {"reads_url": "/doc"},
        {"stats_url": "/stats"},
        {"site_name": "Khác"},
        {"site_tagline": "Khác"},
        {"site_address": "Khác"},
        {"sections": "kinh-te=Kinh tế"},
        {"sections": "xa-hoi=Xã hội,kinh-te=Kinh tế"},
        {"links": ""},
        {"time_zone": "UTC"},
    ],
)
def test_the_version_changes_with_everything_that_pages_show(changes: dict[str, Any]) -> None:
    assert renderer(**changes).version != renderer().version


RENDER = static_files.FOLDER
FILES = [
    str(file.relative_to(RENDER))
    for pattern in ("templates/*", "static/*", "fonts/*.woff2", "languages/*/*.po")
    for file in sorted(RENDER.glob(pattern))
]


@pytest.mark.parametrize("name", FILES)
def test_the_version_changes_with_each_template_and_static_file(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("templates", "static", "fonts", "languages"):
        shutil.copytree(RENDER / folder, tmp_path / folder)
    with (tmp_path / name).open("a") as file:
        file.write("\n")
    before = renderer()  # which is cached: the first one must not be made from the copy
    monkeypatch.setattr(static_files, "FOLDER", tmp_path)
    monkeypatch.setattr(templates, "FOLDER", tmp_path / "templates")
    monkeypatch.setattr(languages, "FOLDER", tmp_path / "languages")
    changed = Renderer(settings())
    assert changed.version != before.version
    names = changed.files.contents
    moved = {each for each in names if changed.files.url(each) != before.files.url(each)}
    folder, _, file_name = name.partition("/")
    # The style sheet has the addresses of the fonts.
    expected = {file_name} | ({"style.css"} if folder == "fonts" else set())
    assert moved == (expected if folder in ("static", "fonts") else set())


def test_versions_are_short_words() -> None:
    """The page's is in its entity tag and its events, a file's is in each page's HTML."""
    assert re.fullmatch("[0-9a-f]{12}", renderer().version)
    assert re.fullmatch("[0-9a-f]{10}", renderer().files.version("style.css"))


def test_the_version_does_not_change_with_anything_else() -> None:
    assert (
        renderer(port=1234, cache_pages=5, log_level="DEBUG", host="0.0.0.0").version
        == renderer().version
    )


def test_only_our_own_script_may_run_and_send_reads() -> None:
    assert renderer().content_security_policy == (
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; "
        "img-src 'self' data: tin.example.vn; media-src 'self' https:; connect-src 'self'; "
        "manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
    )
    elsewhere = renderer(reads_url="https://doc.example.vn:8443/a/reads").content_security_policy
    assert "connect-src 'self' https://doc.example.vn:8443; " in elsewhere


def test_a_page_follows_its_count_where_the_settings_say() -> None:
    assert Shown(page()).values("//script/@data-live") == []
    followed = Shown(page(live_url="/stats/live"))
    assert followed.values("//script/@data-live") == ["/stats/live"]
    assert followed.values("//script/@data-of") == ["ls0001"]
    assert [address.partition("?")[0] for address in followed.values("//script/@src")] == [
        "/static/page.js",
        "/static/read.js",
        "/static/live.js",
    ]
    assert renderer(live_url="/stats/live").version != renderer().version
    both = {"reads_url": "https://doc.example.vn/reads", "live_url": "https://doc.example.vn/live"}
    policy = renderer(**both).content_security_policy
    assert "connect-src 'self' https://doc.example.vn; " in policy
    other = renderer(live_url="https://so.example.vn/stats/live").content_security_policy
    assert "connect-src 'self' https://so.example.vn; " in other
    assert "so.example.vn" not in other.partition("connect-src")[0], "it loads nothing else there"


def test_pages_need_nothing_that_the_policy_forbids() -> None:
    shown = Shown(page())
    assert shown.texts("//style") == []
    assert shown.values("//@style") == []
    # A block of data is not run, so the policy allows it.
    runs = shown.texts("//script[not(@type='application/ld+json')]")
    assert [script for script in runs if script] == []
    for address in shown.values("//script/@src | //link[@rel='stylesheet' or @rel='icon']/@href"):
        assert not urlsplit(address).netloc


def test_every_static_file_that_pages_name_is_there_under_its_version() -> None:
    one = renderer()
    named = [
        address
        for address in Shown(page()).values("//@src | //@href")
        if address.startswith("/static/")
    ]
    assert {address.partition("?")[0] for address in named} == {
        "/static/read.js", "/static/page.js", "/static/style.css", "/static/favicon.svg",
        "/static/icon-192.png",
        "/static/literata-latin.woff2", "/static/literata-vietnamese.woff2",
    }  # fmt: skip
    for address in named:
        name = address.removeprefix("/static/").partition("?")[0]
        assert address == one.files.url(name) == f"/static/{name}?v={one.files.version(name)}"
