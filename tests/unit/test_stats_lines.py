"""The lines of a series."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from services.stats.traffic.course import Course, LongCourse
from services.stats.traffic.lines import SeriesLines, columns_of, lines_of, point_rows
from services.stats.traffic.site_buckets import SiteKey
from shared.storage.quarters import quarter_of

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
NOW = datetime(2026, 11, 23, 5, 7, tzinfo=UTC)
CURRENT = quarter_of(NOW)


def course(*reads: int) -> LongCourse:
    """Reads of the last quarters, the current one last."""
    return LongCourse(Course(CURRENT - len(reads) + 1, reads), Course(CURRENT + 1))


COURSES: dict[SiteKey, LongCourse] = {
    ("reads", ""): course(5, 0, 9),
    ("class", "reader"): course(4, 0, 6),
    ("class", "batch"): course(1, 0, 3),
    ("class", "bot"): course(0, 8, 0),
    ("class", "satellite"): course(0, 0, 2),  # of a later release
    ("class", "other"): course(1, 0, 0),
    ("referrer", "search"): course(2, 0, 1),
    ("referrer", "pigeon"): course(0, 0, 2),
    ("device", "mobile"): course(4, 0, 5),
}


def numbers(chosen: str | None, split: str | None) -> list[tuple[int | None, ...]]:
    series = SeriesLines(lines_of(COURSES, chosen, split), 0, NOW)
    edges = range(CURRENT - 2, CURRENT + 2)
    return [row[3:] for row in point_rows(edges, HANOI, series)]


def test_reads_of_all_or_of_one_class() -> None:
    assert numbers(None, None) == [(5,), (0,), (9,)]
    assert numbers("batch", None) == [(1,), (0,), (3,)]
    assert numbers("prefetch", None) == [(0,), (0,), (0,)]


def test_classes_beside_the_reads() -> None:
    assert columns_of("class") == (
        *("start", "zone", "time", "reads", "reader", "batch"),
        *("bot", "reload", "prefetch", "origin", "limit", "other"),
    )
    assert numbers(None, "class") == [
        (5, 4, 1, 0, 0, 0, 0, 0, 1),
        (0, 0, 0, 8, 0, 0, 0, 0, 0),
        (9, 6, 3, 0, 0, 0, 0, 0, 2),
    ]


def test_sources_add_up_to_the_reads_of_class_reader() -> None:
    assert columns_of("referrer")[4:] == (
        *("direct", "site", "search", "social", "other", "not_known"),
    )
    assert numbers(None, "referrer") == [
        (5, 0, 0, 2, 0, 0, 2),
        (0, 0, 0, 0, 0, 0, 0),
        (9, 0, 0, 1, 0, 2, 3),
    ]
    assert columns_of("device")[4:] == ("mobile", "tablet", "desktop", "other", "not_known")
    assert numbers(None, "device") == [(5, 4, 0, 0, 0, 0), (0,) * 6, (9, 5, 0, 0, 0, 1)]


def test_a_row_begins_with_its_moment() -> None:
    series = SeriesLines(lines_of(COURSES, None, None), 0, NOW)
    (row,) = point_rows([CURRENT, CURRENT + 1], HANOI, series)
    assert row == ("2026-11-23T12:00:00+07:00", "Asia/Ho_Chi_Minh", 1795410000000, 9)


def test_each_number_alone_is_not_known() -> None:
    """Filtered reads may be older than the first people's read."""
    series = SeriesLines(lines_of(COURSES, None, "class"), CURRENT, NOW)
    rows = list(point_rows(range(CURRENT - 1, CURRENT + 3), HANOI, series))
    assert rows[0][3:] == (None, None, None, 8, None, None, None, None, None)
    assert rows[1][3:] == (9, 6, 3, 0, 0, 0, 0, 0, 2)
    assert set(rows[2][3:]) == {None}
