"""The parts of an article's page beside its text: contents, files, corrections, languages, and the
copy that readers keep.
"""

import re
from datetime import timedelta
from typing import Any

import pytest

from luotdoc_events.parts import Attachment, Correction, Image
from services.render.rendering.body import with_contents
from services.render.rendering.renderer import ASIDE_MARK, READS_MARK, Renderer
from services.render.rendering.saved import alone, own_pictures
from tests.unit.test_render_pages import NOON, Shown, article, page, settings

TEXT = "<p>" + "chữ " * 800 + "</p>"
PICTURE = "/media/0123456789abcdef0123456789abcdef.webp"


def in_two_languages() -> Renderer:
    one = Renderer(settings())
    one.use(one.site.model_copy(update={"languages": ("vi", "en")}))
    return one


def test_a_long_article_has_contents_that_lead_to_its_headings() -> None:
    body = (
        f'<h2>Mở <em>đầu</em> &amp; số</h2>{TEXT}<h3 id="body-a">Giữa</h3><h2 lang="en">End</h2>'
        "<h4>Nhỏ</h4>"
    )
    shown = Shown(page(article(body_html=body)))
    links = "//nav[@class='contents']//a"
    assert shown.texts(links) == ["Mở đầu & số", "Giữa", "End"]
    assert shown.values(f"{links}/@href") == ["#muc-1", "#body-a", "#muc-3"]
    assert shown.values("//div[@class='body']/*[self::h2 or self::h3]/@id") == [
        "muc-1", "body-a", "muc-3"
    ]  # fmt: skip
    assert shown.values("//div[@class='body']/h2/@lang") == ["en"]


@pytest.mark.parametrize(
    "body",
    [
        f"<h2>a</h2>{TEXT}<h2>b</h2>",
        "<h2>a</h2><h2>b</h2><h2>c</h2><p>ngắn</p>",
        f'<h2>a</h2><h2>b</h2><h2><img alt="<h2>x</h2>" src="/a"></h2>{TEXT}',
    ],
)
def test_a_short_article_or_one_with_few_headings_has_none(body: str) -> None:
    assert with_contents(body) == (body, [])


def test_what_looks_like_a_heading_in_an_attribute_is_none() -> None:
    """An id within an attribute would end it, and let its text out as markup."""
    picture = '<p><img alt="<h2>x</h2><h3>y</h3>" src="/a"></p>'
    body = f"{picture}<h2>a</h2><h2>b <i>c</i></h2>{TEXT}<h3>c</h3>{picture}"
    made, contents = with_contents(body)
    assert made.count(picture) == 2
    assert [each.text for each in contents] == ["a", "b c", "c"]


def test_files_have_their_kind_and_size() -> None:
    files = [
        Attachment(url="/f/a.pdf", title="Quyết định", type="application/pdf", size=1_234_567),
        Attachment(url="https://x.vn/b.xlsx?a=1", title="<b>Phụ lục</b>", size=33_000),
        Attachment(url="/f/c", title="Không rõ"),
    ]
    shown = Shown(page(article(attachments=files)))
    assert shown.texts("//section[@class='files']//li") == [
        "Quyết định (PDF, 1,2 MB)", "<b>Phụ lục</b> (XLSX, 33 kB)", "Không rõ"
    ]  # fmt: skip
    assert Shown(page()).texts("//section[@class='files']") == []


def test_corrections_say_when_and_what() -> None:
    made = [
        Correction(at=NOON + timedelta(hours=1), note="tên người"),
        Correction(at=NOON + timedelta(days=1)),
    ]
    shown = Shown(page(article(corrections=made)))
    assert shown.texts("//section[@class='corrections']//li") == [
        "Đã sửa 23/11/2026 20:00: tên người", "Đã sửa 24/11/2026 19:00"
    ]  # fmt: skip


def test_times_in_the_markup_have_no_fraction_of_a_second() -> None:
    at = NOON.replace(microsecond=123456)
    html = page(article(published_at=at, modified_at=at + timedelta(hours=1),
                        corrections=[Correction(at=at)]))  # fmt: skip
    found = re.findall(r'(?:datetime|content)="(2026-[^"]*)"', html)
    assert len(found) >= 5
    assert {len(each) for each in found} == {len("2026-11-23T19:00:00+07:00")}


def test_sound_tags_and_topic_lead_where_they_should() -> None:
    one = article(audio="https://x.vn/a.mp3", tags=["Lễ hội", "!"], topic="Mùa lũ 2026")
    shown = Shown(page(one))
    assert shown.values("//audio/@src | //audio/@preload") == ["none", "https://x.vn/a.mp3"]
    assert shown.texts("//div[@class='tags']//li") == ["Lễ hội", "!"]
    assert shown.values("//div[@class='tags']//a/@href") == ["/tu-khoa/l%E1%BB%85-h%E1%BB%99i/"]
    assert shown.values("//p[@class='kicker']/a/@href") == ["/chu-de/m%C3%B9a-l%C5%A9-2026/"]
    assert Shown(page()).values("//audio") == []


def test_what_needs_a_script_is_hidden_without_it() -> None:
    shown = Shown(page())
    buttons = shown.texts("//div[@class='actions']//button")
    assert buttons == ["Chép liên kết", "In bài", "A−", "A+"]
    assert shown.texts("//div[@class='actions']//li[@hidden]/button") == buttons
    assert shown.values("//div[@class='actions']//a[@download]/@href") == ["/luu/ls0001.html"]
    shared = shown.values("//div[@class='actions']//a[not(@download)]/@href")
    assert [each.partition("//")[2].partition("/")[0] for each in shared] == [
        "www.facebook.com", "x.com", ""
    ]  # fmt: skip
    assert all("thong-xe-cau-ls0001.html" in each for each in shared)


def test_an_english_article_has_english_furniture(monkeypatch: pytest.MonkeyPatch) -> None:
    one = in_two_languages()
    parts = one.article(article(language="en-GB", title="The bridge is open"))
    html = "".join({READS_MARK: "1,234", ASIDE_MARK: ""}.get(part, part) for part in parts)
    shown = Shown(html)
    assert shown.values("/html/@lang") == ["en"]
    assert shown.values("//article/@lang") == []
    assert shown.texts("//dl[@class='meta']/div") == [
        "Published 23 Nov 2026, 19:00", "Updated 23 Nov 2026, 21:00", "Reads 1,234"
    ]  # fmt: skip
    assert shown.texts("//nav[@class='crumbs']//a") == ["Home", "Kinh tế"]
    assert shown.values("//nav[@class='crumbs']//a/@href") == ["/en/", "/en/kinh-te/"]
    assert shown.values("//link[@rel='preload']/@href") == [one.files.url("literata-latin.woff2")]
    for said in ("Trang chủ", "Thời gian đăng", "Lượt đọc", "Tìm kiếm"):
        assert said not in html


def test_an_article_from_right_to_left_says_so() -> None:
    shown = Shown(page(article(language="ar", title="افتتاح الجسر")))
    assert shown.values("//article/@dir") == ["rtl"]
    assert shown.values("//dl[@class='meta']/@dir") == ["ltr"]
    assert shown.values("/html/@dir") == []


@pytest.mark.parametrize(("letters", "kind"), [(320, "lead"), (321, "lead long")])
def test_a_long_lead_is_set_smaller(letters: int, kind: str) -> None:
    lead = "a" * letters
    assert Shown(page(article(lead=lead))).values("//header/p/@class") == [kind]


def test_without_a_lead_a_page_is_described_by_the_beginning_of_its_text() -> None:
    body = "<h2>Mở &amp; đầu</h2><p>Câu <b>một</b>.</p>" + "<p>Câu hai dài.</p>" * 400
    (described,) = Shown(page(article(lead="", body_html=body))).meta("description")
    assert described.startswith("Mở & đầu Câu một. Câu hai dài.")
    assert described.endswith(" …")
    assert 190 < len(described) <= 200
    (described,) = Shown(page(article(lead="", body_html=f"<p>{'chữ ' * 2000}</p>"))).meta(
        "description"
    )
    assert described.startswith("chữ chữ")
    bare = Shown(page(article(lead="", body_html='<img src="/a.webp" alt="a">')))
    assert bare.meta("description") == ["Thông xe cầu Vĩnh Ngàn"]


# ── the copy to keep
# ─────────────────────────────────────────────────────────────────────────────────────


def test_a_kept_copy_needs_nothing_but_itself() -> None:
    image = Image(url=PICTURE, alt="Cầu", caption="Cầu mới")
    body = (
        f'<p><a href="/kinh-te/">a</a> <img loading="lazy" src="https://tin.example.vn{PICTURE}" '
        'alt="b"> <a href="#body-1">1</a></p>'
    )
    one = article(image=image, body_html=body)
    held = Renderer(settings())
    named = own_pictures(one, held.site.url)
    assert named == {
        PICTURE: PICTURE[7:], f"https://tin.example.vn{PICTURE}": PICTURE[7:]
    }  # fmt: skip
    html = held.saved(one, dict.fromkeys(named, "data:image/webp;base64,AAAA"))
    shown = Shown(html)
    assert shown.values("//img/@src") == ["data:image/webp;base64,AAAA"] * 2
    assert shown.values("//img/@loading") == []
    assert shown.values("//script | //link[@rel='stylesheet'] | //@srcset") == []
    assert shown.values("//p/a/@href")[1:] == ["https://tin.example.vn/kinh-te/", "#body-1"]
    assert shown.values("//link[@rel='canonical']/@href") == [
        "https://tin.example.vn/kinh-te/thong-xe-cau-ls0001.html"
    ]
    assert "/reads" not in html
    assert shown.texts("//h1") == ["Thông xe cầu Vĩnh Ngàn"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('<a href="/x?a=1&amp;b=2">', '<a href="https://e.vn/x?a=1&amp;b=2">'),
        ('<a title="a href=" href="https://b.vn/">', '<a title="a href=" href="https://b.vn/">'),
        ('<img alt="<a href=" src="#">', '<img alt="<a href=" src="#">'),
        ("<p>src=\"/x\"</p>", "<p>src=\"/x\"</p>"),
    ],
)  # fmt: skip
def test_paths_of_a_kept_body_become_absolute(body: str, expected: str) -> None:
    assert alone(body, "https://e.vn", {}) == expected


@pytest.mark.parametrize(
    "url",
    ["https://x.vn" + PICTURE, "/media/../secret.webp", "/static/a.svg", "/media/short.webp"],
)
def test_only_pictures_of_the_site_go_into_the_copy(url: str) -> None:
    changes: dict[str, Any] = {"image": Image(url=url), "body_html": f'<p><img src="{url}"></p>'}
    assert own_pictures(article(**changes), "https://tin.example.vn") == {}
