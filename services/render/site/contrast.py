"""Contrast of colours by WCAG 2.2. Pure."""

import re

from shared.web.look import LOOK

LEAST_CONTRAST = 4.5
"""For text of ordinary size (success criterion 1.4.3)."""
_DARK = "@media (prefers-color-scheme: dark)"


def property_of(css: str, name: str, dark: bool) -> str:
    """The colour of a custom property in the light or dark theme of a style sheet."""
    light, _, rest = css.partition(_DARK)
    for part in (rest, light) if dark else (light,):
        if found := re.search(rf"--{name}: (#[0-9a-f]{{3,6}});", part):
            return found[1]
    raise LookupError(f"the style sheet has no colour --{name}")


_CSS = LOOK["base.css"].decode()
PAPERS = {dark: property_of(_CSS, "paper", dark) for dark in (False, True)}
"""The background of pages, light and dark."""
BARS = {dark: property_of(_CSS, "bar", dark) for dark in (False, True)}
"""The background of bars."""
BAR_INKS = {dark: property_of(_CSS, "bar-ink", dark) for dark in (False, True)}
"""The colour of text on bars."""


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, from 1 to 21."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(each * 2 for each in colour[1:])
    red, green, blue = (_linear(int(digits[at : at + 2], 16) / 255) for at in (0, 2, 4))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(value: float) -> float:
    linear: float = value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
    return linear
