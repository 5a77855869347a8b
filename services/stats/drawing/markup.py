"""Pieces of SVG and HTML: escaped texts, numbers, and the frame of a plot. Pure."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from services.stats.drawing.notation import Notation
from services.stats.drawing.scales import GUTTER, NARROWEST, SIZE, Axis, Mark, fitting

BOX_TOP, BOX_HEIGHT, AXIS_HEIGHT = 20, 170, 22
"""Pixels above the box of a plot, of the box, and of the texts below it."""
_SUM_ROW = '<tr class="sum">'
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Caption:
    """What a plot is called by those who can't see it. `id` is a word that no other plot of the
    page has.
    """

    id: str
    title: str
    description: str


def safe(text: str) -> Markup:
    """A text in HTML and XML. Characters that XML can't hold become U+FFFD."""
    return escape(_NOT_XML.sub("\ufffd", text))


def coordinate(value: float) -> str:
    """A number of a shape, with two decimals at most."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def percent(share: float) -> str:
    """A share of the plot's width."""
    return f"{coordinate(100 * share)}%"


def plot(caption: Caption, kind: str, height: int, parts: Iterable[str]) -> Markup:
    """An SVG as wide as its place, and `height` pixels high. `parts` are pieces of SVG."""
    title, description = f"{caption.id}-title", f"{caption.id}-desc"
    return Markup(  # noqa: S704  (every text in it is escaped)
        f'<svg xmlns="http://www.w3.org/2000/svg" class="plot {kind}" width="100%" '
        f'height="{height}" role="img" aria-labelledby="{title} {description}">'
        f'<title id="{title}">{safe(caption.title)}</title>'
        f'<desc id="{description}">{safe(caption.description)}</desc>{"".join(parts)}</svg>'
    )


def box(parts: Iterable[str], *, left: float = 0.0, top: int = BOX_TOP, height: int = BOX_HEIGHT,
        columns: int = SIZE, rows: int = SIZE) -> str:  # fmt: skip
    """Shapes of a box with so many `columns` and `rows`, stretched to the plot's width right of
    `left`.
    """
    return (
        f'<svg x="{percent(left)}" y="{top}" width="{percent(1 - left)}" height="{height}" '
        f'viewBox="0 0 {columns} {rows}" preserveAspectRatio="none">{"".join(parts)}</svg>'
    )


def grid(axis: Axis, notation: Notation) -> Iterator[str]:
    """The lines of an axis, each with its number above it, in the gutter left of the plot."""
    bottom = BOX_TOP + BOX_HEIGHT
    yield f'<line class="axis" x1="{-GUTTER}" x2="100%" y1="{bottom}" y2="{bottom}"/>'
    for share, _ in axis.labels(notation):
        y = coordinate(bottom - share * BOX_HEIGHT)
        yield f'<line class="grid" x1="{-GUTTER}" x2="100%" y1="{y}" y2="{y}"/>'


def grid_texts(axis: Axis, notation: Notation) -> Iterator[str]:
    """The numbers of an axis, in the gutter."""
    for share, text in axis.labels(notation):
        y = coordinate(BOX_TOP + BOX_HEIGHT - share * BOX_HEIGHT - 4)
        yield f'<text x="{-GUTTER}" y="{y}">{safe(text)}</text>'


def axis_texts(marks: Iterable[Mark], y: int = BOX_TOP + BOX_HEIGHT + 16) -> Iterator[str]:
    """The texts of the horizontal axis that fit beside each other on the narrowest screen."""
    for mark in fitting(marks, NARROWEST - GUTTER):
        yield (
            f'<text x="{percent(mark.place)}" y="{y}" text-anchor="{mark.anchor}">'
            f"{safe(mark.text)}</text>"
        )


def numbers_table(
    caption: str,
    head: Sequence[str],
    rows: Iterable[Sequence[str | Markup]],
    sums: Collection[int] = (),
) -> Markup:
    """The numbers of a plot as a table. The first cell of each row names it; `sums` are the rows
    that add up those above them.
    """
    heads = "".join(f'<th scope="col">{safe(each)}</th>' for each in head)
    body = "".join(
        f'{_SUM_ROW if place in sums else "<tr>"}<th scope="row">{safe(first)}</th>'
        + "".join(f"<td>{safe(each)}</td>" for each in cells)
        + "</tr>"
        for place, (first, *cells) in enumerate(rows)
    )
    return Markup(  # noqa: S704  (every text in it is escaped)
        f'<div class="scroll" role="group" tabindex="0" aria-label="{safe(caption)}">'
        f"<table><caption>{safe(caption)}</caption><thead><tr>{heads}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>"
    )
