"""The cleaning of bodies, over generated HTML and large documents."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html as lxml_html

from services.ingest.articles.body.clean import clean
from tests.support.bodies import BLOCKS, PAGE, cleaned, texts

PIECES = [
    "<script>", "</script>", "<svg>", "</svg>", "<math>", "<style>", "</style>", "<table>", "<td>",
    "<caption>", "<p>",
    "</p>", "<b>", "<!--", "-->", "<![CDATA[", "]]>", '<img src="', "x", '" onerror="', "alert(1)",
    '">', "'", "<a ",
    'href="', "javascript:", "java&#9;script:", "&#106;", "data:", ">", "<", "=", " ", "/", "&",
    "&lt;", "\0", "\u0338",
    "<noscript>", "<template>", "<iframe ", "srcdoc=", "<title>", "<textarea>", "<mglyph>",
    "<mtext>", "<select>",
]  # fmt: skip


TAGS = set(
    "div a abbr b blockquote br caption cite code col colgroup dd del dfn dl dt em figcaption "
    "figure h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q s samp small strong sub sup "
    "table tbody td tfoot th thead time tr u ul var".split()
)


ATTRIBUTES = set(("lang dir href title hreflang rel cite span src alt width height loading "
                  "start reversed").split()) | {
    "colspan", "rowspan", "headers", "scope", "datetime"
}  # fmt: skip


@settings(max_examples=100)
@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
def test_no_mixture_of_pieces_leaves_anything_that_runs(pieces: str) -> None:
    clean = cleaned(pieces)
    assert "\0" not in clean
    # As a browser would meet it, between other elements.
    for element in lxml_html.fragment_fromstring(f"<div>{clean}</div>").iter():
        assert element.tag in TAGS
        assert set(element.attrib) <= ATTRIBUTES
        for address in ("href", "src", "cite"):
            scheme, colon, _ = element.get(address, "").partition(":")
            assert not colon or scheme in {"http", "https", "mailto", "tel"} or not scheme.isalpha()


@settings(max_examples=50)
@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
def test_cleaning_is_idempotent(pieces: str) -> None:
    clean = cleaned(pieces)
    assert cleaned(clean) == clean


ENDED_BY_ITS_LIKE = ["h1 h2 h3 h4 h5 h6".split(), ["li"], ["dt", "dd"], ["option", "optgroup"]]
"""Elements that a parser ends at the start of the next one, before their own end tag."""


LEAVES = st.sampled_from(
    ["một", "hai ba", " bốn ", "<b>năm</b>", "<i>sáu</i> bảy", "&amp;", "đ<u>ư</u>ờng"]
)


TREES = st.recursive(
    LEAVES,
    lambda inner: st.tuples(
        st.sampled_from([*BLOCKS, "span", "b", "a", "section"]), st.lists(inner, max_size=4)
    ),
    max_leaves=25,
)


def valid(tree: Any, above: frozenset[str] = frozenset()) -> Any:
    """The tree without elements that would end an element around them."""
    if isinstance(tree, str):
        return tree
    tag, children = tree
    tag = "div" if tag in above else tag
    likes = frozenset(like for kind in ENDED_BY_ITS_LIKE if tag in kind for like in kind)
    return tag, [valid(child, above | likes) for child in children]


def source(tree: Any) -> str:
    if isinstance(tree, str):
        return tree
    tag, children = tree
    return f"<{tag}>{''.join(map(source, children))}</{tag}>"


def expected(tree: Any) -> list[str]:
    """The text of a tree, split at the borders of its blocks."""
    pieces = [""]

    def visit(node: Any) -> None:
        if isinstance(node, str):
            pieces[-1] += lxml_html.fragment_fromstring(f"<i>{node}</i>").text_content()
            return
        tag, children = node
        if tag in BLOCKS:
            pieces.append("")
        for child in children:
            visit(child)
        if tag in BLOCKS:
            pieces.append("")

    visit(tree)
    return [" ".join(piece.split()) for piece in pieces if piece.strip()]


@settings(max_examples=40)
@given(st.lists(TREES, min_size=1, max_size=4))
def test_the_text_between_borders_is_that_of_the_source(trees: list[Any]) -> None:
    trees = [valid(tree) for tree in trees]
    html = "".join(map(source, trees))
    assert texts(cleaned(html)) == expected(("span", trees))


def test_large_documents_are_accepted() -> None:
    row = "<tr>" + "<td>1.000</td>" * 8 + "</tr>"
    assert cleaned(f"<table>{row * 1200}</table>").count("<td>1.000</td>") == 9600
    notes = "".join(f'<p>x<sup><a href="#n{i}" id="r{i}">{i}</a></sup></p>' for i in range(3000))
    notes += (
        "<ol>"
        + "".join(f'<li id="n{i}">y <a href="#r{i}">z</a></li>' for i in range(3000))
        + "</ol>"
    )
    assert clean(notes, PAGE).warnings == ()
    assert cleaned("<p>" + "c&acirc;u " * 55_000) == "<p>" + "câu " * 55_000 + "</p>"
