"""The rules of the source's style sheets, and of our own for the classes of editors. Pure."""

import re
from collections.abc import Iterator

from services.ingest.articles.body.style import MAX_STYLE, declarations

MAX_SHEETS, MAX_RULES = 200_000, 2000
"""Upper bounds for the characters and selectors that are read; Word writes some 30,000
characters."""
MAX_CLASSES = 10
"""Upper bound for the classes of an element that are looked up."""

_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)|<!--|-->", re.DOTALL)
_BRACE = re.compile("[{}]")
_SELECTOR = re.compile(r"([a-z][a-z0-9]*)?(\.[\w-]+)?", re.IGNORECASE)

Sheet = dict[str, dict[str, str]]
"""Values by property by selector: `p`, `.c1` or `p.c1`."""

_ALIGNED = {
    "center": ".align-center .aligncenter .has-text-align-center .ql-align-center .text-center",
    "right": ".align-right .has-text-align-right .ql-align-right .text-end .text-right "
    "figure.alignright figure.image-style-align-right "
    "figure.image-style-block-align-right figure.image-style-side",
    "left": ".has-text-align-left .ql-align-justify .text-left .text-start",
}
OWN: Sheet = {
    ".ql-direction-rtl": {"direction": "rtl"},
    **{name: {"text-align": align} for align, names in _ALIGNED.items() for name in names.split()},
}
"""Declarations for classes of our own, WordPress, Quill, CKEditor and Bootstrap. Pastes have these
classes without their style sheets.
"""


def read_sheets(sheets: list[str]) -> Sheet:
    """`OWN`, and the rules of `sheets` whose selector is an element, a class, or both.

    Rules within `@media` and the like are passed over, as are selectors for one element inside
    another.
    """
    if not sheets:
        return OWN
    found = dict(OWN)
    for selectors, text in _rules(_COMMENT.sub(" ", "\n".join(sheets)[:MAX_SHEETS])):
        if not (values := declarations(text[:MAX_STYLE])):
            continue
        for selector in selectors.rpartition(";")[2].split(","):
            named = _SELECTOR.fullmatch(selector.strip())
            name = named and (named[1] or "").lower() + (named[2] or "")
            if name and (name in found or len(found) < MAX_RULES):
                found[name] = {**found.get(name, {}), **values}
    return found


def _rules(sheet: str) -> Iterator[tuple[str, str]]:
    """Selectors and declarations of each rule outside `@media` and other blocks."""
    depth, begin, selectors = 0, 0, ""
    for brace in _BRACE.finditer(sheet):
        text, begin = sheet[begin : brace.start()], brace.end()
        if brace[0] == "{":
            depth += 1
            selectors = text if depth == 1 else selectors
        elif depth:
            if depth == 1:
                yield selectors, text
            depth -= 1


def declared(sheet: Sheet, tag: str, classes: str | None) -> str:
    """The declarations of `sheet` for an element, as the text of a `style` attribute."""
    if not classes and sheet is OWN:
        return ""
    names = (classes or "").split()[:MAX_CLASSES]
    values: dict[str, str] = {}
    for name in (tag, *(f".{name}" for name in names), *(f"{tag}.{name}" for name in names)):
        values.update(sheet.get(name, {}))
    return ";".join(f"{name}:{value}" for name, value in values.items())
