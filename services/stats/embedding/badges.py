"""Badges: a label and a number of reads as a small picture. Pure.

The picture needs neither script nor style, so that every policy of a page admits it. The width of
text is estimated, and then kept by `textLength`, whatever font the reader has.
"""

from html import escape
from typing import Literal

from services.stats.drawing.notation import ENGLISH, VIETNAMESE

Tongue = Literal["vi", "en"]

HEIGHT, PADDING, FONT_SIZE = 20, 6, 11
BADGE_FONTS = "Verdana,DejaVu Sans,Geneva,sans-serif"
LABEL_FILL, READS_FILL = "#404954", "#0b5394"
"""Behind white text, at a contrast of 9 and 7.7 to 1."""
LABELS: dict[Tongue, dict[str, str]] = {
    "vi": {
        "today": "lượt đọc hôm nay",
        "yesterday": "lượt đọc hôm qua",
        "week": "lượt đọc tuần này",
        "month": "lượt đọc tháng này",
        "year": "lượt đọc năm nay",
        "total": "lượt đọc",
    },
    "en": {
        "today": "reads today",
        "yesterday": "reads yesterday",
        "week": "reads this week",
        "month": "reads this month",
        "year": "reads this year",
        "total": "reads",
    },
}
"""The labels by language and by name of a badge: a field of `/stats/site`."""
ROLLING_LABELS: dict[Tongue, dict[str, str]] = {
    "vi": {"h": "lượt đọc trong {} giờ", "d": "lượt đọc trong {} ngày"},
    "en": {"h": "reads in {} hours", "d": "reads in {} days"},
}
"""The labels of windows such as `24h` and `7d`."""
SINGULAR = {"reads in 1 hours": "reads in 1 hour", "reads in 1 days": "reads in 1 day"}

_NOTATIONS = {"vi": VIETNAMESE, "en": ENGLISH}
_NARROW, _WIDE = frozenset("ijl.,:;'|!()[]f rt"), frozenset("mwMW@%ớợờởỡưươ")


def label_of(name: str, language: Tongue) -> str:
    """The label of a badge: `name` is one of `LABELS`, or a number of hours or days, as `24h`."""
    if (known := LABELS[language].get(name)) is not None:
        return known
    label = ROLLING_LABELS[language][name[-1]].format(name[:-1])
    return SINGULAR.get(label, label)


def shown_number(reads: int, language: Tongue) -> str:
    """A number as the language writes it: `1.234.567` or `1,234,567`."""
    return _NOTATIONS[language].whole(reads)


def estimated_width(text: str) -> int:
    """About the width of `text` in pixels."""
    return round(sum(_width(character) for character in text))


def _width(character: str) -> float:
    if character in _NARROW:
        return 4.4
    if character in _WIDE or character.isupper():
        return 8.6
    return 7.0


def badge(label: str, reads: str, language: Tongue) -> bytes:
    """The badge as SVG."""
    left, right = (estimated_width(text) + 2 * PADDING for text in (label, reads))
    title = escape(f"{label[0].upper()}{label[1:]}: {reads}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="{HEIGHT}" '
        f'viewBox="0 0 {left + right} {HEIGHT}" role="img" aria-label="{title}" '
        f'xml:lang="{language}"><title>{title}</title>'
        f'<rect width="{left + right}" height="{HEIGHT}" rx="3" fill="{LABEL_FILL}"/>'
        f'<path d="M{left} 0h{right - 3}a3 3 0 0 1 3 3v{HEIGHT - 6}a3 3 0 0 1-3 3h-{right - 3}z" '
        f'fill="{READS_FILL}"/>'
        f'<g fill="#fff" font-family="{BADGE_FONTS}" font-size="{FONT_SIZE}">'
        f"{_text(label, PADDING, left)}{_text(reads, left + PADDING, right)}</g></svg>"
    ).encode()


def _text(text: str, x: int, width: int) -> str:
    return (
        f'<text x="{x}" y="14" textLength="{width - 2 * PADDING}" '
        f'lengthAdjust="spacingAndGlyphs">{escape(text)}</text>'
    )
