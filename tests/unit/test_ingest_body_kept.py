"""What an editor sees in the source is in the body or raises a warning: embeds, words, numbers,
styles.
"""

import re

import pytest

from services.ingest.articles.body.clean import clean

PAGE = "https://www.x.vn/thoi-su/bai-abc.html"
YOUTUBE = "https://www.youtube.com/watch?v=abc"


def cleaned(html: str) -> str:
    """The body. Cleaning it again must not change it."""
    body = clean(html, PAGE).html
    assert clean(body, PAGE).html == body
    return body


def leads_to(html: str) -> list[str]:
    return re.findall(r'href="([^"]*)"', cleaned(html))


@pytest.mark.parametrize(
    "html",
    [
        '<picture><source data-srcset="/a.webp 1x"><img src="data:x" alt=a></picture>',
        '<picture><source srcset="/b.webp 1x, /a.webp 2x"><img alt=a></picture>',
        '<picture><source data-src="/a.webp"><img src="/blank.gif" alt=a></picture>',
        '<picture><source srcset="/b.webp"><img src="/a.webp" alt=a></picture>',
        '<amp-img src="/a.webp" alt=a></amp-img>',
        '<input type=image src="/a.webp" alt=a>',
        '<v:shape><v:imagedata src="/a.webp" alt=a /></v:shape>',
        '<object data="data:x"><img src="/a.webp" alt=a></object>',
    ],
)
def test_a_picture_is_found_in_all_its_forms(html: str) -> None:
    assert cleaned(html) == '<img src="/a.webp" alt="a" loading="lazy">'


@pytest.mark.parametrize(
    ("html", "address"),
    [
        ('<iframe src="about:blank" '
         'data-src="https://www.youtube.com/embed/abc"></iframe>', YOUTUBE),
        ("<iframe src=\"javascript:''\" "
         "data-lazy-src='https://www.youtube.com/embed/abc'></iframe>", YOUTUBE),
        ('<iframe src="" '
         'data-litespeed-src="https://www.youtube.com/embed/abc"></iframe>', YOUTUBE),
        ('<noscript><iframe src="https://www.youtube.com/embed/abc"></iframe></noscript>', YOUTUBE),
        ('<iframe data-src="https://www.youtube.com/embed/abc"></iframe><noscript><div><iframe '
         'src="https://www.youtube.com/embed/abc"></iframe></div></noscript>', YOUTUBE),
        ('<object><param name=movie value="https://www.youtube.com/v/abc"></object>', YOUTUBE),
        ('<object><param name=movie value="https://www.youtube.com/v/abc">'
         '<embed src="https://www.youtube.com/v/abc"></object>', YOUTUBE),
        ('<lite-youtube videoid="abc"></lite-youtube>', YOUTUBE),
        ('<amp-youtube data-videoid="abc"> </amp-youtube>', YOUTUBE),
        ('<div class="fb-post" data-href="https://www.facebook.com/a/posts/1"></div>',
         "https://www.facebook.com/a/posts/1"),
        ('<blockquote class="instagram-media" '
         'data-instgrm-permalink="https://www.instagram.com/p/a/"></blockquote>',
         "https://www.instagram.com/p/a/"),
        ('<iframe src="https://player.vimeo.com/video/76979871?h=8272103f6e"></iframe>',
         "https://vimeo.com/76979871/8272103f6e"),
        ('<iframe '
         'src="https://player.vimeo.com/video/76979871?h=a/b&amp;x=1"></iframe>',
         "https://vimeo.com/76979871"),
    ],
)  # fmt: skip
def test_an_embed_becomes_one_link(html: str, address: str) -> None:
    assert leads_to(html) == [address]
    assert any(" became a link to " in warned.message for warned in clean(html, PAGE).warnings)


def test_an_element_with_content_or_without_an_address_is_no_widget() -> None:
    assert cleaned('<div data-href="https://e.vn/a">Chữ</div>') == "<p>Chữ</p>"
    assert cleaned('a<div data-src="true"></div>') == "a"


def test_the_same_video_twice_becomes_two_links() -> None:
    assert (
        leads_to('<iframe src="https://www.youtube.com/embed/abc"></iframe>' * 2) == [YOUTUBE] * 2
    )


def test_a_video_gets_its_lazy_source() -> None:
    player = '<video controls="" preload="none"><source src="https://x.vn/a.mp4"></video>'
    assert cleaned('<video><source data-src="https://x.vn/a.mp4"></video>') == player


@pytest.mark.parametrize(
    ("html", "body"),
    [
        ('<span style="display:block">Sáng</span><span style="display:block">Chiều</span>',
         "<p>Sáng</p><p>Chiều</p>"),
        ('<a href="/a" style="display:block">Sáng</a>Chiều',
         '<p><a href="/a" rel="noopener noreferrer">Sáng</a></p><p>Chiều</p>'),
        ('<i style="display:table-cell">A</i><i style="display: '
         'table-cell">B</i>', "<p><i>A</i></p><p><i>B</i></p>"),
        ('<span style="display:inline-block">A</span>B', "AB"),
        ("<button>A</button><button>B</button>", "A B"),
        ("<ruby>漢字<rt>hán tự</rt></ruby>", "漢字 (hán tự)"),
        ("<ruby>漢字<rp>(</rp><rt>hán tự</rt><rp>)</rp></ruby>", "漢字(hán tự)"),
        ("<ruby>漢<rt>hán</rt>字<rt>tự</rt></ruby>", "漢 (hán)字 (tự)"),
        ('Một<img src="data:x">Hai', "Một Hai"),
        ('Một<math display="block"><mi>x</mi></math>Hai', "Một Hai"),
        ("Một<svg></svg>Hai", "Một Hai"),
        ("Một<input>Hai", "Một Hai"),
        ("Một<iframe></iframe>Hai", "Một Hai"),
        ("Một<svg></svg>, Hai", "Một, Hai"),
        ("Một <svg></svg>Hai", "Một Hai"),
        ("M<script></script>ột<input type=hidden>", "Một"),
    ],
)  # fmt: skip
def test_words_around_left_out_elements_stay_separate(html: str, body: str) -> None:
    assert cleaned(html) == body


@pytest.mark.parametrize(
    ("html", "body"),
    [
        ('<ol type="a"><li value="5">x</li></ol>', '<ol type="a"><li value="5">x</li></ol>'),
        ('<ol style="list-style-type:lower-alpha"><li>x</li></ol>', '<ol type="a"><li>x</li></ol>'),
        ('<ol type="x" start="-2"><li>x</li></ol>', '<ol start="-2"><li>x</li></ol>'),
        ('<p style="font:italic bold 14px Arial">x</p>', "<p><strong><em>x</em></strong></p>"),
        ('<p style="font:600 14px/1.5 Arial">x</p>', "<p><strong>x</strong></p>"),
        ('<p style="font:14px Arial">x</p>', "<p>x</p>"),
        ("<v:shape><v:textbox>Chữ</v:textbox><v:stroke>x</v:stroke></v:shape>", "Chữ"),
        ("<object><p>Chữ</p></object>", "<p>Chữ</p>"),
        ("<pre>\n\na</pre>", "<pre>\n\na</pre>"),
        ("<pre>\na</pre>", "<pre>a</pre>"),
    ],
)
def test_visible_properties_are_kept(html: str, body: str) -> None:
    assert cleaned(html) == body


def test_text_in_noscript_is_left_out_with_a_warning() -> None:
    [warned] = clean("a<noscript>Hãy bật JavaScript</noscript>", PAGE).warnings
    assert warned.message == "text in <noscript> was left out"
