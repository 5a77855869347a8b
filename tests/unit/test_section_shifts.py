"""What articles that move to other sections change in the sections' quarters."""

from services.stats.traffic.sections.moves import section_shifts

MOVES = {"a": ("", "kinh-te"), "b": ("the-thao", "kinh-te")}


def test_reads_of_several_articles_are_one_change_of_each_day_and_section() -> None:
    reads = {"a": {20000: {"5": 2}}, "b": {20000: {"5": 1, "6": 4}, 20001: {"0": 3}}}
    shifts = section_shifts(MOVES, reads, {20000: 0, 20001: 0}, {})
    assert shifts.stale == set()
    assert shifts.added == {
        ("", "2024-10-04"): {"5": -2},
        ("kinh-te", "2024-10-04"): {"5": 3, "6": 4},
        ("the-thao", "2024-10-04"): {"5": -1, "6": -4},
        ("the-thao", "2024-10-05"): {"0": -3},
        ("kinh-te", "2024-10-05"): {"0": 3},
    }


def test_days_that_are_not_made_or_lack_late_reads_are_left_to_their_making() -> None:
    reads = {"a": {20000: {"5": 2}, 20001: {"5": 2}}}
    shifts = section_shifts(MOVES, reads, {20001: 1}, {"2024-10-05": 2})
    assert (shifts.added, shifts.stale) == ({}, {"2024-10-05"})


def test_articles_without_reads_change_nothing() -> None:
    assert section_shifts(MOVES, {}, {20000: 0}, {}).added == {}
