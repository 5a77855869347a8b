"""Addresses in an editor's HTML: unusable ones are left out with a warning, and lazy pictures get
their real source.
"""

import re

import pytest
from pydantic import ValidationError

from services.ingest.articles.body.clean import clean
from services.ingest.articles.content import ImageInput

PAGE = "https://www.x.vn/thoi-su/bai-abc.html"
BROKEN = [
    "https://x.vn:99999/a.jpg", "https://x.vn:abc/a.jpg", "https://x vn/a.jpg",
    "https://x%zz.vn/a.jpg",
    "https://a^b.vn/a.jpg", "https://a|b.vn/a.jpg", "https://999.1.1.1/a.jpg",
    "https://1.2.3.4.5/a.jpg",
    "https://x.vn:80:80/a.jpg", "https://xn--a/a.jpg", "https://x.vn\u3000/a.jpg",
    "https://{{h}}/a.jpg",
    "https://x.vn/{{ a }}.jpg", "/{{a}}.jpg", "//x.vn:99999/a.jpg", "https://[::1/a.jpg",
    "http://a_b<c.vn/a.jpg",
]  # fmt: skip


def warnings_of(html: str) -> list[str]:
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
def test_media_at_an_unusable_address_are_left_out_with_a_warning(
    html: str, what: str, address: str
) -> None:
    with pytest.raises(ValueError, match="must not be empty"):
        clean(html.format(address), PAGE)
    body = clean("a" + html.format(address), PAGE)
    assert body.html == "a"
    assert body.warnings[0].message.startswith(what)


@pytest.mark.parametrize("address", [*BROKEN, "mailto://x:99999/"])
def test_a_link_to_an_unusable_address_is_removed_with_a_warning(address: str) -> None:
    body = clean(f'<a href="{address}">a</a>', PAGE)
    assert body.html == "a"
    assert body.warnings[0].message.startswith("a link was taken off")


@pytest.mark.parametrize(
    "url", ["https://x.vn:99999/a.jpg", "https://{{h}}/a", "http://999.1.1.1/"]
)
def test_an_unusable_address_of_the_main_picture_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="must have a host and a port that can exist"):
        ImageInput(url=url)


@pytest.mark.parametrize(
    "url", ["https://x.vn:8443/a.jpg", "http://báo.vn/ảnh.jpg", "/media/a.jpg"]
)
def test_a_usable_address_of_the_main_picture_is_accepted(url: str) -> None:
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
def test_a_usable_address_is_kept_as_browsers_read_it(
    given_address: str, clean_address: str
) -> None:
    assert source(f'<img src="{given_address}" alt="a">') == clean_address


# ── lazy pictures ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "attribute",
    [
        'data-lazy="true"', 'data-lazy="lazy"', 'data-original="1"', 'data-image="4711"',
        'data-src=""',
        'data-url="https://x.vn/bai-viet.html"', 'data-src="https://x.vn/bai-viet.html?a=b.jpg"',
        'data-url="/anh/khac.jpg"', 'data-src="{{ url }}"', 'data-src="${a}.jpg"', 'data-src="/"',
        'data-srcset="auto"', 'data-lazy-srcset="true"', 'data-large-file="https://x.vn/large.jpg"',
        'data-src="https://x.vn:99999/a.jpg"',
    ],
)  # fmt: skip
def test_src_is_kept_if_the_lazy_attribute_has_no_picture(attribute: str) -> None:
    assert source(f'<img {attribute} src="/real.jpg" alt="a">') == "/real.jpg"


@pytest.mark.parametrize(
    "name",
    "data-src data-original data-lazy-src data-lazy data-cfsrc data-ll-src "
    "data-lazyload data-echo data-orig-src "
    "data-pagespeed-lazy-src data-litespeed-src data-actualsrc lazy-src data-image data-url "
    "data-anything".split(),
)
@pytest.mark.parametrize(
    "placeholder", ["data:image/gif;base64,R0", "", "/blank.gif", "https://x.vn/i/1x1.png?v=2"]
)
def test_a_lazy_picture_gets_its_real_source(name: str, placeholder: str) -> None:
    assert source(f'<img src="{placeholder}" {name}="/real.jpg" alt="a">') == "/real.jpg"


def test_a_placeholder_is_kept_if_there_is_no_other_source() -> None:
    assert source('<img src="/blank.gif" alt="a">') == "/blank.gif"


def test_a_picture_without_a_usable_source_is_left_out_with_a_warning() -> None:
    for value in ("true", "4711", "https://x.vn/bai-viet.html"):
        html = f'a<img src="data:x" data-lazy="{value}" data-url="{value}" alt="x">'
        assert clean(html, PAGE).html == "a"
        assert warnings_of(html)[0].startswith("the picture 'x' was left out")


# ── links ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "unseen", ["\u00a0", "\u200b", "\ufeff", "\u200e", "\u3000", "\u00ad", "\n"]
)
def test_invisible_characters_around_an_address_are_removed(unseen: str) -> None:
    body = clean(f'<a href="{unseen}https://h.vn/x{unseen}">a</a>', PAGE)
    assert body.html == '<a href="https://h.vn/x" rel="noopener noreferrer">a</a>'


@pytest.mark.parametrize(
    "address", ["https://https://h.vn/", "http://http//h.vn/", "mailto:", "tel:"]
)
def test_a_link_with_an_incomplete_address_is_removed_with_a_warning(address: str) -> None:
    body = clean(f'<a href="{address}">a</a>', PAGE)
    assert body.html == "a"
    assert (
        body.warnings[0].message
        == f"a link was taken off: {address!r} is no address that a reader can follow"
    )


@pytest.mark.parametrize(
    "address", ["www.h.vn", "a@e.vn", "“https://h.vn”", "http//h.vn/x", "https;//h.vn"]
)
def test_an_unfinished_address_raises_a_warning(address: str) -> None:
    [message] = warnings_of(f'<a href="{address}">a</a>')
    assert message.startswith(f"the link {address!r} leads to /thoi-su/")


@pytest.mark.parametrize(
    "address",
    [
        "khac.html",
        "thu-muc//x.html",
        "../x",
        "?q=a@b",
        "/a@b",
        "#a",
        "a/b@c",
        "mailto:a@e.vn",
        "//h.vn",
    ],
)
def test_a_path_raises_no_warning(address: str) -> None:
    assert warnings_of(f'<a href="{address}">a</a><p id="a">b</p>') == []


def test_an_address_with_another_scheme_than_the_page_needs_no_slashes() -> None:
    assert 'href="http://h.vn/x"' in clean('<a href="http:h.vn/x">a</a>', PAGE).html
    assert 'href="http://h.vn/x"' in clean('<a href="http:/h.vn/x">a</a>', PAGE).html
    assert 'href="/thoi-su/x"' in clean('<a href="https:x">a</a>', PAGE).html


FILM = "Xem video trên YouTube"
MAP = "Xem bản đồ trên Google Maps"


@pytest.mark.parametrize(
    ("address", "page", "words"),
    [
        ("https://www.youtube.com/watch?v=abc", "https://www.youtube.com/watch?v=abc", FILM),
        ("https://youtu.be/abc?t=30", "https://youtu.be/abc?t=30", FILM),
        ("https://www.youtube.com/v/abc&hl=en&fs=1", "https://www.youtube.com/watch?v=abc", FILM),
        ("https://www.youtube.com/embed/abc?t=1m30s", "https://www.youtube.com/watch?v=abc&t=1m30s",
         FILM),
        ("https://www.youtube.com/embed/abc?start=30.5",
         "https://www.youtube.com/watch?v=abc&t=30s", FILM),
        ("https://www.youtube.com/embed/abc?start=x&t=%26v=d",
         "https://www.youtube.com/watch?v=abc", FILM),
        ("https://www.youtube.com/embed?listType=playlist&list=PL1",
         "https://www.youtube.com/playlist?list=PL1",
         "Xem trên YouTube"),
        ("https://www.youtube.com/embed/live_stream?channel=UC1",
         "https://www.youtube.com/channel/UC1/live", FILM),
        ("https://www.facebook.com/plugins/video.php?height=3&href=https%3A%2F%2Fwww.facebook.com%2Fa%2Fvideos%2F1%2F",
         "https://www.facebook.com/a/videos/1/", "Xem video trên Facebook"),
        ("https://www.facebook.com/v2.10/plugins/post.php?href=https%3A%2F%2Fwww.facebook.com%2Fa%2Fposts%2F1",
         "https://www.facebook.com/a/posts/1", "Xem trên Facebook"),
        ("https://www.facebook.com/plugins/video.php?href=javascript:alert(1)",
         "https://www.facebook.com/plugins/video.php?href=javascript:alert(1)",
         "Xem nội dung trên www.facebook.com"),
        ("https://www.google.com/maps/embed?pb=!1m18!1m12!1m3!1d3724.09!2d105.852!3d21.028!2m3!1f0",
         "https://www.google.com/maps/search/?api=1&query=21.028,105.852", MAP),
        ("https://www.google.com/maps/embed/v1/place?key=K&q=H%E1%BB%93+G%C6%B0%C6%A1m",
         "https://www.google.com/maps/search/?api=1&query=H%E1%BB%93%20G%C6%B0%C6%A1m", MAP),
        ("https://maps.google.com/maps?q=Hue&output=embed",
         "https://www.google.com/maps/search/?api=1&query=Hue", MAP),
        ("https://www.google.com/maps/d/embed?mid=1a&hl=vi",
         "https://www.google.com/maps/d/viewer?mid=1a", MAP),
        ("https://www.google.com/search?q=a", "https://www.google.com/search?q=a",
         "Xem nội dung trên www.google.com"),
    ],
)  # fmt: skip
def test_a_frame_becomes_a_link_to_its_public_page(address: str, page: str, words: str) -> None:
    body = clean(f'<iframe src="{address.replace("&", "&amp;")}"></iframe>', PAGE).html
    page = page.replace("&", "&amp;")
    assert body == f'<p><a href="{page}" rel="noopener noreferrer">{words}</a></p>'
    assert clean(body, PAGE).html == body


def test_an_invisible_title_is_ignored() -> None:
    assert (
        f">{FILM}</a>"
        in clean('<iframe src="https://youtu.be/a" title="&#8203;"></iframe>', PAGE).html
    )


@pytest.mark.parametrize(
    ("html", "address"),
    [
        ('<div class="lazy-youtube" data-youtube-id="abc"></div>',
         "https://www.youtube.com/watch?v=abc"),
        ('<div class="youtube-player" data-id="abc"></div>', "https://www.youtube.com/watch?v=abc"),
        ('<div data-plyr-provider="vimeo" data-plyr-embed-id="76"></div>', "https://vimeo.com/76"),
        ('<figure class="wp-block-embed"><div class="wp-block-embed__wrapper">\nhttps://youtu.be/abc\n</div></figure>',
         "https://youtu.be/abc"),
        ('<frameset><frame src="/a.html"></frameset>', "/a.html"),
        ('<img src=/b.jpg alt=x usemap=#m><map name=m><area href="/a" alt="Huế"></map>', "/a"),
    ],
)  # fmt: skip
def test_widgets_frames_and_image_maps_become_a_link(html: str, address: str) -> None:
    body = clean(html, PAGE)
    assert re.findall(r'href="([^"]*)"', body.html) == [address]
    assert len(body.warnings) == 1


def test_text_inside_an_image_map_is_kept() -> None:
    assert clean('<map><p>Chữ</p><area href="/a" alt="Huế"><area alt="x">', PAGE).html == (
        '<p>Chữ</p><p><a href="/a" rel="noopener noreferrer">Huế</a></p>'
    )
