"""Heat maps: a cell for each hour of each weekday. Pure."""

from collections.abc import Callable, Iterator, Sequence

from markupsafe import Markup

from services.stats.drawing.markup import AXIS_HEIGHT, Caption, axis_texts, box, plot, safe
from services.stats.drawing.scales import Mark, middle_of

LEVELS = 6
"""Number of shades above none."""
CELL_HEIGHT = 24
"""Pixels of a row."""
LEFT = 0.12
"""Share of the width that the names of rows take."""


def heat_level(value: float, most: float) -> int:
    """The shade of a number: 0 of 0, `LEVELS` of the largest."""
    if value <= 0 or most <= 0:
        return 0
    return min(LEVELS, 1 + int(LEVELS * value / most))


def heat_plot(
    caption: Caption,
    rows: Sequence[str],
    columns: Sequence[str],
    cells: Sequence[Sequence[float | None]],
    tell: Callable[[int, int], str],
) -> Markup:
    """A cell for each of `cells`, by row and column; None is not known. `tell` answers the text
    of a cell that a pointer shows.
    """
    most = max((each for row in cells for each in row if each is not None), default=0.0)
    height = len(rows) * CELL_HEIGHT
    shapes = (
        f'<rect class="{_shade(value, most)}" x="{x}.04" y="{y}.04" width=".92" height=".92">'
        f"<title>{safe(tell(y, x))}</title></rect>"
        for y, row in enumerate(cells)
        for x, value in enumerate(row)
    )
    marks = [
        Mark(LEFT + (1 - LEFT) * middle_of(place, len(columns)), text)
        for place, text in enumerate(columns)
        if text
    ]
    parts = [
        *_names(rows),
        box(shapes, left=LEFT, top=0, height=height, columns=len(columns), rows=len(rows)),
        *axis_texts(marks, height + 16),
    ]
    return plot(caption, "heat", height + AXIS_HEIGHT, parts)


def _names(rows: Sequence[str]) -> Iterator[str]:
    for place, name in enumerate(rows):
        yield f'<text x="0" y="{place * CELL_HEIGHT + 16}">{safe(name)}</text>'


def _shade(value: float | None, most: float) -> str:
    return "hx" if value is None else f"h{heat_level(value, most)}"
