"""Figures beside earlier ones, what is not known of a series, and kinds of reads."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.stats.compared import compared_answer
from services.stats.kinds import Kinds
from services.stats.traffic.compare import compared_periods
from services.stats.traffic.course import NO_READS, Course, LongCourse
from services.stats.traffic.lines import known_reads
from services.stats.traffic.site_buckets import SiteKey
from shared.storage.quarters import quarter_of, start_of

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
NOW = datetime(2026, 11, 25, 5, 7, tzinfo=UTC)  # a Wednesday, 12:07 in Hanoi
CURRENT = quarter_of(NOW)
MIDNIGHT = quarter_of(datetime(2026, 11, 25, tzinfo=UTC))


def course(reads: dict[int, int]) -> LongCourse:
    """A course by quarters before the current one."""
    return LongCourse(Course(0), Course.of({CURRENT - back: n for back, n in reads.items()}))


def before(since: int | None) -> dict[str, int | None]:
    """What the periods are compared with; each quarter has one read."""
    always = LongCourse(Course(CURRENT - 80_000, [1] * 80_000), Course(CURRENT))
    found = compared_answer(
        "previous", NOW, compared_periods(NOW, HANOI, "previous"), since,
        lambda period: always.between(*period),
    )  # fmt: skip
    assert (found.by, found.through) == ("previous", "2026-11-25T05:00:00.000Z")
    pairs = {name: getattr(found, name) for name in ("today", "yesterday", "week", "month", "year")}
    assert (pairs["today"].reads, pairs["yesterday"].reads) == (48, 96)
    return {name: pair.before for name, pair in pairs.items()}


def test_what_began_before_the_first_day_with_reads_is_not_known() -> None:
    yesterday = quarter_of(datetime(2026, 11, 23, 17, tzinfo=UTC))  # as it begins in Hanoi
    assert before(0) == {"today": 48, "yesterday": 96, "week": 240, "month": 2352, "year": 31536}
    assert before(yesterday) == {
        "today": 48, "yesterday": None, "week": None, "month": None, "year": None,
    }  # fmt: skip
    assert before(yesterday + 1)["today"] is None
    assert set(before(None).values()) == {None}


HOURS = [MIDNIGHT - 8 + 4 * n for n in range(5)]  # 22:00 to 02:00


@pytest.mark.parametrize(
    ("reads", "since", "as_of", "known"),
    [
        ([0, 0, 0, 0], MIDNIGHT, NOW, [None, None, 0, 0]),
        ([0, 5, 0, 6], MIDNIGHT, NOW, [None, 5, 0, 6]),  # filtered reads may be older
        ([0, 0, 0, 0], None, NOW, [None, None, None, None]),
        ([0, 0, 0, 0], 0, start_of(HOURS[2]), [0, 0, 0, None]),
        ([0, 0, 0, 0], 0, start_of(HOURS[2]) - timedelta(microseconds=1), [0, 0, None, None]),
        ([0, 0, 7, 0], 0, start_of(HOURS[1]), [0, 0, 7, None]),  # of a clock that is ahead
    ],
)
def test_zero_and_not_known_are_different(
    reads: list[int], since: int | None, as_of: datetime, known: list[int | None]
) -> None:
    assert known_reads(HOURS, reads, since, as_of) == known


def test_a_step_that_the_first_day_cuts_is_known() -> None:
    day = [MIDNIGHT - 28, MIDNIGHT + 68]  # the 25th in Hanoi
    assert known_reads(day, [0], MIDNIGHT, NOW) == [0]


def test_a_course_begins_with_its_first_read() -> None:
    assert Course(100, [0, 0, 7, 1]).begin == 102
    assert Course(100, [5]).begin == 100
    assert (Course(100, [0, 0]).begin, Course(100).begin, NO_READS.begin) == (None, None, None)
    assert LongCourse(Course(0, [0, 3]), Course(2, [1])).begin == 1
    assert LongCourse(Course(0, [0, 0]), Course(2, [0, 1])).begin == 3


def test_kinds_stand_side_by_side_and_sources_add_up_to_the_readers() -> None:
    courses: dict[SiteKey, LongCourse] = {
        ("class", "reader"): course({0: 10, 96: 20, 5000: 3}),
        ("class", "batch"): course({0: 1}),
        ("class", "bot"): course({96: 40}),
        ("referrer", "search"): course({0: 4, 96: 20}),
        ("referrer", "site"): course({0: 2}),
        ("device", "mobile"): course({0: 9, 96: 20, 5000: 3}),
    }
    kinds = Kinds(lambda key: courses.get(key, NO_READS), NOW, HANOI, since=MIDNIGHT)
    found = kinds.classes()
    assert found.as_of == "2026-11-25T05:07:00.000Z"
    assert [(each.class_, each.people, each.total, each.today) for each in found.classes] == [
        ("reader", True, 33, 10),
        ("batch", True, 1, 1),
        ("bot", False, 40, 0),
        *((name, False, 0, 0) for name in ("reload", "prefetch", "origin", "limit", "other")),
    ]
    assert (found.classes[2].yesterday, found.classes[2].week) == (40, 40)
    assert found.model_dump(by_alias=True)["classes"][0]["class"] == "reader"
    sources = kinds.sources()
    assert [(each.referrer, each.total, each.today) for each in sources.referrers] == [
        ("direct", 0, 0),
        ("site", 2, 2),
        ("search", 24, 4),
        ("social", 0, 0),
        ("other", 0, 0),
        ("not_known", 7, 4),
    ]
    assert [(each.device, each.total, each.yesterday) for each in sources.devices] == [
        ("mobile", 32, 20),
        *((name, 0, 0) for name in ("tablet", "desktop", "other")),
        ("not_known", 1, 0),
    ]
