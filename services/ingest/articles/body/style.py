"""The CSS declarations of an element that a body keeps: bold, alignment, lists, fonts. Pure."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Align = Literal["center", "right"]

CLASSES: dict[Align, str] = {"center": "align-center", "right": "align-right"}
"""Classes for alignment in a body; the portal's style sheet has rules for them."""
MAX_STYLE, MAX_VALUE = 4000, 100
"""Upper bounds for the characters of a list of declarations, and of a value, that are read."""


@dataclass(frozen=True, slots=True)
class Look:
    """The properties that the declarations set; None for a property that they leave alone."""

    bold: bool | None = None
    italic: bool | None = None
    underline: bool | None = None
    struck: bool | None = None
    raised: Literal["sub", "sup"] | None = None
    align: Align | Literal["start"] | None = None
    hidden: bool = False
    block: bool = False
    """True for `display: block` and the like, which separate the text from its surroundings."""
    numbers: str | None = None
    """The kind of a list's numbers, as the `type` of an `<ol>`."""
    listed: Literal["ol", "ul"] | None = None
    """Whether the items of a list show numbers (`ol`) or not (`ul`)."""
    lines: bool | None = None
    """True if line ends of the source are line breaks, as with `white-space: pre`."""
    to_left: bool = False
    """Whether the text runs from right to left."""
    font: str | None = None
    """The name of the first font, in lower case."""
    picture: bool = False
    """Whether there is a picture behind the text."""


PLAIN_LOOK = Look()


def align_of(value: str) -> Align | Literal["start"] | None:
    """The alignment for a value of `text-align` or `align`: `start` for one that bodies don't keep,
    such as `justify`; None for an unknown value.
    """
    value = value.strip().lower().removeprefix("-webkit-").removeprefix("-moz-")
    if value in ("center", "right"):
        return "center" if value == "center" else "right"
    if value == "end":
        return "right"
    return "start" if value in ("left", "start", "justify", "initial", "unset") else None


_NUMBERS = {"decimal": "1", "decimal-leading-zero": "1", "lower-alpha": "a", "lower-latin": "a",
            "upper-alpha": "A",
            "upper-latin": "A", "lower-roman": "i", "upper-roman": "I"}  # fmt: skip
_BULLETS = frozenset({"circle", "disc", "none", "square"})
_BLOCKS = ("block", "list-item", "flex", "grid", "table", "flow-root")
"""Beginnings of the values of `display` that separate a text from its surroundings."""
_RAISED: dict[str, Literal["sub", "sup"]] = {"super": "sup", "sub": "sub"}
_LINES = {
    "pre": True,
    "pre-wrap": True,
    "pre-line": True,
    "break-spaces": True,
    "normal": False,
    "nowrap": False,
}


_FONT_NAME = re.compile(r"\d[\w%./]*\s+([^\d].*)")
"""The name of the font in a value of `font`, after its size."""


def look_of(style: str | None, sheet: str = "") -> Look:
    """The look of an element with the attribute `style`.

    `sheet` has the declarations of style sheets for the element. Declarations in `style` override
    them, and of two for one property the last one counts.
    """
    if not style and not sheet:
        return PLAIN_LOOK
    return _read(
        f"{sheet[:MAX_STYLE]};{(style or '')[:MAX_STYLE]}" if sheet else (style or "")[:MAX_STYLE]
    )


_PROPERTIES = frozenset(
    "background background-image direction display font font-family font-style font-weight "
    "list-style list-style-type mso-hide text-align text-decoration text-decoration-line "
    "vertical-align visibility white-space".split()
)


def declarations(style: str) -> dict[str, str]:
    """Values by property, in lower case, of the properties that `Look` needs."""
    values: dict[str, str] = {}
    for declaration in style.lower().split(";"):
        name, _, value = declaration.partition(":")
        if (name := name.strip()) in _PROPERTIES:
            values[name] = value.replace("!important", "").strip()[:MAX_VALUE]
    return values


@lru_cache(maxsize=512)
def _read(style: str) -> Look:
    values = declarations(style)
    _expand_font(values)
    slant = values.get("font-style")
    lines = f"{values.get('text-decoration', '')} {values.get('text-decoration-line', '')}".split()
    kinds = (values.get("list-style-type") or values.get("list-style", "")).split()
    numbers = next(filter(None, map(_NUMBERS.get, kinds)), None)
    font = values.get("font-family")
    return Look(
        bold=_bold(values.get("font-weight", "")),
        italic=None if slant is None else slant.startswith(("italic", "oblique")),
        underline="underline" in lines or (False if "none" in lines else None),
        struck="line-through" in lines or (False if "none" in lines else None),
        raised=_RAISED.get(values.get("vertical-align", "")),
        align=align_of(values.get("text-align", "")),
        hidden=values.get("display") == "none"
        or values.get("visibility") in ("hidden", "collapse")
        or values.get("mso-hide") == "all",
        numbers=None if numbers == "1" else numbers,
        listed="ol" if numbers else "ul" if _BULLETS.intersection(kinds) else None,
        block=values.get("display", "").startswith(_BLOCKS),
        lines=_LINES.get(values.get("white-space", "")),
        to_left=values.get("direction") == "rtl",
        font=None if font is None else font.split(",")[0].strip(" \t\n\r\f'\""),
        picture="url(" in f"{values.get('background', '')} {values.get('background-image', '')}",
    )


def _expand_font(values: dict[str, str]) -> None:
    """Add the properties that `font` sets, except those that have a declaration of their own."""
    first = values.get("font", "").split(",")[0]
    for word in first.split():
        if word in ("italic", "oblique"):
            values.setdefault("font-style", word)
        elif word in ("bold", "bolder") or (word.isascii() and word.isdigit() and len(word) == 3):
            values.setdefault("font-weight", word)
    if name := _FONT_NAME.search(first):
        values.setdefault("font-family", name[1])


def _bold(value: str) -> bool | None:
    if value in ("bold", "bolder"):
        return True
    if value in ("normal", "lighter", "initial"):
        return False
    return int(value) >= 600 if value.isascii() and value.isdigit() and len(value) < 5 else None
