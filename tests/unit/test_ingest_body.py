"""The body that is published for an editor's HTML: what is kept, rewritten and removed."""

from pathlib import Path
from typing import Any

import pytest
from lxml import html as lxml_html

from services.ingest.articles.body.clean import clean
from services.ingest.articles.body.links import absolute
from tests.support.bodies import BLOCKS, PAGE, cleaned, texts

CASES = Path(__file__).parents[1] / "cases/bodies"


def warnings(html: str) -> list[str]:
    """The messages of the warnings for the editor."""
    body = clean(html, PAGE)
    assert {warned.path for warned in body.warnings} <= {"body_html"}
    return [warned.message for warned in body.warnings]


DECOMPOSED = "Đu\u031bo\u031b\u0300ng vê\u0300"
COMPOSED = "Đường về"


# ── HTML
# ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "kept",
    [
        "<h2>Mục</h2><p>Chữ <strong>đậm</strong>, <em>nghiêng</em> &amp; H<sub>2</sub>O</p>",
        '<ol reversed="" start="3"><li>a</li></ol><ul><li>b</li></ul>',
        '<table><caption>Bảng</caption><tbody><tr><th scope="row">a</th><td '
        'colspan="2">b</td></tr></tbody></table>',
        '<blockquote cite="https://e.vn/x">a</blockquote><p><time '
        'datetime="2026-11-23">hôm nay</time></p>',
        '<p lang="en" dir="ltr">Hello</p>',
    ],
)
def test_usual_markup_is_kept_unchanged(kept: str) -> None:
    assert cleaned(kept) == kept


@pytest.mark.parametrize(
    ("given_html", "clean"),
    [
        ('<a href="/kinh-te/">a</a>', '<a href="/kinh-te/" rel="noopener noreferrer">a</a>'),
        (
            '<a href="mailto:a@e.vn">a</a>',
            '<a href="mailto:a@e.vn" rel="noopener noreferrer">a</a>',
        ),
        ('<img src="/a.webp" alt="A">', '<img src="/a.webp" alt="A" loading="lazy">'),
        ("<p class=x style=color:red id=y data-z=1>a</p>", '<p id="body-y">a</p>'),
        ("<h1>Tiêu đề</h1>", "<h2>Tiêu đề</h2>"),
        ("<p>a<p>b", "<p>a</p><p>b</p>"),
        (" <!-- ghi chú --> a ", "a"),
        ("<p>a\0reads\0b\x1b</p>", "<p>areadsb</p>"),
        ("<p>&#0;</p>", "<p>\ufffd</p>"),
        (f"<p>{DECOMPOSED}</p>", f"<p>{COMPOSED}</p>"),
    ],
)
def test_markup_is_rewritten(given_html: str, clean: str) -> None:
    assert cleaned(given_html) == clean


@pytest.mark.parametrize(
    ("hostile", "clean"),
    [
        ("<script>alert(1)</script>", ""),
        ("<scr<script>ipt>alert(1)</script>", "ipt&gt;alert(1)"),
        ("<SCRIPT SRC=//e.vn/x.js></SCRIPT>a", "a"),
        ("<img src=x onerror=alert(1)>", '<img src="/thoi-su/x" alt="" loading="lazy">'),
        ("<img/src=x/onerror=alert(1)//", ""),
        ("<p onclick=alert(1) onmouseover='x'>a</p>", "<p>a</p>"),
        ("<a href=javascript:alert(1)>a</a>", "a"),
        ("<a href='jAvA\tsc\nript:alert(1)'>a</a>", "a"),
        ("<a href='&#1;javascript:alert(1)'>a</a>", "a"),
        ("<a href='\x01javascript:alert(1)'>a</a>", "a"),
        ("<a href='java\0script:alert(1)'>a</a>", "a"),
        ("<a href='data:text/html,<script>1</script>'>a</a>", "a"),
        ("<a href='vbscript:x'>a</a>", "a"),
        (
            "<a href=/x target=_blank ping=//e.vn>a</a>",
            '<a href="/x" rel="noopener noreferrer">a</a>',
        ),
        ("<img src='data:image/svg+xml,<svg onload=alert(1)>'>", ""),
        ("<img srcset='//e.vn/x 2x' src=/a>", '<img src="/a" alt="" loading="lazy">'),
        ("<svg onload=alert(1)><script>alert(1)</script></svg>", ""),
        ("<svg><style><img src=x onerror=alert(1)></style></svg>", ""),
        ("<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>", ""),
        ("<noscript><p title='</noscript><img src=x onerror=alert(1)>'>", ""),
        ("<iframe srcdoc='<script>1</script>'>x</iframe>a", "a"),
        ("<object data=data:x><embed src=javascript:y></object>a", "a"),
        ("<style>*{background:url(//e.vn)}</style>a", "a"),
        ("<form action=//e.vn><input name=a><button>b</button></form>", "<p>b</p>"),
        ("<textarea><script>alert(1)</script></textarea>", ""),
        ("<title><script>alert(1)</script></title>", ""),
        (
            "<xmp><script>alert(1)</script></xmp>",
            "<pre>&lt;script&gt;alert(1)&lt;/script&gt;</pre>",
        ),
        ("<template><script>alert(1)</script></template>", ""),
        ("<base href=//e.vn><meta http-equiv=refresh content=0><link rel=stylesheet href=x>a", "a"),
        ("<video src=data:x onerror=alert(1)></video><audio autoplay></audio>a", "a"),
        ("<x-own onload=alert(1)>a</x-own>", "a"),
        ("<body onload=alert(1)>a", "<p>a</p>"),
        ("</div></article><p>a", "<p>a</p>"),
        ("<![CDATA[<script>alert(1)</script>]]>a", "&lt;script&gt;alert(1)&lt;/script&gt;a"),
        ('<p title="\'><script>">a</p>', "<p>a</p>"),
    ],
)
def test_dangerous_markup_is_removed(hostile: str, clean: str) -> None:
    assert cleaned(hostile) == clean


def test_a_combining_stroke_after_a_tag_leaves_the_tag_intact() -> None:
    assert cleaned("<p>\u0338a</p>") == "<p>\u0338a</p>"


LINK = '<a href="/x" rel="noopener noreferrer">'

# ── blocks
# ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("given_html", "clean"),
    [
        ("<div>Sáng</div><div>Chiều</div>", "<p>Sáng</p><p>Chiều</p>"),
        ("<div>Một</div><div><br></div><div>Hai</div>", "<p>Một</p><p>Hai</p>"),
        ("Một<div>hai</div>ba", "<p>Một</p><p>hai</p><p>ba</p>"),
        ("<h1>Kết luận</h1>Hội nghị", "<h2>Kết luận</h2><p>Hội nghị</p>"),
        ("<td>a</td><td>b</td>", "<p>a</p><p>b</p>"),
        ("<li>a</li><li>b</li>", "<p>a</p><p>b</p>"),
        ("<form>a<form>b</form></form>", "<p>a</p><p>b</p>"),
        ("<html><body>a<body>b", "<p>a</p><p>b</p>"),
        ("<menu><li>a</menu><dir><li>b</dir>", "<ul><li>a</li></ul><ul><li>b</li></ul>"),
        ("<details><summary>a</summary>b</details>", "<p>a</p><p>b</p>"),
        ("<b><div>a</div><div>b</div></b>", "<p><b>a</b></p><p><b>b</b></p>"),
        ('<a href="/x"><div>a</div><div>b</div></a>', f"<p>{LINK}a</a></p><p>{LINK}b</a></p>"),
        ("<h2><div>a</div><div>b</div></h2>", "<h2>a</h2><h2>b</h2>"),
        ("<pre>a\n b<div>c</div></pre>", "<pre>a\n b</pre><pre>c</pre>"),
        ("<plaintext>a<p>b", "<pre>a</pre><pre>b</pre>"),
        ("<td><div>a</div><div>b</div>", "<p>a</p><p>b</p>"),
        (
            "<table><tr><td><div>a</div><div>b</div>",
            "<table><tbody><tr><td><p>a</p><p>b</p></td></tr></tbody></table>",
        ),
        ("<ul><li>a<ul><li>b</ul></ul>", "<ul><li>a<ul><li>b</li></ul></li></ul>"),
        ("<ul>a<li>b</ul>", "<ul><li>a</li><li>b</li></ul>"),
        ("<p>&nbsp;</p><p>a</p>", "<p>&nbsp;</p><p>a</p>"),
        (
            "<center>a<p>b</p></center>",
            '<p class="align-center">a</p><p class="align-center">b</p>',
        ),
        ('<p style="TEXT-ALIGN: right">a', '<p class="align-right">a</p>'),
        ('<h2 align="center">a</h2>', '<h2 class="align-center">a</h2>'),
        ('<div style="text-align:center"><p style="text-align:left">a', "<p>a</p>"),
        (
            "<table><tr><td align=right>1",
            '<table><tbody><tr><td class="align-right">1</td></tr></tbody></table>',
        ),
    ],
)
def test_blocks_become_separate_paragraphs(given_html: str, clean: str) -> None:
    assert cleaned(given_html) == clean
    assert cleaned(clean) == clean


@pytest.mark.parametrize(
    "block", [*BLOCKS, *"caption col td th tr tbody thead tfoot xmp plaintext".split()]
)
def test_text_before_in_and_after_a_block_stays_separate(block: str) -> None:
    around = cleaned(f"trước<{block}>trong</{block}>sau")
    assert texts(around)[0] == "trước"
    assert "".join(texts(around)) == "trướctrongsau"
    assert len(texts(around)) == 3
    assert texts(cleaned(f"<{block}>một</{block}><{block}>hai</{block}>")) == ["một", "hai"]


# ── meaning
# ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("given_html", "clean"),
    [
        ('<b style="font-weight:normal;" id="docs-internal-guid-1"><p><span '
         'style="font-weight:700">a</span> b</p></b>',
         "<p><strong>a</strong> b</p>"),
        ('<b>a<span style="font-weight:400">b</span>c</b>', "<b>a</b>b<b>c</b>"),
        ('<b style="mso-bidi-font-weight:normal">a</b>', "<b>a</b>"),
        ('<span '
         'style="font-style:italic;font-weight:bold">a</span>', "<strong><em>a</em></strong>"),
        ('<i style="font-style:normal">a</i>', "a"),
        ('<span style="text-decoration:underline line-through">a</span>', "<u><s>a</s></u>"),
        ('H<span style="vertical-align:sub">2</span>O', "H<sub>2</sub>O"),
        ('<p style="font-weight:bold">a</p>', "<p><strong>a</strong></p>"),
        ('<font color="red"><font face="x">a</font></font>', "a"),
        ("<span>" * 3000 + "a", "a"),
        ("<big><tt>a</tt></big><strike>b</strike><acronym title=x>c</acronym>",
         '<code>a</code><s>b</s><abbr title="x">c</abbr>'),
        ("<b><b><strong>a</strong></b></b>", "<b><strong>a</strong></b>"),
        ('<span lang="en">a</span>', '<span lang="en">a</span>'),
        ("<p>a<o:p></o:p></p><o:p>b</o:p>", "<p>a</p><p>b</p>"),
        ("<w:WordDocument><w:View>Normal</w:View><w:PunctuationKerning/></w:WordDocument><p>a",
         "<p>a</p>"),
        ("<xml><o:OfficeDocumentSettings><o:AllowPNG/></o:OfficeDocumentSettings></xml><p>a",
         "<p>a</p>"),
        ("<m:mathPr><m:mathFont m:val='Cambria Math'/>x</m:mathPr><p>a", "<p>a</p>"),
        ("<p>a<w:Sdt>b</w:Sdt></p>", "<p>ab</p>"),
        ("<!--[if gte mso 9]><xml>x</xml><![endif]--><p>a", "<p>a</p>"),
        ("<p style='display:none'>ẩn</p><p>a</p>", "<p>a</p>"),
        ("<p hidden>ẩn</p><p>a</p>", "<p>a</p>"),
        ('<p lang="tiếng">a</p>', "<p>a</p>"),
        ('<table><tr><td colspan=0 '
         'rowspan=2>a', '<table><tbody><tr><td rowspan="2">a</td></tr></tbody></table>'),
        ("a" + "\u0301" * 2000 + "b", "á" + "\u0301" * 7 + "b"),
    ],
)  # fmt: skip
def test_the_meaning_of_removed_markup_is_carried_over(given_html: str, clean: str) -> None:
    assert cleaned(given_html).replace("á" + "\u0301" * 8, "á" + "\u0301" * 7) == clean
    assert cleaned(clean) == clean


@pytest.mark.parametrize(
    ("given_html", "clean"),
    [
        ('<p><a href="#a">x</a></p><p id="a">y</p>', '<p>{#body-a}x</a></p><p id="body-a">y</p>'),
        ('<a name="a"></a><h2>y</h2><a '
         'href="#a">x</a>', '<h2 id="body-a">y</h2><p>{#body-a}x</a></p>'),
        ('<a href="#a">x</a>', "x"),
        ('<a href="#">x</a>', "x"),
        ('<a href="#m%E1%BB%A5c">x</a><p '
         'id="mục">y', '<p>{#body-mục}x</a></p><p id="body-mục">y</p>'),
        ('<div id="a"><p id="b">y</p></div><a href="#a">x</a><a href="#b">z</a>',
         '<p id="body-b"><span id="body-a"></span>y</p><p>{#body-a}x</a>{#body-b}z</a></p>'),
        ('<p><a href="#e">x</a></p><a '
         'id="e"></a>', '<p>{#body-e}x</a></p><span id="body-e"></span>'),
        ('<p id="a">x</p><p id="a">y</p>', '<p id="body-a">x</p><p>y</p>'),
        ('<p><a href="#a">x</a></p><p '
         'id="a"><br></p><p>y</p>', '<p>{#body-a}x</a></p><p id="body-a">y</p>'),
        ('<table><tr><th id="t">a<td headers="t">b',
         '<table><tbody><tr><th id="body-t">a</th><td '
         'headers="body-t">b</td></tr></tbody></table>'),
        ('<p><a href="#a">x</a></p><script id="a"></script>', "<p>x</p>"),
    ],
)  # fmt: skip
def test_links_within_a_body_have_their_targets(given_html: str, clean: str) -> None:
    for target in ("body-a", "body-b", "body-e", "body-mục"):
        clean = clean.replace(
            "{#" + target + "}", f'<a href="#{target}" rel="noopener noreferrer">'
        )
    assert cleaned(given_html) == clean
    assert cleaned(clean) == clean


@pytest.mark.parametrize(
    ("given_html", "clean"),
    [
        ('<img data-src="https://x.vn/a.jpg" src="data:x" alt="A">', "https://x.vn/a.jpg"),
        ('<img data-original="/a.jpg" src="https://x.vn/blank.gif" alt="A">', "/a.jpg"),
        (
            '<img srcset="https://x.vn/1.jpg 320w, https://x.vn/2.jpg 1280w" alt="A">',
            "https://x.vn/2.jpg",
        ),
        ('<img data-srcset="/1.jpg 1x,/2.jpg 2x" src="data:x" alt="A">', "/2.jpg"),
        ('<img src="//x.vn/a.jpg" alt="A">', "https://x.vn/a.jpg"),
        ('<img src="\\\\x.vn/a.jpg" alt="A">', "https://x.vn/a.jpg"),
        ('<img src="../a.jpg" alt="A">', "/a.jpg"),
        ('<img src="https://www.example.org/media/a.jpg" alt="A">', "/media/a.jpg"),
        (
            '<img src="https://www.example.org//x.vn/a.jpg" alt="A">',
            "https://www.example.org//x.vn/a.jpg",
        ),
        (
            '<img data-src="data:x" alt="A"><noscript><img src="/a.jpg" alt="A"></noscript>',
            "/a.jpg",
        ),
        (
            '<img data-src="/a.jpg" alt="A"><noscript><img src="/a.jpg" alt="A"></noscript>',
            "/a.jpg",
        ),
    ],
)
def test_a_picture_has_its_real_source(given_html: str, clean: str) -> None:
    assert cleaned(given_html) == f'<img src="{clean}" alt="A" loading="lazy">'


YOUTUBE = (
    '<p><a href="https://www.youtube.com/watch?v=abc" rel="noopener noreferrer">Xem video '
    "trên YouTube</a></p>"
)


@pytest.mark.parametrize(
    ("given_html", "clean"),
    [
        ('<iframe src="https://www.youtube.com/embed/abc?rel=0"></iframe>', YOUTUBE),
        ('<iframe src="//www.youtube-nocookie.com/embed/abc"></iframe>', YOUTUBE),
        ('<iframe data-src="https://www.youtube.com/embed/abc"></iframe>', YOUTUBE),
        ('<figure class="media"><oembed '
         'url="https://www.youtube.com/shorts/abc"></oembed></figure>',
         f"<figure>{YOUTUBE}</figure>"),
        ('<iframe src="https://player.vimeo.com/video/123" title="Lễ hội"></iframe>',
         '<p><a href="https://vimeo.com/123" rel="noopener noreferrer">Lễ hội</a></p>'),
        ('<iframe src="https://www.google.com/maps/embed?pb=1"></iframe>',
         '<p><a href="https://www.google.com/maps/embed?pb=1" rel="noopener noreferrer">'
         "Xem nội dung trên www.google.com</a></p>"),
        ('<object data="/a.pdf"></object>',
         '<p><a href="/a.pdf" rel="noopener noreferrer">Xem nội dung nhúng</a></p>'),
        ('<video autoplay controls src="https://x.vn/a.mp4" poster="/p.jpg" onerror=x></video>',
         '<video controls="" preload="none" src="https://x.vn/a.mp4" poster="/p.jpg"></video>'),
        ('<video><source src="https://x.vn/a.mp4" type="video/mp4"><track src="/v.vtt" '
         'kind="captions">Cũ</video>',
         '<video controls="" preload="none"><source src="https://x.vn/a.mp4" type="video/mp4">'
         '<track src="/v.vtt" kind="captions"></video>'),
        ('<audio src="https://x.vn/a.mp3" autoplay></audio>',
         '<audio controls="" preload="none" src="https://x.vn/a.mp3"></audio>'),
    ],
)  # fmt: skip
def test_an_embed_becomes_a_link_or_a_player(given_html: str, clean: str) -> None:
    assert cleaned(given_html) == clean
    assert cleaned(clean) == clean


@pytest.mark.parametrize(
    "html",
    ["<iframe></iframe>", "<p></p>", "<p>&nbsp;</p>", "<div><br></div>", "<script>1</script>",
     "<!-- x -->", "\u200b",
     '<img src="data:x">', "<style>a{}</style>", "<p hidden>a</p>", '<video '
                                                                    'src="javascript:1"></video>',
     '<a id="x"></a>', "<table><tr><td></table>"],
)  # fmt: skip
def test_a_body_that_is_empty_after_cleaning_is_refused(html: str) -> None:
    with pytest.raises(ValueError, match="must not be empty"):
        clean(html, PAGE)


@pytest.mark.parametrize(
    ("html", "message"),
    [
        (
            '<img src="data:image/png;base64,x" alt="Cầu">a',
            "the picture 'Cầu' was left out: data: is no address",
        ),
        ('<img src="file:///C:/x.jpg">a', "the picture '' was left out: file: is no address"),
        ('<img src="/a.jpg">', "the picture /a.jpg has no alt text"),
        ("<h2>a</h2><h4>b</h4>", "heading levels are skipped: <h4> follows <h2>"),
        ('<p lang="tiếng">a</p>', "lang='tiếng' was taken off"),
        ("<table><tr><td colspan=0>a</table>", "colspan='0' was taken off"),
        ('<a href="javascript:x">a</a>', "a link was taken off: 'javascript:x'"),
        ('<a href="#a">a</a>', "the link to #a was taken off: nothing has that id"),
        ('<iframe src="https://x.vn/e"></iframe>', "<iframe> became a link to https://x.vn/e"),
        ("<svg><text>x</text></svg>a", "<svg> was left out"),
        ("<select><option>x</select>a", "<select> was left out"),
        ("<p hidden>a</p>b", "text that the source hides was left out"),
    ],
)
def test_changes_raise_a_warning(html: str, message: str) -> None:
    [warning] = warnings(html)
    assert warning.startswith(message)


def test_a_good_body_raises_no_warning() -> None:
    good = (
        '<h2>Mục</h2><p>Chữ <a href="/x">a</a></p><figure><img src="/a.jpg" '
        'alt="A"></figure><h3>b</h3><p>c</p>'
    )
    assert warnings(good) == []


def test_warnings_are_bounded() -> None:
    assert len(warnings("".join(f'<a href="#{number}">x</a>' for number in range(1000)))) == 50


# ── recorded bodies
# ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("div_paragraphs", "<p>Sáng nay họp báo</p><p>Chiều nay khánh thành</p>"),
        ("br_in_div", "<p>Một</p><p>Hai</p>"),
        ("h1_then_text", "<h2>Kết luận</h2><p>Hội nghị thống nhất</p>"),
        (
            "google_docs",
            '<p dir="ltr"><strong>Đậm</strong> thường</p><ul><li dir="ltr"><p '
            'dir="ltr">mục</p></li></ul>',
        ),
        ("word_xml_unwrapped", "<p>Nội dung thật</p>"),
        ("word_file_img", "<p>Ảnh</p>"),
        ("base64_img", "<p>Ảnh:</p>"),
        ("lazy_img", '<img src="https://x.vn/that.jpg" alt="" loading="lazy">'),
        ("iframe_only", YOUTUBE),
        ("video", '<video controls="" preload="none"><source src="https://x.vn/a.mp4"></video>'),
        ("span_nested", "x"),
    ],
)
def test_recorded_bodies(name: str, clean: str) -> None:
    assert cleaned((CASES / f"{name}.html").read_text()) == clean


def test_unclosed_elements_are_accepted() -> None:
    assert texts(cleaned((CASES / "a_name_unclosed.html").read_text())) == [
        f"Mục {n}. Nội dung" for n in range(14)
    ]
    unclosed = texts(cleaned((CASES / "div_unclosed.html").read_text()))
    assert unclosed == [f"Đoạn {n}" for n in range(len(unclosed))]
    assert len(unclosed) > 100


def test_footnotes_link_to_each_other() -> None:
    page: Any = lxml_html.fragment_fromstring(
        f"<div>{cleaned((CASES / 'footnotes.html').read_text())}</div>"
    )
    links = [href.removeprefix("#") for href in page.xpath("//a/@href")]
    assert sorted(links) == sorted(page.xpath("//@id")) == ["body-fn1", "body-ref1"]


def test_addresses_become_absolute_for_readers_outside_the_site() -> None:
    body = cleaned(
        '<p title="x">href="/a" <a href="/b?c=&quot;/d">x</a> <a '
        'href="#e">y</a></p><img src="/f.jpg" alt=""">'
    )
    link = '<a href="https://x.vn/b?c=&quot;/d" rel="noopener noreferrer">x</a>'
    assert absolute(body, "https://x.vn/trang") == (
        f'<p>href="/a" {link} y</p><p><img src="https://x.vn/f.jpg" alt="" loading="lazy"></p>'
    )
