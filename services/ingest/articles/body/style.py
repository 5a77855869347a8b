"""What a `style` attribute means for the text. Pure."""

from dataclasses import dataclass
from typing import Literal

Align = Literal["center", "right"]

CLASSES: dict[Align, str] = {"center": "align-center", "right": "align-right"}
"""How a body says it; the portal's stylesheet knows these."""
MAX_STYLE = 4000


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


_NUMBERS = {"lower-alpha": "a", "lower-latin": "a", "upper-alpha": "A", "upper-latin": "A",
            "lower-roman": "i", "upper-roman": "I"}  # fmt: skip
_BLOCKS = ("block", "list-item", "flex", "grid", "table", "flow-root")
"""Values of `display` that end a line, or begin another cell."""


def _read_font(said: dict[str, str]) -> None:
    """Read `font` as the properties that it stands for; those that are said themselves count."""
    words = said.get("font", "").split(",")[0].split()
    for word in words:
        if word in ("italic", "oblique"):
            said.setdefault("font-style", word)
        elif word in ("bold", "bolder") or (word.isascii() and word.isdigit() and len(word) == 3):
            said.setdefault("font-weight", word)


def look_of(style: str | None) -> Look:
    """Read a `style` attribute; of a property that comes twice the last one counts."""
    if not style:
        return PLAIN
    said: dict[str, str] = {}
    for declaration in style[:MAX_STYLE].lower().split(";"):
        name, colon, value = declaration.partition(":")
        if colon:
            said[name.strip()] = value.replace("!important", "").strip()
    _read_font(said)
    slant = said.get("font-style")
    lines = f"{said.get('text-decoration', '')} {said.get('text-decoration-line', '')}".split()
    raised = said.get("vertical-align")
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
        numbers=_NUMBERS.get(said.get("list-style-type") or said.get("list-style", "").partition(" ")[0]),
        block=said.get("display", "").startswith(_BLOCKS),
    )
