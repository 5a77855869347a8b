"""Where numbers and texts are placed in a plot. Pure."""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, pairwise

from services.stats.drawing.notation import Notation

SIZE = 1000
"""Width and height of the box in which shapes are drawn, before they are stretched."""
NARROWEST = 290
"""Width in pixels of a plot on a screen of 360 pixels."""
GUTTER = 64
"""Pixels left of a plot that the style sheet leaves for the numbers of a vertical axis."""
TEXT_SIZE = 13
"""Pixels of a plot's texts, as the style sheet has them."""
_CHARACTER, _WIDE_CHARACTER = 0.62, 1.05
"""Upper bounds for the mean width of characters, in text sizes."""
_GAP = 8
"""Pixels between two texts beside each other."""
_EDGE = 0.12
"""Share of the width within which a text begins, or ends, at its place."""


def nice_ticks(most: int, about: int = 4) -> list[int]:
    """At most `about` + 1 round numbers in equal steps, from 0 to at least `most`."""
    if most <= 0:
        return [0, 1]
    for power in count():
        for digit in (1, 2, 5):
            step = int(digit * 10**power)
            if step * about >= most:
                return [step * each for each in range(-(-most // step) + 1)]
    raise AssertionError("unreachable")


@dataclass(frozen=True, slots=True)
class Axis:
    """A vertical axis from 0 to `top`, with its ticks."""

    ticks: tuple[int, ...]

    @property
    def top(self) -> int:
        """The number at the upper edge."""
        return self.ticks[-1]

    def height(self, value: float) -> float:
        """The height of a number in the box."""
        return round(SIZE * value / self.top, 2)

    def labels(self, notation: Notation) -> Iterator[tuple[float, str]]:
        """(height in shares of the box, text) of each tick above 0."""
        return ((tick / self.top, notation.short(tick)) for tick in self.ticks[1:])


def axis_of(values: Iterable[int | None]) -> Axis:
    """The scale on which the numbers fit. Those that are not known take no room."""
    return Axis(tuple(nice_ticks(max((each for each in values if each is not None), default=0))))


def text_width(text: str) -> float:
    """An upper bound for the width of a text, in pixels."""
    wide = sum(unicodedata.east_asian_width(each) in "WF" or each in "MW@%" for each in text)
    return TEXT_SIZE * (_WIDE_CHARACTER * wide + _CHARACTER * (len(text) - wide))


def shortened(text: str, pixels: float) -> str:
    """A text that is no wider than `pixels`; one that is cut ends with an ellipsis."""
    if text_width(text) <= pixels:
        return text
    while text and text_width(f"{text}…") > pixels:
        text = text[:-1]
    return f"{text.rstrip()}…"


@dataclass(frozen=True, slots=True)
class Mark:
    """A text at a place of the horizontal axis: 0 is its left end, 1 its right."""

    place: float
    text: str

    @property
    def anchor(self) -> str:
        """Which part of the text is at the place."""
        return "start" if self.place < _EDGE else "end" if self.place > 1 - _EDGE else "middle"

    def span(self, width: float) -> tuple[float, float]:
        """The pixels that the text takes in a plot of `width` pixels."""
        share = {"start": 0.0, "middle": 0.5, "end": 1.0}[self.anchor]
        left = self.place * width - share * text_width(self.text)
        return left, left + text_width(self.text)


def fitting(marks: Iterable[Mark], width: float = NARROWEST) -> list[Mark]:
    """Every mark, in rising order, or every second, third …, so that none touch."""
    found = list(marks)
    for each in range(1, len(found)):
        kept = found[::each]
        spans = [mark.span(width) for mark in kept]
        if all(end + _GAP <= begin for (_, end), (begin, _) in pairwise(spans)):
            return kept
    return found[:1]


def middle_of(place: int, number: int) -> float:
    """The middle of the part `place` of `number` equal parts, as a share of the whole."""
    return (place + 0.5) / number


def runs(values: Sequence[int | None]) -> Iterator[list[tuple[int, int]]]:
    """The (place, number) of each stretch of numbers that are known."""
    some: list[tuple[int, int]] = []
    for place, value in enumerate(values):
        if value is not None:
            some.append((place, value))
        elif some:
            yield some
            some = []
    if some:
        yield some
