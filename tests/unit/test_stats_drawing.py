"""Plots and numbers for people: what is drawn, and what is said."""

import re
from itertools import pairwise

import pytest
from lxml import etree

from services.stats.drawing.bars import Bar, bars_plot, stack_plot
from services.stats.drawing.heat import heat_level, heat_plot
from services.stats.drawing.lines import course_plot, sparkline
from services.stats.drawing.markup import Caption, numbers_table
from services.stats.drawing.notation import ENGLISH, VIETNAMESE
from services.stats.drawing.scales import Mark, fitting, nice_ticks, shortened

CAPTION = Caption("a", "Lượt đọc", "Tổng 6.")
HOSTILE = """<script>alert("x")</script>' & \0\x0b\ud800 ]]> <!--"""
SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize(
    ("value", "vietnamese", "english"),
    [
        (None, "—", "—"),
        (0, "0", "0"),
        (7, "7", "7"),
        (7666, "7.666", "7,666"),
        (1_234_567, "1.234.567", "1,234,567"),
        (10**12, "1.000.000.000.000", "1,000,000,000,000"),
    ],
)
def test_whole_numbers_have_their_digits_in_groups(
    value: int | None, vietnamese: str, english: str
) -> None:
    assert (VIETNAMESE.whole(value), ENGLISH.whole(value)) == (vietnamese, english)


@pytest.mark.parametrize(
    ("value", "vietnamese", "english"),
    [
        (0, "0", "0"),
        (999, "999", "999"),
        (1000, "1 nghìn", "1K"),
        (1500, "1,5 nghìn", "1.5K"),
        (12_500, "12,5 nghìn", "12.5K"),
        (150_000, "150 nghìn", "150K"),
        (960_000, "960 nghìn", "960K"),
        (999_499, "999 nghìn", "999K"),
        (999_950, "1 triệu", "1M"),
        (2_300_000, "2,3 triệu", "2.3M"),
        (4 * 10**9, "4 tỷ", "4B"),
        (10**12, "1 nghìn tỷ", "1T"),
        (5 * 10**15, "5.000 nghìn tỷ", "5,000T"),
    ],
)
def test_short_numbers_have_a_unit(value: int, vietnamese: str, english: str) -> None:
    assert (VIETNAMESE.short(value).replace("\xa0", " "), ENGLISH.short(value)) == (
        vietnamese,
        english,
    )


@pytest.mark.parametrize(
    ("now", "before", "told"),
    [
        (112, 100, "+12 %"),
        (1123, 1000, "+12,3 %"),
        (92, 100, "−8 %"),
        (100, 100, "±0 %"),
        (5, 0, "—"),
        (5, None, "—"),
        (0, 7, "−100 %"),
        (30_000, 1, "+2.999.900 %"),
    ],
)
def test_changes_are_in_percent(now: int, before: int | None, told: str) -> None:
    assert VIETNAMESE.change(now, before).replace("\xa0", " ") == told


@pytest.mark.parametrize(
    ("most", "ticks"),
    [
        (0, [0, 1]),
        (1, [0, 1]),
        (3, [0, 1, 2, 3]),
        (7, [0, 2, 4, 6, 8]),
        (40, [0, 10, 20, 30, 40]),
        (41, [0, 20, 40, 60]),
        (12_345, [0, 5000, 10_000, 15_000]),
        (10**12, [0, 5 * 10**11, 10**12]),
    ],
)
def test_ticks_are_round_and_few(most: int, ticks: list[int]) -> None:
    assert nice_ticks(most) == ticks


def test_texts_that_would_touch_are_left_out_evenly() -> None:
    marks = [Mark((place + 0.5) / 24, f"{place}:00") for place in range(24)]
    kept = fitting(marks, 290)
    assert [mark.text for mark in kept] == ["0:00", "5:00", "10:00", "15:00", "20:00"]
    spans = [mark.span(290) for mark in kept]
    assert all(right < left for (_, right), (left, _) in pairwise(spans))
    assert spans[0][0] >= 0
    assert spans[-1][1] <= 290


def test_a_long_name_is_cut() -> None:
    assert shortened("Văn hóa", 200) == "Văn hóa"
    assert shortened("Một chuyên mục có tên rất là dài", 130) == "Một chuyên mục…"
    assert shortened("W" * 50, 130) == "WWWWWWWW…"


def test_a_course_has_a_line_for_each_stretch_that_is_known() -> None:
    drawn = course_plot(CAPTION, [0, 10, None, 5], [None, 20], [Mark(0.5, "giữa")], VIETNAMESE)
    assert re.findall('<path class="(.*?)" d="(.*?)"/>', drawn) == [
        ("area", "M125 1000L125 1000L375 500L375 1000z"),
        ("area", "M875 1000L875 750L875 1000z"),
        ("before", "M375 0h0"),
        ("now", "M125 1000L375 500"),
        ("now", "M875 750h0"),
    ]
    assert re.findall("<text.*?>(.*?)</text>", drawn) == ["5", "10", "15", "20", "giữa"]


@pytest.mark.parametrize(
    ("values", "unfinished", "whole", "running"),
    [
        ([4, 4, 2, None], 2, ["M125 0L375 0"], ["M375 0L625 500"]),
        ([4, None, 2, None], 2, ["M125 0h0"], ["M625 500h0"]),
        ([4], 0, [], ["M500 0h0"]),
        ([4, 4], 1, ["M250 0h0"], ["M250 0L750 0"]),
        ([4, None], 1, ["M250 0h0"], []),
        ([None, None], 0, [], []),
    ],
)
def test_a_step_that_is_not_over_is_not_drawn_as_a_fall(
    values: list[int | None], unfinished: int, whole: list[str], running: list[str]
) -> None:
    svg = course_plot(CAPTION, values, [], [], VIETNAMESE, unfinished=unfinished)
    assert re.findall(r'class="now" d="([^"]*)"', svg) == whole
    assert re.findall(r'class="open" d="([^"]*)"', svg) == running


def test_bars_are_as_long_as_their_share_of_all() -> None:
    bars = [Bar("A", 200, "200"), Bar("B", 50, "50"), Bar("C", 0, "0")]
    found = re.findall('class="bar" x="0" y="(.*?)" width="(.*?)"', bars_plot(CAPTION, bars, 250))
    assert found == [("22", "80%"), ("62", "20%"), ("102", "0%")]
    assert 'width="0%"' in bars_plot(CAPTION, [Bar("A", 0, "0")], 0)


def test_a_sparkline_reaches_its_upper_edge_whatever_its_largest_number() -> None:
    for most in (1, 7, 140, 151):
        drawn = sparkline("reads", [0, most, None, 0])
        heights = {point.split()[1] for point in re.findall("[ML](.*? [0-9.]+)", drawn)}
        assert heights == {"0", "1000"}, (most, drawn)
    assert "NaN" not in sparkline("none", [None, 0])


def test_stacks_stand_on_each_other() -> None:
    drawn = stack_plot(CAPTION, [[10, 30], [None, None], [0, 20]], [], VIETNAMESE)
    shapes = re.findall('<rect class="(.*?)" x="(.*?)" y="(.*?)" width=".*?" height="(.*?)"', drawn)
    assert shapes == [
        ("s0", "30", "750", "250"),
        ("s1", "30", "0", "750"),
        ("s1", "696.67", "500", "500"),
    ]


def test_a_heat_map_has_a_shade_for_each_cell() -> None:
    assert [heat_level(n, 100) for n in (0, 1, 16, 17, 50, 99, 100)] == [0, 1, 1, 2, 4, 6, 6]
    assert heat_level(0, 0) == 0
    cells: list[list[float | None]] = [[0, 50], [None, 100]]
    drawn = heat_plot(CAPTION, ["T2", "T3"], ["0h", "1h"], cells, lambda y, x: f"{y}.{x}")
    assert re.findall('<rect class="(.*?)" x="(.*?)" y="(.*?)" .*?<title>(.*?)<', drawn) == [
        ("h0", "0.04", "0.04", "0.0"),
        ("h4", "1.04", "0.04", "0.1"),
        ("hx", "0.04", "1.04", "1.0"),
        ("h6", "1.04", "1.04", "1.1"),
    ]


def test_hostile_texts_are_texts() -> None:
    caption = Caption("a", HOSTILE, HOSTILE)
    told = HOSTILE.replace("\0", "\ufffd").replace("\x0b", "\ufffd").replace("\ud800", "\ufffd")
    for drawn in (
        course_plot(caption, [1], [], [Mark(0.5, HOSTILE)], VIETNAMESE),
        bars_plot(caption, [Bar("x", 1, HOSTILE)], 1),
        heat_plot(caption, [HOSTILE], [HOSTILE], [[1]], lambda _y, _x: HOSTILE),
        sparkline(HOSTILE, [1, 2]),
    ):
        root = etree.fromstring(drawn)
        assert root.tag == f"{SVG}svg"
        assert told in [each.text for each in root.iter()]
        assert not root.findall(f".//{SVG}script")
    table = etree.fromstring(numbers_table(HOSTILE, [HOSTILE], [[HOSTILE, HOSTILE]]))
    assert [each.text for each in table.iter("caption", "th", "td")] == [told] * 4
    assert table.get("aria-label") == told


def test_a_plot_is_told_to_those_who_cannot_see_it() -> None:
    root = etree.fromstring(course_plot(CAPTION, [1, 2], [], [], VIETNAMESE))
    assert root.get("role") == "img"
    texts = {each.get("id"): each.text for each in root if each.get("id")}
    assert [texts[each] for each in str(root.get("aria-labelledby")).split()] == [
        "Lượt đọc",
        "Tổng 6.",
    ]
    assert "style" not in {name for each in root.iter() for name in each.attrib}
