"""Projections: what makes one right."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from services.stats.traffic.pieces import Piece
from services.stats.traffic.pipelines import day_parts, day_rows, may_be_archived, segments
from services.stats.traffic.projections import is_balanced, is_right, marks, projection
from services.stats.traffic.site_buckets import READS, site_days
from shared.storage.quarters import day_number, quarter_of

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
AT = datetime(2026, 11, 23, 21, tzinfo=UTC)
FIRST = quarter_of(datetime(2026, 11, 22, 17, tzinfo=UTC))
DAY = Piece("day", FIRST, FIRST + 96)
LATE = {"2026-11-21": 9, "2026-11-22": 1, "2026-11-23": 2, "2026-11-24": 9}


def test_a_projection_says_what_it_stands_for_and_which_markers_there_were() -> None:
    assert projection(DAY, HANOI, {"a": 3, "b": 0}, 3, LATE, AT) == {
        "_id": "day/2026-11-23",
        "v": 1,
        "kind": "day",
        "zone": "Asia/Ho_Chi_Minh",
        "first": FIRST,
        "end": FIRST + 96,
        "reads": {"a": 3},
        "site": 3,
        "late": {"2026-11-22": 1, "2026-11-23": 2},
        "made_at": AT,
    }


@pytest.mark.parametrize(
    ("late", "right"),
    [
        (LATE, True),
        (LATE | {"2026-11-21": 10}, True),
        (LATE | {"2026-11-22": 2}, False),
        ({"2026-11-22": 1}, False),
        ({}, False),
    ],
)
def test_a_projection_is_right_until_one_of_its_days_has_another_marker(
    late: dict[str, int], right: bool
) -> None:
    made = projection(DAY, HANOI, {"a": 3}, 3, LATE, AT)
    assert is_right(made, DAY, HANOI, late) is right


def test_a_projection_of_another_zone_or_time_is_not_right() -> None:
    made = projection(DAY, HANOI, {}, 0, {}, AT)
    assert not is_right(None, DAY, HANOI, {})
    assert not is_right(made, DAY, ZoneInfo("Asia/Bangkok"), {})
    assert not is_right(made, Piece("day", FIRST, FIRST + 100), HANOI, {})
    assert not is_right(made, Piece("day", FIRST - 4, FIRST + 96), HANOI, {})


def test_a_projection_is_balanced_if_the_articles_add_up_to_the_site() -> None:
    assert is_balanced(projection(DAY, HANOI, {"a": 3, "b": 4}, 7, {}, AT))
    assert not is_balanced(projection(DAY, HANOI, {"a": 3, "b": 4}, 8, {}, AT))


def test_only_days_with_markers_are_noted() -> None:
    days = range(day_number("2026-11-22"), day_number("2026-11-26"))
    assert marks(days, LATE) == {"2026-11-22": 1, "2026-11-23": 2, "2026-11-24": 9}
    assert marks(days, {}) == {}


def test_the_site_s_reads_are_told_apart_by_class_and_source() -> None:
    plain = {"day": "1970-01-02", "q": {"0": 5, "95": 1}}
    more = {
        "day": "1970-01-02",
        "q": {"0": 3},
        "by": {"batch": {"0": 2}, "bot": {"1": 7}},
        "referrer": {"search": {"0": 1}},
        "device": {"mobile": {"0": 1}},
    }
    assert site_days([plain, more]) == {
        1: {
            READS: {0: 8, 95: 1},
            ("class", "reader"): {0: 6, 95: 1},
            ("class", "batch"): {0: 2},
            ("class", "bot"): {1: 7},
            ("referrer", "search"): {0: 1},
            ("device", "mobile"): {0: 1},
        }
    }


def test_a_span_has_whole_days_and_cut_ones() -> None:
    assert day_parts((96 * 3 + 68, 96 * 5 + 4)) == {
        "1970-01-04": (68, 96),
        "1970-01-05": (0, 96),
        "1970-01-06": (0, 4),
    }
    assert day_parts((10, 12)) == {"1970-01-01": (10, 12)}


def test_a_row_of_a_day_has_the_reads_of_each_segment() -> None:
    places = segments([68, 96 + 68, 96 * 2 + 72])
    assert places == [0, 68, 72, 96]
    row = {"_id": "1970-01-02", "s0": 1, "s68": 2, "s72": 3}
    assert list(day_rows(row, places)) == [(96, 1), (164, 2), (168, 3)]


def test_days_of_three_months_and_more_may_be_archived() -> None:
    today = 1_000_000
    assert may_be_archived(today - 96 * 95 - 1, today)
    assert not may_be_archived(today - 96 * 95, today)
