"""Bodies that are written as they would be published: found by one expression, in a tenth of the
time that the walk through their tree takes. Pure.

Paragraphs, headings, lists and figures with simple inline elements, as editors' systems send them.
tests/property/test_plain_body.py compares both ways.
"""

import re

from services.ingest.articles.body.characters import has_marks
from shared.base.letters import one_form

MOST_PLAIN = 64 << 10
"""Upper bound for the characters of such a body."""

_TEXT = r"(?:[^<>&\[\n]++|&(?:amp|lt|gt);)"
_BEGUN = rf"(?! ){_TEXT}++"
_PATH = r"/(?:[a-z0-9-]++/)*+[a-z0-9-]++(?:\.html)?"
_INLINE = (
    rf"(?! )(?:{_TEXT}|<(?:strong>{_BEGUN}</strong|em>{_BEGUN}</em|b>{_BEGUN}</b|i>{_BEGUN}</i"
    rf"|a href=\"{_PATH}\">{_BEGUN}</a)>)++"
)
_WORDS = r"[^\s\"<>&\[]++(?: [^\s\"<>&\[]++)*+"
_PICTURE = rf"<img src=\"/media/[0-9a-f]{{32}}\.[a-z]{{3,4}}\" alt=\"{_WORDS}\">"
_ITEMS = rf"(?:<li>{_INLINE}</li>)++"
_PLAIN = re.compile(
    rf"(?:\n*+(?:<p>{_INLINE}</p>|<h2>{_BEGUN}</h2>|<ul>{_ITEMS}</ul>|<ol>{_ITEMS}</ol>"
    rf"|<figure>{_PICTURE}(?:<figcaption>{_BEGUN}</figcaption>)?</figure>))++\n*+"
)


def plain_body(html: str) -> str | None:
    """`html` as the walk would write it; None if it is not plain."""
    if len(html) > MOST_PLAIN or not _PLAIN.fullmatch(html):
        return None
    html = html.replace("\n", "")  # they stand between blocks only
    return html if html.isprintable() and one_form(html) == html and not has_marks(html) else None
