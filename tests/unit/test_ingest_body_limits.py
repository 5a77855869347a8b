"""What is refused before it is parsed: markup that costs a parser more than it is long."""

import pytest

from services.ingest.articles.body.clean import clean
from services.ingest.articles.body.limits import TooMuch
from services.ingest.articles.body.prepare import prepare

PAGE = "https://www.example.org/thoi-su/bai-a1.html"


def each(html: str) -> str:
    """1,000 times, each with another attribute: equal elements are made anew only three times."""
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
def test_what_articles_have_is_let_through(html: str) -> None:
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
def test_sloppy_markup_that_costs_nothing_is_let_through(html: str) -> None:
    assert prepare(html)


@pytest.mark.parametrize("name", ["iframe", "script", "style", "textarea", "title"])
def test_an_empty_element_of_xhtml_does_not_swallow_the_article(name: str) -> None:
    assert (
        clean(f"<p>a</p><{name}/><p>b</p><{name} title='x' /><p>c</p>", PAGE).html
        == "<p>a</p><p>b</p><p>c</p>"
    )


def test_a_section_of_xml_hides_no_tags() -> None:
    hidden = "<svg><![CDATA[> <a title=']]>" + each("<p><b a={}>x") + "'>x</a></svg>y"
    with pytest.raises(TooMuch):
        clean(hidden, PAGE)
    assert clean("<svg><![CDATA[> <a title=']]></svg>y", PAGE).html == "y"


def test_what_is_no_markup_is_text_as_it_stands() -> None:
    body = clean("<xmp><b>&amp;</xmp><![CDATA[a < <i>b</i>]]>c", PAGE).html
    assert body == "<pre>&lt;b&gt;&amp;amp;</pre><p>a &lt; &lt;i&gt;b&lt;/i&gt;c</p>"


def test_what_browsers_without_frames_show_is_markup() -> None:
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
def test_text_behind_what_is_never_closed_is_not_left_out_in_silence(end: str, what: str) -> None:
    body = clean(f"<p>a</p>{end}", PAGE)
    assert body.html == "<p>a</p>"
    message = f"{what} is never closed: the text after it was left out"
    assert message in [warned.message for warned in body.warnings]


@pytest.mark.parametrize(
    "closed", ["<!-- x -->", "<!-- x --!>", "<!-->", "<!--->", "<style>p{}</style>", "<b>x</b", ""]
)
def test_what_is_closed_raises_no_warning(closed: str) -> None:
    assert clean(f"<p>a</p>{closed}", PAGE).warnings == ()


@pytest.mark.parametrize("address", ["https://", "//", "http:///?q", "https:\\\\"])
def test_a_link_without_a_host_is_taken_off(address: str) -> None:
    body = clean(f'<a href="{address}">y</a>', PAGE)
    assert (body.html, len(body.warnings)) == ("y", 1)


def test_a_font_that_says_something_is_kept() -> None:
    html = '<font lang="en">a<font color="red">b</font></font>'
    assert prepare(html) == '<font lang="en">a<span color="red">b</span></font>'
    assert clean(html, PAGE).html == '<span lang="en">ab</span>'


@pytest.mark.parametrize("depth", [100, 3000])
def test_depth_alone_is_harmless(depth: int) -> None:
    assert clean("<blockquote>" * depth + "x", PAGE).html.count("<blockquote>") == min(depth, 60)
    assert clean("<span>" * depth + "x" + "</span>" * depth, PAGE).html == "x"
