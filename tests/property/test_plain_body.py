"""A plain body is published as it would be after the walk through its tree."""

from hypothesis import example, given
from hypothesis import strategies as st

from services.ingest.articles.body.clean import Body, clean, repaired
from services.ingest.articles.body.plain_body import plain_body

PAGE = "https://tin.vn/thoi-su/tin-a1.html"
ORDINARY = "aĐếữ7 .,:;?!–“”\"'()/"
ODD = (
    " \u00a0\u2060\u200d\u00ad\u0301\u0302\u0e48\u0e19\u093f\u0915\u1100\u1161\u115f\u2800\ufffc"
    "\U0001f600\U0001d159\ue000[]=#&;\t\n\x0b\u0338\u2028\u202e🇻"
)


def texts(alphabet: str) -> st.SearchStrategy[str]:
    word = st.text(alphabet, min_size=1, max_size=12)
    return word | st.sampled_from(["&amp;", "&lt;b&gt;", "&nbsp;", "[gallery]", "Tin  tức "])


def blocks(text: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    tag = st.sampled_from(["strong", "em", "b", "i", "u", "s", "p"])
    link = st.sampled_from(["/a.html", "/thoi-su/cau-x1.html", "/a/", "//x", "/a?b=1", "#x", "a"])
    inline = st.one_of(
        text,
        st.builds("<{0}>{1}</{0}>".format, tag, text),
        st.builds('<a href="{}">{}</a>'.format, link, text),
    )
    line = st.lists(inline, max_size=4).map("".join)
    picture = st.builds(
        '<img src="/media/{}.{}" alt="{}">'.format,
        st.sampled_from(["0" * 32, "ab" * 16, "x"]), st.sampled_from(["webp", "svg", "php"]), text,
    )  # fmt: skip
    return st.one_of(
        st.builds("<{0}>{1}</{0}>".format, st.sampled_from(["p", "h2", "h3", "div"]), line),
        st.builds(
            "<{0}>{1}</{0}>".format,
            st.sampled_from(["ul", "ol"]),
            st.lists(line.map("<li>{}</li>".format), max_size=3).map("".join),
        ),
        st.builds("<figure>{}</figure>".format, picture),
        st.builds("<figure>{}<figcaption>{}</figcaption></figure>".format, picture, line),
        st.sampled_from(["\n", " ", "<p>", "</p>", "x"]),
    )


def bodies(alphabet: str) -> st.SearchStrategy[str]:
    return st.lists(blocks(texts(alphabet)), min_size=1, max_size=5).map("".join)


def told(way: str, html: str) -> Body | str:
    try:
        return clean(html, PAGE) if way == "clean" else repaired(html, PAGE)
    except ValueError as error:
        return str(error)


@given(bodies(ORDINARY) | bodies(ORDINARY + ODD))
@example("<p>\u2800</p>")
@example("<p>a</p>\n<p>b</p>\n")
@example("<h2>a</h2><ul><li>b <b>c</b><b>d</b> </li></ul><ol><li>e</li></ol>")
@example('<figure><img src="/media/00000000000000000000000000000000.webp" alt="a b"></figure>')
def test_both_ways_publish_the_same(html: str) -> None:
    assert told("clean", html) == told("repaired", html)


@given(st.text(ORDINARY, min_size=1, max_size=20).filter(lambda text: text[0] != " "))
def test_ordinary_articles_are_plain(text: str) -> None:
    """So the comparison above is not of one way with itself."""
    inline = f'{text}<strong>{text}</strong> {text}<a href="/thoi-su/a-b1.html">{text}</a>{text}'
    html = f"<p>{inline}</p>\n<h2>{text}</h2><ul><li>{inline}</li></ul>"
    assert plain_body(html) == html.replace("\n", "")
    assert told("clean", html) == told("repaired", html)
