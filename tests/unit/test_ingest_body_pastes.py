"""Pastes of real programs: what the editor saw in the source is published or raises a warning."""

import pytest

from services.ingest.articles.body.clean import clean

PAGE = "https://www.x.vn/thoi-su/bai-abc.html"
TIKTOK = "https://www.tiktok.com/@a/video/1"


def cleaned(html: str) -> str:
    """The body. Cleaning it again must not change it."""
    body = clean(html, PAGE).html
    assert clean(body, PAGE).html == body
    return body


def warnings_of(html: str) -> list[str]:
    return [warned.message for warned in clean(html, PAGE).warnings]


# ── style sheets and classes ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("html", "body"),
    [
        # Google Docs, published or exported
        ("<style>.c1{font-weight:700}.c2{font-style:italic}</style>"
         '<p><span class="c1">Đậm</span> <span class="c2 c9">nghiêng</span></p>',
         "<p><strong>Đậm</strong> <em>nghiêng</em></p>"),
        # Excel
        ('<style><!--table {mso-displayed-decimal-separator:"\\,";}\n.xl65 '
         '{font-weight:700;\n text-align:center;}-->'
         "</style><table><tr><td class=xl65>Giá</td></tr></table>",
         '<table><tbody><tr><td '
         'class="align-center"><strong>Giá</strong></td></tr></tbody></table>'),
        # Apple Notes and Pages
        ('<style type="text/css">p.p1 {text-align: center}\nspan.s1 {font-weight: bold}</style>'
         '<p class="p1"><span class="s1">Đậm</span></p><div class="p1"><b class="s1">x</b></div>',
         '<p class="align-center"><strong>Đậm</strong></p><p><b>x</b></p>'),
        # Word, saved as a page
        ("<style>p.MsoTitle, li.MsoTitle, div.MsoTitle {margin:0; "
         "text-align:center}</style><p class=MsoTitle>A</p>",
         '<p class="align-center">A</p>'),
        ("<style>h2{text-align:center}</style><h2>a</h2>", '<h2 class="align-center">a</h2>'),
        ("<style>.c1{font-weight:700}</style><p class=c1 "
         "style='font-weight:normal'>a</p>", "<p>a</p>"),
        ("<style>.c1{font-weight:400}</style><b>a<span class=c1>b</span></b>", "<b>a</b>b"),
        ("<style>@import url(x.css);.a{font-weight:bold}</style><i "
         "class=a>a</i>", "<i><strong>a</strong></i>"),
        ("<style>@media print{.a{display:none}.b{display:none}}</style><p class=a>a<i "
         "class=b>b</i></p>",
         "<p>a<i>b</i></p>"),
        ("<style>/* .a{font-weight:bold} */.b "
         ".a{font-weight:bold}.a:hover{font-weight:bold}</style><p class=a>a</p>",
         "<p>a</p>"),
        ("<style>}}{{.a{font-weight:bold}</style><p class=a>a</p>", "<p>a</p>"),
        ("<style>.a{font-weight:bold</style><p class=a>a</p>", "<p>a</p>"),
    ],
)  # fmt: skip
def test_rules_of_a_style_sheet_are_kept(html: str, body: str) -> None:
    assert cleaned(html) == body


def test_text_hidden_by_a_style_sheet_is_left_out_with_a_warning() -> None:
    html = "<style>.x{display:none}</style><p class=x>ẩn</p><p>a</p>"
    assert cleaned(html) == "<p>a</p>"
    assert warnings_of(html) == ["text that the source hides was left out"]


@pytest.mark.parametrize(
    "name",
    ["align-center", "ql-align-center", "has-text-align-center", "aligncenter", "text-center"],
)
def test_alignment_classes_of_editors_are_kept(name: str) -> None:
    assert cleaned(f'<p class="x {name}">a</p>') == '<p class="align-center">a</p>'
    assert cleaned(f'<p class="{name.replace("center", "right")}">a</p>') == (
        "<p>a</p>"
        if name == "aligncenter"
        else '<p class="align-right">a</p>'  # `alignright` moves a box, not its text
    )


@pytest.mark.parametrize(
    ("figure", "kept"),
    [
        ('<figure style="text-align:center">', "align-center"),
        ("<figure align=right>", "align-right"),
        ('<figure class="wp-block-image aligncenter size-large">', "align-center"),
        ('<figure class="wp-block-image alignright">', "align-right"),
        ('<figure class="image image-style-align-right">', "align-right"),
        ('<figure class="image image-style-side">', "align-right"),
        ("<center><figure>", "align-center"),
    ],
)
def test_the_alignment_of_a_figure_is_kept(figure: str, kept: str) -> None:
    html = f"{figure}<img src=/a.jpg alt=a><figcaption>Chú thích</figcaption></figure>"
    assert cleaned(html) == (
        f'<figure class="{kept}"><img src="/a.jpg" alt="a" '
        'loading="lazy"><figcaption>Chú thích</figcaption></figure>'
    )


@pytest.mark.parametrize(
    ("html", "body"),
    [
        ("<table "
         "align=center><tr><td>1</table>", "<table><tbody><tr><td>1</td></tr></tbody></table>"),
        ("<table><tr align=center><td>1</table>",
         '<table><tbody><tr><td class="align-center">1</td></tr></tbody></table>'),
        ("<table><tr><td><div align=center>x</div>y</table>",
         '<table><tbody><tr><td><p class="align-center">x</p><p>y</p></td></tr></tbody></table>'),
        ("<ul><li><center>x</center></ul>", '<ul><li><p class="align-center">x</p></li></ul>'),
    ],
)  # fmt: skip
def test_alignment_applies_to_text_and_not_to_tables(html: str, body: str) -> None:
    assert cleaned(html) == body


# ── symbols ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("html", "body"),
    [
        ("<p>A <span style='font-family:Wingdings'>à</span> B</p>", "<p>A → B</p>"),
        ('<p><font face="Wingdings">J</font></p>', "<p>☺</p>"),
        ("<p><span style='font-family:\"Symbol\";mso-char-type:symbol'>a</span> = "
         "5</p>", "<p>α = 5</p>"),
        ("<p style='font:12pt Symbol'>³</p>", "<p>≥</p>"),
        ("<p style='mso-list:l0 level1 lfo1'><span style='font-family:Wingdings;mso-list:Ignore'>Ø"
         "<span style=\"font:7.0pt 'Times New "
         "Roman'\">&nbsp;</span></span>Mục</p>", "<p>➢&nbsp;Mục</p>"),
        ("<p>&#61623; một &#xF0D8; hai \uf0fc</p>", "<p>• một ➢ hai ✓</p>"),
        ("<p style='font-family:Symbol'>Đoạn văn dài</p>", "<p>Đoạn văn dài</p>"),
        ("<p style='font-family:Symbol'><span style='font-family:Arial'>a</span></p>", "<p>a</p>"),
        ("<p style='font-family:Arial, Symbol'>a</p>", "<p>a</p>"),
        ("<p>à J Ø</p>", "<p>à J Ø</p>"),
    ],
)  # fmt: skip
def test_characters_of_symbol_fonts_become_unicode(html: str, body: str) -> None:
    assert cleaned(html) == body
    assert warnings_of(html) == []


def test_an_unknown_symbol_raises_a_warning() -> None:
    assert warnings_of("<p>a\uf041</p>") == [
        "U+F041 has a shape in one font only: readers see an empty box"
    ]
    assert warnings_of("<p><font face='Wingdings 2'>P</font></p>")[0].startswith(
        "the font wingdings 2 is not kept"
    )


@pytest.mark.parametrize(
    ("html", "body"),
    [
        ('<img height="16" width="16" alt="❤️" src="https://static.xx.fbcdn.net/e.png">', "❤️"),
        ('<img class="emoji" alt="🏴\U000e0067\U000e0062\U000e007f" src="https://s.w.org/x.svg">',
         "🏴\U000e0067\U000e0062\U000e007f"),
        ('<img data-emoji="👨\u200d👩\u200d👧" alt="" '
         'src="https://fonts.gstatic.com/1.png">', "👨\u200d👩\u200d👧"),
        ('<img class="emoji" alt="1️⃣" src="/x.png">', '1️⃣'),
    ],
)  # fmt: skip
def test_a_picture_of_an_emoji_becomes_the_emoji(html: str, body: str) -> None:
    assert cleaned(f"<p>a {html} b</p>") == f"<p>a {body} b</p>"
    assert warnings_of(html) == []


@pytest.mark.parametrize("alt", ["😀 Cầu", "★" * 20, "Cờ", "a", ""])
def test_other_pictures_stay_pictures(alt: str) -> None:
    assert "<img" in cleaned(f'<img class="emoji" width=16 height=16 alt="{alt}" src=/a.jpg>')
    assert "<img" in cleaned('<img alt="★" src=/sao.png width=600 height=400>')


# ── lists ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("html", "body"),
    [
        ('<ol style="list-style-type:disc"><li>a</ol>', "<ul><li>a</li></ul>"),
        ('<ol style="list-style:none"><li>1. a</ol>', "<ul><li>1. a</li></ul>"),
        ('<ul style="list-style-type:decimal"><li>a</ul>', "<ol><li>a</li></ol>"),
        ('<ol><li '
         # Google Docs
         'style="list-style-type:lower-alpha">a</ol>', '<ol type="a"><li>a</li></ol>'),
        ('<ol start="3"><li '
         'style="list-style-type:decimal">a</ol>', '<ol start="3"><li>a</li></ol>'),
        # Quill
        ('<ol><li data-list="bullet"><span class="ql-ui"></span>a</li><li '
         'data-list="bullet">b</li></ol>',
         "<ul><li>a</li><li>b</li></ul>"),
        ('<ol><li data-list="bullet">a</li><li data-list="ordered">b</li><li '
         'data-list="ordered">c</li></ol>d',
         "<ul><li>a</li></ul><ol><li>b</li><li>c</li></ol><p>d</p>"),
        # Google Docs, Word for the web
        ("<ul><li>1</li><ul><li>1.1</li></ul><li>2</li></ul>",
         "<ul><li>1<ul><li>1.1</li></ul></li><li>2</li></ul>"),
        ("<ol><li>1</li> <ol><li>2</li><ol><li>3</li></ol></ol><ul><li>4</ul></ol>z",
         "<ol><li>1<ol><li>2<ol><li>3</li></ol></li></ol><ul><li>4</li></ul></li></ol><p>z</p>"),
        ("<ul><ul><li>a</li></ul></ul>", "<ul><ul><li>a</li></ul></ul>"),
        ("<ul><p>a</p><li>b</li></ul>", "<ul><li>a</li><li>b</li></ul>"),
    ],
)  # fmt: skip
def test_lists_keep_their_kind_and_nesting(html: str, body: str) -> None:
    assert cleaned(html) == body


def test_links_into_a_nested_list_stay() -> None:
    html = "<ul><li id=q>a</li><ul id=w><li>b</ul></ul><a href=#q>1</a><a href=#w>2</a>"
    assert warnings_of(html) == []
    assert cleaned(html).startswith(
        '<ul><li id="body-q">a<ul id="body-w"><li>b</li></ul></li></ul>'
    )


# ── lines, languages, directions ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("html", "body"),
    [
        ('<p style="white-space:pre-wrap">Câu một\nCâu hai</p>', "<p>Câu một<br>Câu hai</p>"),
        ('<div style="white-space: pre-line"><span>a\n</span>b</div>', "<p>a<br>b</p>"),
        ('<p style="white-space:pre">a\n b  c</p>', "<p>a<br>&nbsp;b&nbsp; c</p>"),
        ('<div style="white-space:pre-wrap">\n<p>a</p>\n<p>b</p>\n</div>', "<p>a</p><p>b</p>"),
        (
            '<p style="white-space:pre-wrap">a<span style="white-space:normal">b\nc</span></p>',
            "<p>ab\nc</p>",
        ),
        ('<pre style="white-space:pre-wrap">a\nb</pre>', "<pre>a\nb</pre>"),
        ("<p>a\nb</p>", "<p>a\nb</p>"),
    ],
)
def test_visible_line_ends_are_kept(html: str, body: str) -> None:
    assert cleaned(html) == body


@pytest.mark.parametrize(
    ("html", "body"),
    [
        ('<div dir="rtl" lang="ar"><p>أ</p><p lang="vi">a</p><ul><li>x</ul></div><p>b',
         '<p lang="ar" dir="rtl">أ</p><p lang="vi" dir="rtl">a</p><ul lang="ar" '
         'dir="rtl"><li>x</li></ul><p>b</p>'),
        ('<section lang="en">Hello</section>', '<p lang="en">Hello</p>'),
        ('<div dir="rtl">أ<div dir="ltr">a</div></div>', '<p dir="rtl">أ</p><p dir="ltr">a</p>'),
        ('<p style="direction:rtl">أ</p>', '<p dir="rtl">أ</p>'),
        ('<p class="ql-direction-rtl '
         'ql-align-right">أ</p>', '<p dir="rtl" class="align-right">أ</p>'),
        ("<bdo dir=rtl>abc</bdo> <bdi>أ</bdi>", '<bdo dir="rtl">abc</bdo> <bdi>أ</bdi>'),
        # what Word, Facebook and Gmail write around everything
        ('<body lang="EN-US"><div dir="ltr">a</div><div '
         'dir="auto">b</div></body>', "<p>a</p><p>b</p>"),
        ('<html dir="rtl"><body>أ</body></html>', '<p dir="rtl">أ</p>'),
    ],
)  # fmt: skip
def test_language_and_direction_of_a_block_go_to_its_paragraphs(html: str, body: str) -> None:
    assert cleaned(html) == body


@pytest.mark.parametrize(
    ("html", "body"),
    [
        ("<q>một <q>hai</q></q>", "<q>một <q>hai</q></q>"),
        (
            "x<sup>2<sup>n</sup></sup> a<sub>i<sub>j</sub></sub>",
            "x<sup>2<sup>n</sup></sup> a<sub>i<sub>j</sub></sub>",
        ),
        ('<dfn title="Tổng sản phẩm">GDP</dfn>', '<dfn title="Tổng sản phẩm">GDP</dfn>'),
    ],
)
def test_elements_nested_in_the_same_element_are_kept(html: str, body: str) -> None:
    assert cleaned(html) == body


# ── warnings ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("html", "message"),
    [
        ('a<a href="">b</a>', "a link was taken off: '' is no address that a reader can follow"),
        ("a<a href>b</a>", "a link was taken off: '' is no address that a reader can follow"),
        ('a<a href="#">b</a>', "a link was taken off: '#' is no address that a reader can follow"),
        ('a<input type="checkbox" checked>b', "<input> was left out"),
        ('a<input value="Chữ">b', "<input> was left out"),
        ("a<meter value=0.6></meter>b", "<meter> was left out: write its figure as text"),
        ("a<progress value=1></progress>b", "<progress> was left out: write its figure as text"),
        ('a<div '
         'style="background-image:url(/nen.jpg)"></div>', "a picture behind the text was left out"),
        ('<table '
         'background="/nen.jpg"><tr><td>a</table>', "a picture behind the text was left out"),
        ("a\x93b\x94", "control characters were taken out: has the text been read in its right "
                       "encoding?"),
        ('[caption id="a"]b[/caption]',
         '[caption id="a"] is published as it stands: only WordPress replaces it'),
        ("a [gallery] b", "[gallery] is published as it stands: only WordPress replaces it"),
    ],
)  # fmt: skip
def test_losses_raise_a_warning(html: str, message: str) -> None:
    assert warnings_of(html) == [message]


@pytest.mark.parametrize(
    ("html", "messages"),
    [
        ("<span style='display:none'></span>", []),
        ("<p hidden><b></b></p>", []),
        ("<noscript></noscript>", []),
        ("<noscript><b>x</b></noscript>", ["text in <noscript> was left out"]),
        ("<p hidden><b>x</b></p>", ["text that the source hides was left out"]),
        (
            "<object></object>",
            ["<object> was left out: it has no address that a reader can follow"],
        ),
    ],
)
def test_text_after_an_element_is_not_taken_for_its_content(html: str, messages: list[str]) -> None:
    assert warnings_of(f"{html}<p>a</p>") == warnings_of(f"<p>a</p>{html}") == messages


@pytest.mark.parametrize(
    "before", ["<noscript></noscript>", "<noscript>x</noscript>", "<object></object>"]
)
def test_a_picture_after_an_element_is_not_taken_for_its_content(before: str) -> None:
    assert cleaned(f'{before}<p><img src="/a.jpg" alt="a"></p>').count("<img") == 1
    html = f'<blockquote class="x-embed" cite="{TIKTOK}">a</blockquote><a href="{TIKTOK}">b</a>'
    assert cleaned(html).count(f'href="{TIKTOK}"') == 2


def test_the_text_around_a_hidden_element_stays() -> None:
    assert cleaned("<p>a</p><div hidden></div><p>b<i hidden>x</i>c</p>") == "<p>a</p><p>bc</p>"


def test_an_embedded_post_gets_a_link() -> None:
    profile = '<a href="https://www.tiktok.com/@a?refer=embed">@a</a>'
    html = (
        '<blockquote class="tiktok-embed" '
        f'cite="{TIKTOK}"><section>{profile}</section></blockquote>'
    )
    assert (
        f'<p><a href="{TIKTOK}" rel="noopener noreferrer">Xem nội dung trên www.tiktok.com</a></p>'
        in cleaned(html)
    )
    assert warnings_of(html) == [f"<blockquote> became a link to {TIKTOK}"]
    linked = (
        f'<blockquote class="tiktok-embed" cite="{TIKTOK}"><a '
        f'href="{TIKTOK}?x=1">Xem</a></blockquote>'
    )
    assert warnings_of(linked) == warnings_of(f'<blockquote cite="{TIKTOK}">a</blockquote>') == []


def test_a_link_gets_no_underline_element() -> None:
    html = (
        '<a href="/x" style="text-decoration:underline"><span '
        'style="text-decoration:underline">a</span></a>'
    )
    assert cleaned(html) == '<a href="/x" rel="noopener noreferrer">a</a>'


@pytest.mark.parametrize(
    "html",
    [
        "<p>[Video] Lễ hội</p>",
        "a<input type=hidden>b",
        "<meter>60%</meter>",
        "<p style='background:red'>a</p>",
    ],
)
def test_markup_without_a_loss_raises_no_warning(html: str) -> None:
    assert warnings_of(html) == []


@pytest.mark.parametrize("tag", ["svg", "math", "select", "textarea", "input", "canvas"])
def test_a_link_to_an_element_that_was_left_out_leads_to_the_next_block(tag: str) -> None:
    body = cleaned(f'<p>a <a href="#x">b</a></p><{tag} id="x"></{tag}><p>c</p>')
    assert body.endswith('<p id="body-x">c</p>')


def test_a_video_keeps_its_id() -> None:
    body = cleaned('<p><a href="#x">b</a> <video id="x" src="https://x.vn/a.mp4"></video></p>')
    assert body.endswith(
        '<video controls="" preload="none" src="https://x.vn/a.mp4" id="body-x"></video></p>'
    )
