"""Quarters of an hour, and adding them up."""

from datetime import UTC, datetime

from shared.storage.quarters import (
    add_up,
    day_name,
    day_number,
    late_before,
    quarter_of,
    quarters,
    start_of,
)

MONDAY = day_number("2026-11-23") * 96
"""The first quarter of that day."""


def test_a_quarter_lasts_fifteen_minutes() -> None:
    assert quarter_of(datetime(1970, 1, 1, tzinfo=UTC)) == 0
    assert quarter_of(datetime(1970, 1, 1, 0, 14, 59, 999_999, tzinfo=UTC)) == 0
    assert quarter_of(datetime(1970, 1, 2, 0, 15, tzinfo=UTC)) == 97


def test_a_quarter_leads_back_to_its_start() -> None:
    moment = datetime(2026, 11, 23, 7, 45, tzinfo=UTC)
    assert start_of(quarter_of(moment)) == moment


def test_days_have_the_names_that_buckets_give_them() -> None:
    assert day_name(0) == "1970-01-01"
    assert day_number("2024-02-29") - day_number("2024-02-28") == 1
    assert day_name(quarter_of(datetime(2026, 11, 23, 23, 59, tzinfo=UTC)) // 96) == "2026-11-23"


def test_a_bucket_holds_its_quarters_by_name() -> None:
    assert list(quarters("2026-11-23", {"0": 5, "95": 7})) == [(MONDAY, 5), (MONDAY + 95, 7)]


def test_reads_are_added_up_between_edges() -> None:
    edges = [MONDAY, MONDAY + 4, MONDAY + 8]
    parts = [(MONDAY - 1, 100), (MONDAY, 1), (MONDAY + 3, 2), (MONDAY + 4, 4), (MONDAY + 8, 100)]
    assert add_up(edges, parts) == [3, 4]


def test_a_range_without_reads_is_zero() -> None:
    assert add_up([0, 4, 8, 12], [(9, 1)]) == [0, 0, 1]


def test_a_quarter_is_late_two_hours_after_its_end() -> None:
    seven = quarter_of(datetime(2026, 11, 23, 7, tzinfo=UTC))  # it ends at 07:15
    assert late_before(datetime(2026, 11, 23, 9, 14, 59, tzinfo=UTC)) == seven
    assert late_before(datetime(2026, 11, 23, 9, 15, tzinfo=UTC)) == seven + 1
