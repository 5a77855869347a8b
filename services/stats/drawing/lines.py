"""Courses as lines: one period with the period before behind it, and sparklines. Pure."""

from collections.abc import Iterator, Sequence

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
    plot,
    safe,
)
from services.stats.drawing.notation import Notation
from services.stats.drawing.scales import SIZE, Axis, Mark, axis_of, middle_of, runs

SPARK_WIDTH, SPARK_HEIGHT = 120, 28
"""Pixels of a sparkline."""


def course_plot(
    caption: Caption,
    now: Sequence[int | None],
    before: Sequence[int | None],
    marks: Sequence[Mark],
    notation: Notation,
    *,
    unfinished: int | None = None,
) -> Markup:
    """A line over an area, for the numbers of equal steps of time, and a dashed line for those of
    the period before, which may be none. What is not known is a gap. The step `unfinished` is still
    running: a dotted line leads to its number, which would else look like a fall.
    """
    axis = axis_of([*now, *before])
    number = max(len(now), len(before), 1)
    shapes = [
        *(f'<path class="area" d="{d}"/>' for d in _areas(now, number, axis)),
        *(f'<path class="before" d="{d}"/>' for d in _lines(before, number, axis)),
        *(f'<path class="now" d="{d}"/>' for d in _lines(now[:unfinished], number, axis)),
        *(f'<path class="open" d="{d}"/>' for d in _end(now, unfinished, number, axis)),
    ]
    height = BOX_TOP + BOX_HEIGHT + AXIS_HEIGHT
    parts = [*grid(axis, notation), box(shapes), *grid_texts(axis, notation), *axis_texts(marks)]
    return plot(caption, "course", height, parts)


def sparkline(title: str, values: Sequence[int | None]) -> Markup:
    """A line of a few pixels, which `title` tells to those who can't see it. It has no numbers, so
    the largest one stands at the upper edge: sparklines beside each other compare shapes alone.
    """
    axis = Axis((0, max(1, *(value or 0 for value in values), 0)))
    number = max(len(values), 1)
    areas = "".join(f'<path class="area" d="{d}"/>' for d in _areas(values, number, axis))
    lines = "".join(f'<path class="now" d="{d}"/>' for d in _lines(values, number, axis))
    return Markup(  # noqa: S704  (every text in it is escaped)
        f'<svg xmlns="http://www.w3.org/2000/svg" class="spark" width="{SPARK_WIDTH}" '
        f'height="{SPARK_HEIGHT}" viewBox="0 0 {SIZE} {SIZE}" preserveAspectRatio="none" '
        f'role="img"><title>{safe(title)}</title>{areas}{lines}</svg>'
    )


def _points(run: Sequence[tuple[int, int]], number: int, axis: Axis) -> list[str]:
    return [
        f"{coordinate(SIZE * middle_of(place, number))} {coordinate(SIZE - axis.height(value))}"
        for place, value in run
    ]


def _lines(values: Sequence[int | None], number: int, axis: Axis) -> Iterator[str]:
    for run in runs(values):
        points = _points(run, number, axis)
        # A single point is a line without length, which round ends make visible.
        yield f"M{'L'.join(points)}" if len(points) > 1 else f"M{points[0]}h0"


def _end(
    values: Sequence[int | None], unfinished: int | None, number: int, axis: Axis
) -> Iterator[str]:
    """The line from the step before `unfinished` to it."""
    if unfinished is None or values[unfinished] is None:
        return
    first = max(0, unfinished - 1)
    shown = [*[None] * first, *values[first : unfinished + 1]]
    yield from list(_lines(shown, number, axis))[-1:]


def _areas(values: Sequence[int | None], number: int, axis: Axis) -> Iterator[str]:
    for run in runs(values):
        points = _points(run, number, axis)
        left, right = points[0].split()[0], points[-1].split()[0]
        yield f"M{left} {SIZE}L{'L'.join(points)}L{right} {SIZE}z"
