"""Colours of the pages of figures: they stand out from their background, and from each other, also
for people who can't tell some colours apart.
"""

import re
from itertools import combinations, pairwise

import pytest

from services.stats.pages.shown import FOLDER
from shared.web.look import LOOK

CSS = LOOK["base.css"].decode() + (FOLDER / "static/stats.css").read_text()
PAPERS = ("paper", "tint")
TEXTS = ("ink", "soft", "brand", "link", "accent")
MARKS = ("c0", "c1", "c2", "c3", "c4", "c5", "c6", "past", "axis")
STACKS = MARKS[:7]
SHADES = ("h0", "h1", "h2", "h3", "h4", "h5", "h6")
SIGHTS = {
    "all colours": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "no red": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "no green": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "no blue": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
"""What dichromats see of linear red, green and blue (Machado, Oliveira, Fernandes 2009)."""
Linear = tuple[float, ...]


def colours(theme: str) -> dict[str, Linear]:
    """The custom properties of a theme that are colours, as linear red, green and blue."""
    dark = re.findall(r"@media \(prefers-color-scheme: dark\) \{\s*:root \{(.*?)\}", CSS, re.DOTALL)
    light = re.findall(r"^:root \{(.*?)\}", CSS, re.DOTALL | re.MULTILINE)
    found = {}
    for part in (*light, *(dark if theme == "dark" else ())):
        for name, text in re.findall(r"--([\w-]+): (#[0-9a-f]{3,6});", part):
            whole = text if len(text) == 7 else "#" + "".join(each * 2 for each in text[1:])
            found[name] = tuple(_linear(int(whole[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return found


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def _luminance(colour: Linear) -> float:
    return sum(a * b for a, b in zip((0.2126, 0.7152, 0.0722), colour, strict=True))


def contrast(one: Linear, other: Linear) -> float:
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def lab(colour: Linear) -> Linear:
    """CIELAB."""
    matrix = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
    white = (0.95047, 1.0, 1.08883)
    x, y, z = (
        _root(max(0.0, sum(a * b for a, b in zip(row, colour, strict=True)) / full))
        for row, full in zip(matrix, white, strict=True)
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def _root(value: float) -> float:
    return float(value ** (1 / 3)) if value > 0.008856 else 7.787 * value + 16 / 116


def distance(one: Linear, other: Linear, sight: str) -> float:
    seen = [
        lab(tuple(sum(a * b for a, b in zip(row, each, strict=True)) for row in SIGHTS[sight]))
        for each in (one, other)
    ]
    return float(sum((a - b) ** 2 for a, b in zip(*seen, strict=True)) ** 0.5)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_texts_and_marks_stand_out(theme: str) -> None:
    held = colours(theme)
    weak = {
        (name, paper): round(contrast(held[name], held[paper]), 2)
        for names, least in ((TEXTS, 4.5), (MARKS, 3.0))
        for name in names
        for paper in PAPERS
        if contrast(held[name], held[paper]) < least
    }
    assert weak == {}
    assert contrast(held["bar-ink"], held["bar"]) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("sight", SIGHTS)
def test_classes_can_be_told_apart(theme: str, sight: str) -> None:
    held = colours(theme)
    near = {
        pair: round(distance(held[pair[0]], held[pair[1]], sight), 1)
        for pair in combinations(STACKS, 2)
        if distance(held[pair[0]], held[pair[1]], sight) < 20
    }
    assert near == {}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_shades_go_one_way(theme: str) -> None:
    held = colours(theme)
    lights = [lab(held[name])[0] for name in SHADES]
    assert lights == sorted(lights, reverse=theme == "light")
    assert all(abs(a - b) > 6 for a, b in pairwise(lights))


def test_a_shade_of_grey_is_measured_right() -> None:
    grey = tuple([_linear(0x76 / 255)] * 3)
    assert round(contrast(grey, (1, 1, 1)), 2) == 4.54
    assert distance((0, 0, 0), (1, 1, 1), "no red") == pytest.approx(100, abs=0.1)
