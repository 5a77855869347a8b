"""Cleaning bodies in tests, and reading the result."""

from typing import Any

from lxml import html as lxml_html

from services.ingest.articles.body.clean import clean

PAGE = "https://www.example.org/thoi-su/bai-a1.html"


EMPTY = "must not be empty: nothing is left of it once it is cleaned"


def cleaned(html: str) -> str:
    """The cleaned body; "" if it is refused because nothing is left of it."""
    try:
        return clean(html, PAGE).html
    except ValueError as error:
        if str(error) != EMPTY:
            raise
        return ""


BLOCKS = (
    "address article aside blockquote body center details dialog div dl fieldset figure footer "
    "form h1 h2 h3 h4 h5 h6 header hgroup html legend main menu nav ol p pre search section "
    "summary ul listing dir optgroup option figcaption li dt dd"
).split()


BORDERS = frozenset(
    "p h2 h3 h4 h5 h6 pre ul ol li dl dt dd blockquote figure figcaption table caption thead "
    "tbody tfoot tr td th hr".split()
)


def texts(html: str) -> list[str]:
    """The text of HTML, split at the borders of its blocks."""
    pieces = [""]

    def visit(element: Any) -> None:
        border = element.tag in BORDERS
        if border:
            pieces.append("")
        pieces[-1] += element.text or ""
        for child in element:
            visit(child)
            pieces[-1] += child.tail or ""
        if border:
            pieces.append("")

    visit(lxml_html.fragment_fromstring(f"<div>{html}</div>"))
    return [" ".join(piece.split()) for piece in pieces if piece.strip()]
