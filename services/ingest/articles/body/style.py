"""What the style of an element means for the text: its `style` attribute, and the style sheets in
the source. Pure.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Align = Literal["center", "right"]

CLASSES: dict[Align, str] = {"center": "align-center", "right": "align-right"}
"""How a body says it; the portal's stylesheet knows these."""
MAX_STYLE = 4000
MAX_SHEETS, MAX_RULES = 200_000, 2000
"""Characters and selectors of style sheets that are read; Word writes some 30,000 characters."""
MAX_CLASSES, MAX_VALUE = 10, 100
"""Classes of an element that are looked up; characters of a value."""


@dataclass(frozen=True, slots=True)
class Look:
    """None: the style says nothing of it."""

    bold: bool | None = None
    italic: bool | None = None
    underline: bool | None = None
    struck: bool | None = None
    raised: Literal["sub", "sup"] | None = None
    align: Align | Literal["start"] | None = None
    hidden: bool = False
    block: bool = False
    numbers: str | None = None
    """How a list is numbered: the `type` of an `<ol>`."""
    listed: Literal["ol", "ul"] | None = None
    """Whether the items of a list show numbers."""
    lines: bool | None = None
    """Whether line ends of the source are line ends of the text."""
    to_left: bool = False
    """Whether the text runs from right to left."""
    font: str | None = None
    """The name of the first font."""
    picture: bool = False
    """Whether there is a picture behind the text."""


PLAIN = Look()


def align_of(value: str) -> Align | Literal["start"] | None:
    """The value of `text-align`, or of the attribute `align`; what is not kept is `start`."""
    value = value.strip().lower().removeprefix("-webkit-").removeprefix("-moz-")
    if value in ("center", "right"):
        return "center" if value == "center" else "right"
    if value == "end":
        return "right"
    return "start" if value in ("left", "start", "justify", "initial", "unset") else None


def _bold(value: str) -> bool | None:
    if value in ("bold", "bolder"):
        return True
    if value in ("normal", "lighter", "initial"):
        return False
    return int(value) >= 600 if value.isascii() and value.isdigit() and len(value) < 5 else None


_NUMBERS = {"decimal": "1", "decimal-leading-zero": "1", "lower-alpha": "a", "lower-latin": "a",
            "upper-alpha": "A",
            "upper-latin": "A", "lower-roman": "i", "upper-roman": "I"}  # fmt: skip
_BULLETS = frozenset({"circle", "disc", "none", "square"})
_BLOCKS = ("block", "list-item", "flex", "grid", "table", "flow-root")
"""Values of `display` that end a line, or begin another cell."""
_LINES = {
    "pre": True,
    "pre-wrap": True,
    "pre-line": True,
    "break-spaces": True,
    "normal": False,
    "nowrap": False,
}


def _read_font(said: dict[str, str]) -> None:
    """Read `font` as the properties that it stands for; those that are said themselves count."""
    family = said.get("font", "").split(",")[0]
    for word in family.split():
        if word in ("italic", "oblique"):
            said.setdefault("font-style", word)
        elif word in ("bold", "bolder") or (word.isascii() and word.isdigit() and len(word) == 3):
            said.setdefault("font-weight", word)
    if name := _NAME.search(family):
        said.setdefault("font-family", name[1])


_NAME = re.compile(r"\d[\w%./]*\s+([^\d].*)")
"""The name of the font, behind its size."""


def look_of(style: str | None, sheet: str = "") -> Look:
    """Read a `style` attribute; of a property that comes twice the last one counts.

    `sheet`: declarations of style sheets, over which the attribute wins.
    """
    if not style and not sheet:
        return PLAIN
    return _read(
        f"{sheet[:MAX_STYLE]};{(style or '')[:MAX_STYLE]}" if sheet else (style or "")[:MAX_STYLE]
    )


_PROPERTIES = frozenset(
    "background background-image direction display font font-family font-style font-weight "
    "list-style list-style-type mso-hide text-align text-decoration text-decoration-line "
    "vertical-align visibility white-space".split()
)


def _declarations(style: str) -> dict[str, str]:
    said: dict[str, str] = {}
    for declaration in style.lower().split(";"):
        name, _, value = declaration.partition(":")
        if (name := name.strip()) in _PROPERTIES:
            said[name] = value.replace("!important", "").strip()[:MAX_VALUE]
    return said


@lru_cache(maxsize=512)
def _read(style: str) -> Look:
    said = _declarations(style)
    _read_font(said)
    slant = said.get("font-style")
    lines = f"{said.get('text-decoration', '')} {said.get('text-decoration-line', '')}".split()
    raised = said.get("vertical-align")
    kinds = (said.get("list-style-type") or said.get("list-style", "")).split()
    numbers = next(filter(None, map(_NUMBERS.get, kinds)), None)
    font = said.get("font-family")
    return Look(
        bold=_bold(said.get("font-weight", "")),
        italic=None if slant is None else slant.startswith(("italic", "oblique")),
        underline="underline" in lines or (False if "none" in lines else None),
        struck="line-through" in lines or (False if "none" in lines else None),
        raised="sup" if raised == "super" else "sub" if raised == "sub" else None,
        align=align_of(said.get("text-align", "")),
        hidden=said.get("display") == "none"
        or said.get("visibility") in ("hidden", "collapse")
        or said.get("mso-hide") == "all",
        numbers=None if numbers == "1" else numbers,
        listed="ol" if numbers else "ul" if _BULLETS.intersection(kinds) else None,
        block=said.get("display", "").startswith(_BLOCKS),
        lines=_LINES.get(said.get("white-space", "")),
        to_left=said.get("direction") == "rtl",
        font=None if font is None else font.split(",")[0].strip(" \t\n\r\f'\""),
        picture="url(" in f"{said.get('background', '')} {said.get('background-image', '')}",
    )


# ── style sheets ─────────────────────────────────────────────────────────────────────────────────

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
"""What classes mean without a style sheet in the source: ours, and those of WordPress, Quill,
CKEditor, Bootstrap.
"""


def read_sheets(sheets: list[str]) -> Sheet:
    """`OWN` and the rules for elements and classes; not those for other media, or for elements
    inside others.
    """
    if not sheets:
        return OWN
    found = dict(OWN)
    for selectors, text in _rules(_COMMENT.sub(" ", "\n".join(sheets)[:MAX_SHEETS])):
        if not (said := _declarations(text[:MAX_STYLE])):
            continue
        for selector in selectors.rpartition(";")[2].split(","):
            named = _SELECTOR.fullmatch(selector.strip())
            name = named and (named[1] or "").lower() + (named[2] or "")
            if name and (name in found or len(found) < MAX_RULES):
                found[name] = {**found.get(name, {}), **said}
    return found


def _rules(sheet: str) -> Iterator[tuple[str, str]]:
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
    """What the style sheets say of an element."""
    if not classes and sheet is OWN:
        return ""
    names = (classes or "").split()[:MAX_CLASSES]
    said: dict[str, str] = {}
    for name in (tag, *(f".{name}" for name in names), *(f"{tag}.{name}" for name in names)):
        said.update(sheet.get(name, {}))
    return ";".join(f"{name}:{value}" for name, value in said.items())
