"""Lines and bars over time as SVG, with axes, thresholds and a legend."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from html import escape
from itertools import pairwise
from typing import Any

from tests.watch.answers import Point
from tests.watch.units import written

PALETTE = ("#73bf69", "#f2cc0c", "#5794f2", "#ff780a", "#b877d9", "#f2495c", "#8ab8ff", "#ffb357")
COLORS = {
    "green": "#73bf69",
    "yellow": "#f2cc0c",
    "red": "#f2495c",
    "blue": "#5794f2",
    "purple": "#b877d9",
    "gray": "#7b8087",
}
LEFT, RIGHT, TOP, BOTTOM = 66, 10, 6, 20
LEGEND = 18
TICKS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600)
DAYS = tuple(86_400 * number for number in (1, 2, 5, 10))


@dataclass(frozen=True)
class Curve:
    """A series as it is drawn; `style` has Grafana's `lineWidth`, `lineStyle` and `drawStyle`.
    `bases` has for each bar where it begins: 0 without them. Without a `color`
    it gets one of the palette.
    """

    name: str
    points: Sequence[Point]
    style: dict[str, Any]
    bases: Sequence[float] = ()
    color: str = ""

    def tops(self) -> list[float]:
        """Where its bars or its line end."""
        bases = self.bases or [0.0] * len(self.points)
        return [base + value for base, (_, value) in zip(bases, self.points, strict=True)]


@dataclass(frozen=True)
class Frame:
    """The size in pixels, the time in seconds since 1970 and the unit of a chart.

    `limits` are values with a colour, each drawn as a line.
    """

    width: int
    height: int
    start: float
    end: float
    unit: str
    limits: Sequence[tuple[float, str]] = ()
    legend: int = 1
    """Lines of the legend; `chart` finds out how many."""

    @property
    def across(self) -> int:
        """The width of the plot."""
        return self.width - LEFT - RIGHT

    @property
    def up(self) -> int:
        """The height of the plot."""
        return self.height - TOP - BOTTOM - LEGEND * self.legend


def chart(frame: Frame, curves: Sequence[Curve]) -> str:
    """The chart as one <svg>."""
    lines = 1 + max((line for _, (line, _) in _entries(frame.width, curves)), default=0)
    frame = replace(frame, legend=lines)
    highest = max((top for curve in curves for top in curve.tops()), default=0.0)
    ticks = _ticks(highest, frame.unit)
    parts = [_axis(frame, ticks), _clock(frame)]
    for number, curve in enumerate(curves):
        color = curve.color or PALETTE[number % len(PALETTE)]
        draw = _bars if curve.style.get("drawStyle") == "bars" else _line
        parts.append(draw(frame, curve, ticks[-1], color))
    for value, color in frame.limits:
        if value <= ticks[-1]:
            y = _y(frame, value, ticks[-1])
            parts.append(
                f'<line x1="{LEFT}" x2="{frame.width - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" '
                f'stroke="{COLORS[color]}" stroke-width="1" stroke-dasharray="5 4"/>'
            )
    parts.append(_legend(frame, curves))
    size = f'width="{frame.width}" height="{frame.height}"'
    return f"<svg {size} font-size='11' fill='#9da3ae'>{''.join(parts)}</svg>"


def _ticks(highest: float, unit: str) -> list[float]:
    """From 0 to at least `highest`, at even distances that are round numbers."""
    if highest <= 0:
        return [0, 1]
    rough = highest / 4
    power = 10 ** math.floor(math.log10(rough))
    step = next(power * nice for nice in (1, 2, 2.5, 5, 10) if power * nice >= rough)
    if unit == "s" and rough > 15:
        step = next((tick for tick in TICKS if tick >= rough), step)
    return [step * number for number in range(math.ceil(highest / step - 1e-9) + 1)]


def _y(frame: Frame, value: float, highest: float) -> float:
    return TOP + frame.up * (1 - min(max(value / highest, 0.0), 1.0))


def _x(frame: Frame, moment: float) -> float:
    return LEFT + frame.across * (moment - frame.start) / (frame.end - frame.start)


def _axis(frame: Frame, ticks: Sequence[float]) -> str:
    parts = []
    for value in ticks:
        y = _y(frame, value, ticks[-1])
        parts.append(
            f'<line x1="{LEFT}" x2="{frame.width - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" '
            'stroke="#2c3038"/>'
            f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">'
            f"{escape(written(value, frame.unit))}</text>"
        )
    return "".join(parts)


def _clock(frame: Frame) -> str:
    wide = (frame.end - frame.start) / max(2, frame.across // 90)
    step = next((tick for tick in (*TICKS, *DAYS) if tick >= wide), DAYS[-1])
    form = "%d/%m" if step >= DAYS[0] else "%H:%M" if step >= 60 else "%H:%M:%S"
    parts = []
    moment = math.ceil(frame.start / step) * step
    while moment <= frame.end:
        told = datetime.fromtimestamp(moment, UTC).strftime(form)
        x = min(_x(frame, moment), frame.width - RIGHT - 22)
        parts.append(
            f'<text x="{x:.1f}" y="{TOP + frame.up + 15}" text-anchor="middle">{told}</text>'
        )
        moment += step
    return "".join(parts)


def _line(frame: Frame, curve: Curve, highest: float, color: str) -> str:
    """A line, broken where points are missing."""
    if not curve.points:
        return ""
    times = [moment for moment, _ in curve.points]
    gap = 3.5 * min((b - a for a, b in pairwise(times)), default=1.0)
    path, before = [], -math.inf
    for moment, value in curve.points:
        order = "L" if moment - before <= gap else "M"
        path.append(f"{order}{_x(frame, moment):.1f} {_y(frame, value, highest):.1f}")
        before = moment
    dash = " ".join(str(length) for length in curve.style.get("lineStyle", {}).get("dash", []))
    width = max(1.3, curve.style.get("lineWidth", 1.5))
    return (
        f'<path d="{"".join(path)}" fill="none" stroke="{color}" stroke-width="{width}" '
        f'stroke-dasharray="{dash}" stroke-linejoin="round" stroke-linecap="round"/>'
    )


def _bars(frame: Frame, curve: Curve, highest: float, color: str) -> str:
    times = [moment for moment, _ in curve.points]
    step = min((b - a for a, b in pairwise(times)), default=frame.end - frame.start)
    wide = frame.across * step / (frame.end - frame.start)
    parts = []
    for (moment, value), top in zip(curve.points, curve.tops(), strict=True):
        y = _y(frame, top, highest)
        down = _y(frame, top - value, highest)
        parts.append(
            f'<rect x="{_x(frame, moment):.1f}" y="{y:.1f}" width="{wide * 0.7:.1f}" '
            f'height="{down - y:.1f}" fill="{color}" fill-opacity="0.75"/>'
        )
    return "".join(parts)


def _legend(frame: Frame, curves: Sequence[Curve]) -> str:
    parts = []
    for number, (curve, (line, x)) in enumerate(_entries(frame.width, curves)):
        color = curve.color or PALETTE[number % len(PALETTE)]
        y = frame.height - 5 - LEGEND * (frame.legend - 1 - line)
        dash = " ".join(str(n) for n in curve.style.get("lineStyle", {}).get("dash", []))
        width = min(curve.style.get("lineWidth", 2) or 3, 3)
        parts.append(
            f'<line x1="{x}" x2="{x + 14}" y1="{y - 4}" y2="{y - 4}" stroke="{color}" '
            f'stroke-width="{width}" stroke-dasharray="{dash}"/>'
            f'<text x="{x + 19}" y="{y}">{escape(curve.name)}</text>'
        )
    return "".join(parts)


def _entries(wide: int, curves: Sequence[Curve]) -> list[tuple[Curve, tuple[int, int]]]:
    """Each curve's line and pixel in the legend."""
    entries, line, x = [], 0, LEFT
    for curve in curves:
        width = 26 + round(6.4 * len(curve.name))
        if x > LEFT and x + width > wide:
            line, x = line + 1, LEFT
        entries.append((curve, (line, x)))
        x += width
    return entries
