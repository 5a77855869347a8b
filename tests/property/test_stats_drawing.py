"""Every plot is well-formed XML, draws inside its box, and is true to its numbers."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from lxml import etree

from services.stats.drawing.bars import Bar, bars_plot, stack_plot
from services.stats.drawing.heat import heat_plot
from services.stats.drawing.lines import course_plot, sparkline
from services.stats.drawing.markup import BOX_HEIGHT, Caption
from services.stats.drawing.notation import ENGLISH, VIETNAMESE
from services.stats.drawing.scales import (
    NARROWEST,
    SIZE,
    Mark,
    axis_of,
    fitting,
    nice_ticks,
    shortened,
    text_width,
)

SVG = "{http://www.w3.org/2000/svg}"
READS = st.none() | st.integers(0, 20) | st.integers(0, 10**12)
COURSE = st.lists(READS, max_size=40)
TEXT = st.text(max_size=60)
MARKS = st.lists(st.builds(Mark, st.floats(0, 1), TEXT), max_size=12).map(
    lambda some: sorted(some, key=lambda mark: mark.place)
)
BIG = 10**12


def parsed(drawn: str) -> Any:
    """The root; raises if the XML is not well-formed."""
    root = etree.fromstring(drawn.encode())
    assert not [name for each in root.iter() for name in each.attrib if name == "style"]
    return root


def points(root: Any) -> Iterator[tuple[str, float, float]]:
    """(class, x, y) of each point of the paths."""
    for path in root.iter(f"{SVG}path"):
        for x, y in re.findall(r"[ML]([-\d.e]+) ([-\d.e]+)", path.get("d")):
            yield path.get("class"), float(x), float(y)


def caption(text: str) -> Caption:
    return Caption("a", text, text)


@given(COURSE, COURSE, MARKS, TEXT, st.sampled_from([VIETNAMESE, ENGLISH]))
@example([], [], [], "", VIETNAMESE)
@example([5], [], [], "", VIETNAMESE)
@example([0, 0, 0], [0], [], "", VIETNAMESE)
@example([None, None], [None], [], "", ENGLISH)
@example([BIG, None, 1], [BIG], [], "", ENGLISH)
def test_a_course_is_inside_its_box_and_true(
    now: list[int | None], before: list[int | None], marks: list[Mark], text: str, notation: Any
) -> None:
    root = parsed(course_plot(caption(text), now, before, marks, notation))
    found = list(points(root))
    assert all(0 <= x <= SIZE and 0 <= y <= SIZE for _, x, y in found)
    top = axis_of([*now, *before]).top
    for kind, values in (("now", now), ("before", before)):
        heights = [SIZE - y for name, _, y in found if name == kind]
        wanted = [SIZE * each / top for each in values if each is not None]
        assert len(heights) == len(wanted)
        assert all(abs(a - b) < 0.011 for a, b in zip(heights, wanted, strict=True))
    xs = [x for name, x, _ in found if name == "now"]
    assert xs == sorted(xs)


@given(st.lists(st.integers(0, BIG), max_size=30), TEXT)
def test_bars_are_proportional(values: list[int], text: str) -> None:
    bars = [Bar(text, value, VIETNAMESE.whole(value)) for value in values]
    root = parsed(bars_plot(caption(text), bars, sum(values)))
    lengths = [
        float(each.get("width").removesuffix("%"))
        for each in root.iter(f"{SVG}rect")
        if each.get("class") == "bar"
    ]
    total = sum(values)
    assert len(lengths) == len(values)
    for length, value in zip(lengths, values, strict=True):
        assert abs(length - (100 * value / total if total else 0)) < 0.006
    height = float(root.get("height"))
    assert all(
        float(e.get("y")) + float(e.get("height")) <= height for e in root.iter(f"{SVG}rect")
    )


@given(st.integers(1, 7).flatmap(
    lambda kinds: st.lists(st.lists(READS, min_size=kinds, max_size=kinds), max_size=30)
), TEXT)  # fmt: skip
def test_stacks_are_proportional_and_add_up(stacks: list[list[int | None]], text: str) -> None:
    root = parsed(stack_plot(caption(text), stacks, [], ENGLISH))
    top = axis_of([sum(filter(None, stack)) for stack in stacks]).top
    parts = [
        {name: float(each.get(name)) for name in ("x", "y", "width", "height")}
        for each in root.iter(f"{SVG}rect")
    ]
    wanted = [value for stack in stacks for value in stack if value]
    assert len(parts) == len(wanted)
    for part, value in zip(parts, wanted, strict=True):
        assert abs(part["height"] - SIZE * value / top) < 0.021
        assert part["x"] >= 0
        assert part["x"] + part["width"] <= SIZE + 0.01
        assert part["y"] >= -0.01
        assert part["y"] + part["height"] <= SIZE + 0.02


@given(st.lists(st.lists(READS, min_size=24, max_size=24), min_size=7, max_size=7), TEXT)
def test_a_heat_map_is_darker_where_there_is_more(cells: list[Any], text: str) -> None:
    names = [text] * 7
    root = parsed(heat_plot(caption(text), names, [text] * 24, cells, lambda y, x: f"{y} {x}"))
    shades = [each.get("class") for each in root.iter(f"{SVG}rect")]
    flat = [value for row in cells for value in row]
    assert len(shades) == 7 * 24
    known = sorted(
        (value, int(shade[1:]))
        for value, shade in zip(flat, shades, strict=True)
        if value is not None
    )
    assert [shade for _, shade in known] == sorted(shade for _, shade in known)
    assert all((shade == 0) == (value == 0) for value, shade in known)
    unknown = [shade for value, shade in zip(flat, shades, strict=True) if value is None]
    assert set(unknown) <= {"hx"}


@given(TEXT, COURSE)
def test_a_sparkline_is_inside_its_box(text: str, values: list[int | None]) -> None:
    root = parsed(sparkline(text, values))
    assert all(0 <= x <= SIZE and 0 <= y <= SIZE for _, x, y in points(root))


@given(st.integers(0, 10**18))
def test_ticks_reach_the_largest_number_in_equal_round_steps(most: int) -> None:
    ticks = nice_ticks(most)
    steps = {b - a for a, b in pairwise(ticks)}
    assert ticks[0] == 0
    assert ticks[-1] >= most
    assert 2 <= len(ticks) <= 5
    assert len(steps) == 1
    assert re.fullmatch("[125]0*", str(steps.pop()))
    assert ticks[-1] <= 2.5 * most or ticks == [0, 1]


@given(MARKS, st.integers(100, 1200))
def test_kept_texts_never_touch(marks: list[Mark], width: int) -> None:
    spans = [mark.span(width) for mark in fitting(marks, width)]
    assert all(a[1] < b[0] for a, b in pairwise(spans))
    assert bool(spans) == bool(marks)


@given(st.text(max_size=200), st.integers(30, NARROWEST))
def test_a_shortened_text_fits(text: str, pixels: int) -> None:
    assert text_width(shortened(text, pixels)) <= pixels


def test_a_plot_fits_the_narrowest_screen_of_360_pixels() -> None:
    assert NARROWEST <= 360 - 2 * 16
    assert BOX_HEIGHT > 100
