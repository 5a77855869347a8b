"""What a page adds to an article's body: a table of contents, and frames around wide tables. Pure.

Bodies are read tag by tag: ingest has sanitised them, and quotes in attributes are escaped.
"""

import re
from dataclasses import dataclass
from html import unescape

from markupsafe import Markup

_ATTRIBUTES = r"(?:[^>\"]|\"[^\"]*\")*"
_HEADING = re.compile(
    rf"<(h[23])((?: {_ATTRIBUTES})?)>((?:[^<]|<(?!/h[23]>){_ATTRIBUTES}>)*)</\1>"
    rf"|<{_ATTRIBUTES}>"
)
"""A heading, or another tag: what looks like a heading in an attribute of it is none."""
_ID = re.compile(r' id="([^"]*)"')
_TAG = re.compile(r"<(?:[^>\"]|\"[^\"]*\")*>")
LEAST_HEADINGS, LEAST_TEXT = 3, 3000
"""An article with so many headings and characters has a table of contents."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A line of the table of contents. `level` is 2 or 3."""

    id: str
    level: int
    text: str


def with_contents(body_html: str) -> tuple[str, list[Heading]]:
    """The body whose headings have ids, and its table of contents; without one if it is short."""
    if body_html.count("<h2") + body_html.count("<h3") < LEAST_HEADINGS:
        return body_html, []
    if len(_TAG.sub("", body_html)) < LEAST_TEXT:
        return body_html, []
    found: list[Heading] = []

    def named(match: re.Match[str]) -> str:
        name, attributes, content = match.groups()
        if name is None:
            return match[0]
        text = " ".join(unescape(_TAG.sub("", content)).split())
        if not text:
            return match[0]
        held = _ID.search(attributes)
        # No id of a body is `muc-…`: ingest begins them with `body-`.
        id = held[1] if held else f"muc-{len(found) + 1}"
        found.append(Heading(unescape(id), int(name[1]), text))
        return match[0] if held else f'<{name} id="{id}"{attributes}>{content}</{name}>'

    body = _HEADING.sub(named, body_html)
    return (body, found) if len(found) >= LEAST_HEADINGS else (body_html, [])


def in_markup(html: str) -> Markup:
    """HTML that ingest has sanitised, for a template."""
    return Markup(html)  # noqa: S704
