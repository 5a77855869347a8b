"""Addresses in an editor's HTML: what no browser can fetch is left out and told, and real pictures are found."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from services.ingest.articles.body.clean import clean
from services.ingest.articles.content import ImageInput

PAGE = "https://www.x.vn/thoi-su/bai-abc.html"
BROKEN = [
    "https://x.vn:99999/a.jpg", "https://x.vn:abc/a.jpg", "https://x vn/a.jpg", "https://x%zz.vn/a.jpg",
    "https://a^b.vn/a.jpg", "https://a|b.vn/a.jpg", "https://999.1.1.1/a.jpg", "https://1.2.3.4.5/a.jpg",
    "https://x.vn:80:80/a.jpg", "https://xn--a/a.jpg", "https://x.vn\u3000/a.jpg", "https://{{h}}/a.jpg",
    "https://x.vn/{{ a }}.jpg", "/{{a}}.jpg", "//x.vn:99999/a.jpg", "https://[::1/a.jpg",
    "http://a_b<c.vn/a.jpg",
]  # fmt: skip


def told(html: str) -> list[str]:
    return [warned.message for warned in clean(html, PAGE).warnings]


def source(html: str) -> str:
    """The address of the one picture."""
    [found] = re.findall(r'<img src="([^"]*)"', clean(html, PAGE).html)
    return str(found)


@pytest.mark.parametrize("address", BROKEN)
@pytest.mark.parametrize(
    ("html", "what"),
    [
        ('<img src="{}" alt="x">', "the picture 'x' was left out"),
        ('<video src="{}"></video>', "<video> was left out"),
        ('<video><source src="{}"></video>', "<video> was left out"),
        ('<audio src="{}"></audio>', "<audio> was left out"),
        ('<iframe src="{}"></iframe>', "<iframe> was left out"),
    ],
)
def test_an_address_that_nobody_can_fetch_is_left_out_and_told(html: str, what: str, address: str) -> None:
    with pytest.raises(ValueError, match="must not be empty"):
        clean(html.format(address), PAGE)
    body = clean("a" + html.format(address), PAGE)
    assert body.html == "a"
    assert body.warnings[0].message.startswith(what)


@pytest.mark.parametrize("address", [*BROKEN, "mailto://x:99999/"])
def test_a_link_that_leads_nowhere_is_taken_off_and_told(address: str) -> None:
    body = clean(f'<a href="{address}">a</a>', PAGE)
    assert body.html == "a"
    assert body.warnings[0].message.startswith("a link was taken off")


PARTS = ["https:", "http:", "//", "/", "x.vn", ":", "80", "99999", "@", "%", "[", "]", "^", "xn--", "1.2", "?", "#",
         " ", "\u3000", "\u00ad", "đ", "\\", "mailto:", "tel:", "{", "|", "."]  # fmt: skip


@settings(max_examples=200)
@given(st.lists(st.sampled_from(PARTS), max_size=8).map("".join))
def test_the_sanitiser_takes_no_address_away(address: str) -> None:
    html = clean(f'a<a href="{address}">b</a><img src="{address}" alt="c">', PAGE).html
    assert "<a rel=" not in html
    assert html.count("<img") == html.count('<img src="')


@pytest.mark.parametrize("url", ["https://x.vn:99999/a.jpg", "https://{{h}}/a", "http://999.1.1.1/"])
def test_the_main_picture_has_an_address_that_can_exist(url: str) -> None:
    with pytest.raises(ValidationError, match="must have a host and a port that can exist"):
        ImageInput(url=url)


@pytest.mark.parametrize("url", ["https://x.vn:8443/a.jpg", "http://báo.vn/ảnh.jpg", "/media/a.jpg"])
def test_a_main_picture_that_can_exist_is_taken(url: str) -> None:
    assert ImageInput(url=url).url == url


@pytest.mark.parametrize(
    ("given_address", "clean_address"),
    [
        ("https://báo.vn/ảnh 1.jpg", "https://báo.vn/ảnh 1.jpg"),
        ("https://[2001:db8::1]:8080/a.jpg", "https://[2001:db8::1]:8080/a.jpg"),
        ("https:///x.vn/a.jpg", "https://x.vn/a.jpg"),
        ("///x.vn/a.jpg", "https://x.vn/a.jpg"),
        ("http://10.0.0.1/a.jpg", "http://10.0.0.1/a.jpg"),
    ],
)
def test_an_address_that_a_browser_can_fetch_stays(given_address: str, clean_address: str) -> None:
    assert source(f'<img src="{given_address}" alt="a">') == clean_address


# ── lazy pictures ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "attribute",
    [
        'data-lazy="true"', 'data-lazy="lazy"', 'data-original="1"', 'data-image="4711"', 'data-src=""',
        'data-url="https://x.vn/bai-viet.html"', 'data-src="https://x.vn/bai-viet.html?a=b.jpg"',
        'data-url="/anh/khac.jpg"', 'data-src="{{ url }}"', 'data-src="${a}.jpg"', 'data-src="/"',
        'data-srcset="auto"', 'data-lazy-srcset="true"', 'data-large-file="https://x.vn/large.jpg"',
        'data-src="https://x.vn:99999/a.jpg"',
    ],
)  # fmt: skip
def test_a_good_picture_is_not_replaced(attribute: str) -> None:
    assert source(f'<img {attribute} src="/real.jpg" alt="a">') == "/real.jpg"


@pytest.mark.parametrize(
    "name",
    "data-src data-original data-lazy-src data-lazy data-cfsrc data-ll-src data-lazyload data-echo data-orig-src "
    "data-pagespeed-lazy-src data-litespeed-src data-actualsrc lazy-src data-image data-url data-anything".split(),
)
@pytest.mark.parametrize("stand_in", ["data:image/gif;base64,R0", "", "/blank.gif", "https://x.vn/i/1x1.png?v=2"])
def test_a_lazy_picture_has_its_real_source(name: str, stand_in: str) -> None:
    assert source(f'<img src="{stand_in}" {name}="/real.jpg" alt="a">') == "/real.jpg"


def test_a_picture_whose_name_is_that_of_a_stand_in_stays_without_another() -> None:
    assert source('<img src="/blank.gif" alt="a">') == "/blank.gif"


def test_a_page_or_a_switch_is_no_picture_in_place_of_none() -> None:
    for value in ("true", "4711", "https://x.vn/bai-viet.html"):
        html = f'a<img src="data:x" data-lazy="{value}" data-url="{value}" alt="x">'
        assert clean(html, PAGE).html == "a"
        assert told(html)[0].startswith("the picture 'x' was left out")
