"""Bars: one for each thing, and stacks of classes for each step of time. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from services.stats.drawing.markup import (
    AXIS_HEIGHT,
    BOX_HEIGHT,
    BOX_TOP,
    Caption,
    axis_texts,
    box,
    coordinate,
    grid,
    grid_texts,
    percent,
    plot,
    safe,
)
from services.stats.drawing.notation import Notation
from services.stats.drawing.scales import (
    NARROWEST,
    SIZE,
    Axis,
    Mark,
    axis_of,
    shortened,
    text_width,
)

ROW_HEIGHT, BAR_HEIGHT = 40, 10
"""Pixels of a bar with its texts, and of the bar alone."""
_SPACE = 0.18
"""Share of a step's width that is left free between two stacks."""
_BETWEEN = 16
"""Pixels between the name of a bar and its number."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A thing with its number, and the number as text."""

    name: str
    value: int
    text: str


def bars_plot(caption: Caption, bars: Sequence[Bar], total: int) -> Markup:
    """A bar for each thing on a track: its length is its share of `total`, the track's is all."""
    return plot(
        caption,
        "bars",
        max(1, len(bars)) * ROW_HEIGHT,
        (part for row, bar in enumerate(bars) for part in _bar(bar, row * ROW_HEIGHT, total)),
    )


def _bar(bar: Bar, top: int, total: int) -> Iterator[str]:
    name = shortened(bar.name, NARROWEST - text_width(bar.text) - _BETWEEN)
    y = top + 16
    yield f'<text x="0" y="{y}">{safe(name)}</text>'
    yield f'<text class="value" x="100%" y="{y}" text-anchor="end">{safe(bar.text)}</text>'
    length = percent(bar.value / total if total else 0)
    yield f'<rect class="track" x="0" y="{top + 22}" width="100%" height="{BAR_HEIGHT}"/>'
    yield f'<rect class="bar" x="0" y="{top + 22}" width="{length}" height="{BAR_HEIGHT}"/>'


def stack_plot(
    caption: Caption,
    stacks: Sequence[Sequence[int | None]],
    marks: Sequence[Mark],
    notation: Notation,
) -> Markup:
    """A stack for each step of time, with a part for each class: the first is at the bottom, and
    has the class `s0`. What is not known has no part.
    """
    axis = axis_of([sum(filter(None, stack)) for stack in stacks])
    shapes = [
        shape
        for place, stack in enumerate(stacks)
        for shape in _stack(stack, place, len(stacks), axis)
    ]
    height = BOX_TOP + BOX_HEIGHT + AXIS_HEIGHT
    parts = [*grid(axis, notation), box(shapes), *grid_texts(axis, notation), *axis_texts(marks)]
    return plot(caption, "stacks", height, parts)


def _stack(stack: Sequence[int | None], place: int, number: int, axis: Axis) -> Iterator[str]:
    step = SIZE / number
    x, width = coordinate((place + _SPACE / 2) * step), coordinate((1 - _SPACE) * step)
    below = 0
    for kind, value in enumerate(stack):
        if value:
            y = SIZE - axis.height(below + value)
            height = axis.height(below + value) - axis.height(below)
            yield (
                f'<rect class="s{kind}" x="{x}" y="{coordinate(y)}" width="{width}" '
                f'height="{coordinate(height)}"/>'
            )
            below += value
