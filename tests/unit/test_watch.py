"""What `make watch-check` makes of a dashboard's JSON before it asks, and how it writes values."""

import pytest

from tests.watch.answers import label
from tests.watch.boards import Board, Span, fill, shown
from tests.watch.units import written


def test_variables_are_filled_in_whole() -> None:
    choice = {"window": "24h", "section": ".*"}
    assert fill("/top?window=${window}&x=$windowed", choice) == "/top?window=24h&x=$windowed"
    assert fill('{section=~"$section"}', choice) == '{section=~".*"}'
    assert Span(100.0, 249.5).filled("rate(x[$__rate_interval]) [$__range]") == "rate(x[4s]) [150s]"


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
        (1221, "short", "1.22 K"),
        (0, "s", "0 s"),
    ],
)
def test_values_are_written_with_their_units(value: float, unit: str, text: str) -> None:
    assert written(value, unit) == text
