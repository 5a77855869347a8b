"""Limits on the cost of parsing a body, which are checked before it is parsed."""

import pytest

from services.ingest.articles.body.clean import clean
from services.ingest.articles.body.limits import TooMuch
from services.ingest.articles.body.prepare import prepare

PAGE = "https://www.example.org/thoi-su/bai-a1.html"


def each(html: str) -> str:
    """`html` 1,000 times with different attributes: a parser copies only three equal elements."""
    return "".join(html.format(number) for number in range(1000))


@pytest.mark.parametrize(
    "html",
    [
        "<p>Một <b>hai</b> ba</p>" * 2000,
        "<p>không đóng" * 5000,
        "<ul>" + "<li>mục" * 5000 + "</ul>",
        "<table>" + "<tr><td>1<td>2" * 3000 + "</table>",
        "<blockquote>" * 100 + "sâu",
        "<div>" * 1000 + "sâu",
        "<p><a name='m'>x" * 100,
        "<b>" * 50 + "x",
        '<img src="/a.webp" alt="' + "một câu rất dài " * 50 + '">',
        "1 < 2 && 3 > 2",
        "&" * 500_000,
        "<!-- " + "<b>" * 1000 + " -->",
        "",
    ],
)
def test_usual_markup_passes_unchanged(html: str) -> None:
    assert prepare(html) == html


@pytest.mark.parametrize(
    "html",
    [
        "<p><b>Đoạn</p>" * 450,
        "<ul>" + "<li><i>mục</li>" * 460 + "</ul>",
        "<table>" + "<tr>" + "<td><strong>ô</td>" * 450 + "</table>",
        "<table>" + "<tr>" + "".join(f"<td><b a={n}>ô</td>" for n in range(2000)) + "</table>",
        "".join(f"<font color={n}>" for n in range(200)) + "<p>x</p>" * 1000 + "</font>" * 200,
        "<font size=2>" * 10
        + "<table>"
        + ("<tr>" + "<td>1</td>" * 8) * 1200
        + "</table>"
        + "</font>" * 10,
        "<p><font color=red>x" * 2000,
        "<p>x</p><svg>" + '<path d="M0 0"/>' * 10_000 + "</svg>",
    ],
)
def test_sloppy_markup_that_is_cheap_to_parse_passes(html: str) -> None:
    assert prepare(html)


@pytest.mark.parametrize("name", ["iframe", "script", "style", "textarea", "title"])
def test_a_self_closed_element_does_not_swallow_the_text_after_it(name: str) -> None:
    assert (
        clean(f"<p>a</p><{name}/><p>b</p><{name} title='x' /><p>c</p>", PAGE).html
        == "<p>a</p><p>b</p><p>c</p>"
    )


def test_a_cdata_section_hides_no_tags_from_the_limits() -> None:
    hidden = "<svg><![CDATA[> <a title=']]>" + each("<p><b a={}>x") + "'>x</a></svg>y"
    with pytest.raises(TooMuch):
        clean(hidden, PAGE)
    assert clean("<svg><![CDATA[> <a title=']]></svg>y", PAGE).html == "y"


def test_xmp_and_cdata_become_plain_text() -> None:
    body = clean("<xmp><b>&amp;</xmp><![CDATA[a < <i>b</i>]]>c", PAGE).html
    assert body == "<pre>&lt;b&gt;&amp;amp;</pre><p>a &lt; &lt;i&gt;b&lt;/i&gt;c</p>"


def test_the_content_of_noframes_is_kept() -> None:
    assert clean("<noframes><p>a</p></noframes>c", PAGE).html == "<p>a</p><p>c</p>"


@pytest.mark.parametrize(
    ("end", "what"),
    [
        ("<!-- <p>mất</p>", "the comment <!--"),
        ("<style>p{}<p>mất</p>", "<style>"),
        ("<title>t<p>mất</p>", "<title>"),
        ('<p title="x>mất</p><p>mất</p>', "the tag <p"),
        ('</p title="x>mất</p><p>mất</p>', "the tag </p"),
    ],
)
def test_text_lost_after_an_unclosed_element_raises_a_warning(end: str, what: str) -> None:
    body = clean(f"<p>a</p>{end}", PAGE)
    assert body.html == "<p>a</p>"
    message = f"{what} is never closed: the text after it was left out"
    assert message in [warned.message for warned in body.warnings]


@pytest.mark.parametrize(
    "closed", ["<!-- x -->", "<!-- x --!>", "<!-->", "<!--->", "<style>p{}</style>", "<b>x</b", ""]
)
def test_closed_elements_raise_no_warning(closed: str) -> None:
    assert clean(f"<p>a</p>{closed}", PAGE).warnings == ()


@pytest.mark.parametrize("address", ["https://", "//", "http:///?q", "https:\\\\"])
def test_a_link_without_a_host_is_removed(address: str) -> None:
    body = clean(f'<a href="{address}">y</a>', PAGE)
    assert (body.html, len(body.warnings)) == ("y", 1)


def test_a_font_with_a_kept_attribute_is_not_renamed() -> None:
    html = '<font lang="en">a<font color="red">b</font></font>'
    assert prepare(html) == '<font lang="en">a<span color="red">b</span></font>'
    assert clean(html, PAGE).html == '<span lang="en">ab</span>'


@pytest.mark.parametrize("depth", [100, 3000])
def test_deep_nesting_is_accepted(depth: int) -> None:
    assert clean("<blockquote>" * depth + "x", PAGE).html.count("<blockquote>") == min(depth, 60)
    assert clean("<span>" * depth + "x" + "</span>" * depth, PAGE).html == "x"
