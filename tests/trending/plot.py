"""The comparison as an SVG: for each formula a bar for each difficulty, and a tick for how many of
the bursts have only just begun.
"""

from collections.abc import Iterator, Mapping, Sequence
from xml.sax.saxutils import escape

from tests.trending.precision import POSSIBLE, Precision

Results = Mapping[str, Mapping[str, Precision]]
"""By difficulty, then by formula."""

WIDTH, LEFT, RIGHT, TOP = 860, 250, 40, 78
BAR, GAP = 11, 12
COLOURS = ("#1b6ca8", "#59a5d8", "#b5d8f0")
TEXT, FAINT = "#1f2933", "#d5dbe1"
FONT = "system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif"


def svg(results: Results, title: str) -> str:
    """A picture that can be read without its text; on white, so that it suits dark pages, too."""
    levels = list(results)
    names = [name for name in results[levels[0]] if name != POSSIBLE]
    height = TOP + len(names) * (len(levels) * BAR + GAP) + 34
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" role="img" font-family="{FONT}" fill="{TEXT}">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        f'<text x="16" y="26" font-size="16" font-weight="600">{escape(title)}</text>',
        *_legend(levels),
        *_grid(height),
    ]
    y = TOP
    for name in names:
        parts += _rows(name, [results[level][name] for level in levels], y)
        y += len(levels) * BAR + GAP
    return "\n".join([*parts, "</svg>"]) + "\n"


def _place(share: float) -> float:
    return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)


def _legend(levels: Sequence[str]) -> Iterator[str]:
    x = LEFT
    for level, colour in zip(levels, COLOURS, strict=True):
        yield f'<rect x="{x}" y="41" width="12" height="12" fill="{colour}"/>'
        yield f'<text x="{x + 18}" y="51" font-size="12">{escape(level)}</text>'
        x += 90
    yield f'<path d="M{x + 5} 40v14" stroke="{TEXT}" stroke-width="2"/>'
    yield f'<text x="{x + 14}" y="51" font-size="12">burst began within the two hours</text>'


def _grid(height: int) -> Iterator[str]:
    for tenth in range(0, 11, 2):
        x = _place(tenth / 10)
        yield f'<path d="M{x} {TOP - 8}V{height - 28}" stroke="{FAINT}"/>'
        yield (
            f'<text x="{x}" y="{height - 12}" font-size="11" text-anchor="middle">'
            f"{tenth / 10:.1f}</text>"
        )


def _rows(name: str, found: Sequence[Precision], y: int) -> Iterator[str]:
    middle = y + len(found) * BAR / 2 + 4
    weight = ' font-weight="600"' if name.startswith("(c") else ""
    yield (
        f'<text x="{LEFT - 10}" y="{middle}" font-size="12" text-anchor="end"{weight}>'
        f"{escape(name)}</text>"
    )
    for each, colour in zip(found, COLOURS, strict=True):
        end, tick = _place(each.bursting), _place(each.beginning)
        yield (
            f'<rect x="{LEFT}" y="{y}" width="{round(end - LEFT, 1)}" height="{BAR - 1}" '
            f'fill="{colour}"/>'
        )
        yield f'<path d="M{tick} {y}v{BAR - 1}" stroke="{TEXT}" stroke-width="2"/>'
        yield f'<text x="{end + 4}" y="{y + BAR - 2}" font-size="10">{each.bursting:.2f}</text>'
        y += BAR
