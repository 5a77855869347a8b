"""What `make watch-check` makes of a dashboard's JSON before it asks, and how it writes values."""

import pytest

from tests.watch.answers import inner, label
from tests.watch.boards import Board, Span, fill, shown
from tests.watch.chart import Curve
from tests.watch.units import written


def test_variables_are_filled_in_whole() -> None:
    choice = {"window": "24h", "section": ".*"}
    assert fill("/top?window=${window}&x=$windowed", choice) == "/top?window=24h&x=$windowed"
    assert fill('{section=~"$section"}', choice) == '{section=~".*"}'
    assert Span(100.0, 249.5).filled("rate(x[$__rate_interval]) [$__range]") == "rate(x[4s]) [150s]"
    asked = "from=${__from:date:iso}&to=${__to:date:iso}&s=$__range_s"
    told = "from=1970-01-01T00:01:40.000Z&to=1970-01-01T00:04:09.500Z&s=150"
    assert Span(100.0, 249.5).filled(asked) == told


def test_a_field_within_a_field_is_found_by_its_selector() -> None:
    item = {"time": 5, "by": {"search": 3}}
    assert [inner(item, name) for name in ("time", "by.search", "by.x", "x.y")] == [
        5,
        3,
        None,
        None,
    ]


def test_stacked_bars_begin_where_the_one_below_ends() -> None:
    under = Curve("under", [(0.0, 2.0), (60.0, 5.0)], {})
    upper = Curve("upper", [(60.0, 4.0)], {}, [5.0])
    assert (under.tops(), upper.tops()) == ([2.0, 5.0], [9.0])


def test_a_repeated_panel_appears_once_for_each_value_and_moves_what_is_below() -> None:
    place = {"x": 0, "y": 3, "w": 4, "h": 5}
    panels = [
        {"type": "timeseries", "title": "Of $s", "gridPos": place, "repeat": "s", "maxPerRow": 2},
        {"type": "row", "title": "Below", "gridPos": {"x": 0, "y": 8, "w": 24, "h": 1}},
    ]
    variable = {"type": "query", "name": "s", "allValue": ".*"}
    board = Board("x", {"templating": {"list": [variable]}, "panels": panels})
    placed = [(p.title, p.json["gridPos"]) for p in shown(board, {"s": ["a", "b", "c"]})]
    assert placed == [
        ("Of a", {"x": 0, "y": 3, "w": 12, "h": 5}),
        ("Of b", {"x": 12, "y": 3, "w": 12, "h": 5}),
        ("Of c", {"x": 0, "y": 8, "w": 12, "h": 5}),
        ("Below", {"x": 0, "y": 13, "w": 24, "h": 1}),
    ]


def test_a_series_is_named_by_the_legend() -> None:
    assert label("{{queue}}: {{reason}}", {"queue": "a", "reason": "bug"}) == "a: bug"
    assert label("{{section}}", {}) == ""


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0123, "percentunit", "1.2 %"),
        (1536, "bytes", "1.5 KiB"),
        (0.25, "s", "250 ms"),
        (100, "s", "1.7 min"),
        (2.5, "reqps", "2.5 req/s"),
        (29162, "locale", "29,162"),
        (1029.25, "locale", "1,029"),
        (1221, "short", "1.22 K"),
        (0, "s", "0 s"),
    ],
)
def test_values_are_written_with_their_units(value: float, unit: str, text: str) -> None:
    assert written(value, unit) == text
