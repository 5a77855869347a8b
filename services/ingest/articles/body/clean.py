"""Makes the body that is published from an editor's HTML: `clean`. Pure."""

import re
from dataclasses import dataclass

from services.ingest.articles.body.characters import (
    composed,
    with_escapes_composed,
    without_controls,
)
from services.ingest.articles.body.editor_warnings import Warned, Warnings
from services.ingest.articles.body.ids import ID_PREFIX
from services.ingest.articles.body.links import Links
from services.ingest.articles.body.plain_body import plain_body
from services.ingest.articles.body.prepare import prepare
from services.ingest.articles.body.sanitiser import has_content, sanitise
from services.ingest.articles.body.sheets import read_sheets
from services.ingest.articles.body.walk import Walker

_SHORTCODE = re.compile(
    r"\[(audio|caption|contact-form-7|embed|et_pb_\w+|gallery|playlist|vc_\w+|video|wp_caption)\s[^][]*=[^][]*\]"
    r"|\[(gallery|embed)\]"
)
"""Text that WordPress replaces, for example with a gallery."""


@dataclass(frozen=True)
class Body:
    """A body as it is stored, and warnings for the editor."""

    html: str
    warnings: tuple[Warned, ...] = ()


def clean(html: str, page: str) -> Body:
    """The body of an article: text, headings, lists, tables, links, pictures and players, without
    anything that runs.

    `page` is the absolute address of the article's page. Relative addresses are resolved against
    it; those on the same site are written from its root. Raises ValueError (`limits.TooMuch`,
    `output.TooLarge`) with a text for the editor if the markup is too costly, or if nothing is left
    of it.
    """
    if (plain := plain_body(html)) and has_content(safe := sanitise(plain)):
        return Body(safe)
    return repaired(html, page)


def repaired(html: str, page: str) -> Body:
    """`clean` for any body: through its tree."""
    warnings = Warnings()
    shown = without_controls(html)
    if len(shown) < len(html):
        warnings.add(
            "control characters were taken out: has the text been read in its right encoding?"
        )
    if code := _SHORTCODE.search(shown):
        warnings.add(f"{code[0][:80]} is published as it stands: only WordPress replaces it")
    sheets: list[str] = []
    prepared = prepare(shown, sheets, warnings.add)
    walker = Walker(Links(page), read_sheets(sheets), warnings.add)
    walker.walk(prepared)
    written, missing = walker.writer.finish()
    for target in dict.fromkeys(missing):
        warnings.add(
            f"the link to #{target.removeprefix(ID_PREFIX)} was taken off: nothing has that id"
        )
    # Whatever the steps before did, the sanitiser alone decides what is safe to publish.
    safe = with_escapes_composed(sanitise(composed(written)))
    if not has_content(safe):
        raise ValueError("must not be empty: nothing is left of it once it is cleaned")
    return Body(safe, tuple(Warned("body_html", message) for message in warnings.messages))
