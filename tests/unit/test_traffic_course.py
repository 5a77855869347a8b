"""Courses: any span of quarters is two look-ups."""

import random

import pytest

from services.stats.traffic.course import NO_READS, Course, LongCourse, SparseCourse


def test_a_course_knows_the_reads_of_any_span() -> None:
    course = Course(100, [5, 0, 7])
    assert (course.first, course.end) == (100, 103)
    assert [course.between(a, b) for a, b in ((100, 101), (100, 103), (101, 102), (102, 103))] == [
        5,
        12,
        0,
        7,
    ]


def test_there_are_no_reads_outside_of_a_course() -> None:
    course = Course(100, [5, 0, 7])
    assert (course.until(0), course.until(100), course.until(10**9)) == (0, 0, 12)
    assert (course.between(0, 100), course.between(103, 200), course.between(0, 200)) == (0, 0, 12)


def test_a_span_that_ends_before_it_begins_has_no_reads() -> None:
    assert Course(0, [1, 2, 3]).between(2, 1) == 0


def test_a_course_is_made_of_reads_by_quarter() -> None:
    course = Course.of({7: 2, 9: 3})
    assert (course.first, course.end, course.between(7, 10), course.between(8, 9)) == (7, 10, 5, 0)
    padded = Course.of({7: 2}, first=4)
    assert (padded.first, padded.end, padded.until(8)) == (4, 8, 2)
    assert Course.of({}).until(10) == 0
    assert Course.of({}, first=4).end == 4


def test_a_day_of_a_course_is_replaced_and_what_follows_moves() -> None:
    course = Course(0, [1] * 288)
    changed = course.with_day(96, {96: 10, 191: 5})
    assert course.between(96, 192) == 96  # the old one is as it was
    assert (changed.between(96, 97), changed.between(97, 191), changed.between(96, 192)) == (
        10,
        0,
        15,
    )
    assert (changed.between(0, 96), changed.between(192, 288), changed.until(288)) == (96, 96, 207)


def test_a_day_behind_the_end_makes_a_course_longer() -> None:
    changed = Course(0, [1] * 96).with_day(192, {200: 3})
    assert (
        changed.end,
        changed.until(96),
        changed.between(96, 200),
        changed.between(200, 201),
    ) == (
        288,
        96,
        0,
        3,
    )
    assert Course(96).with_day(96, {100: 2}).until(192) == 2


def test_a_day_before_a_course_is_refused() -> None:
    with pytest.raises(ValueError, match="quarter 0 lies before the course, which begins at 96"):
        Course(96).with_day(0, {})


def test_many_days_of_a_course_are_replaced_in_one_pass() -> None:
    course = Course(96, [1] * 192)
    changed = course.with_days({96: {97: 5}, 384: {384: 7, 479: 1}})
    assert (changed.first, changed.end) == (96, 480)
    assert [changed.between(a, b) for a, b in ((96, 192), (192, 288), (288, 384), (384, 480))] == [
        5,
        96,
        0,
        8,
    ]
    assert course.with_days({}).until(288) == 192
    with pytest.raises(ValueError, match="a day lies before the course, which begins at 96"):
        course.with_days({96: {}, 0: {}})


def test_random_changes_of_a_course_agree_with_a_dictionary() -> None:
    chance = random.Random(5)
    for _ in range(20):
        reads = {q: chance.randrange(4) for q in range(96, 96 * chance.randrange(2, 5))}
        course = Course.of(reads, first=96)
        for _ in range(4):
            first = 96 * chance.randrange(1, 6)
            day = {first + chance.randrange(96): chance.randrange(9) for _ in range(5)}
            reads = {q: n for q, n in reads.items() if not first <= q < first + 96} | day
            course = course.with_day(first, day)
            a, b = sorted(chance.sample(range(800), 2))
            assert course.between(a, b) == sum(n for q, n in reads.items() if a <= q < b)


def test_a_line_adds_its_two_parts() -> None:
    line = LongCourse(Course(0, [1, 2, 3]), Course(3, [10, 20]))
    assert (line.between(2, 4), line.total()) == (13, 36)
    assert line.ranges([0, 2, 4, 9]) == [3, 13, 20]
    assert NO_READS.ranges([0, 9]) == [0]
    assert NO_READS.total() == 0


def test_a_sparse_course_has_the_ranges_of_a_dense_one() -> None:
    chance = random.Random(3)
    reads = {chance.randrange(1000, 1400): chance.randint(-2, 9) for _ in range(60)}
    edges = sorted(chance.sample(range(900, 1500), 40))
    dense = LongCourse(Course.of(reads), Course(0))
    assert SparseCourse(reads).ranges(edges) == dense.ranges(edges)
    assert SparseCourse({}).ranges([0, 5, 9]) == [0, 0]
