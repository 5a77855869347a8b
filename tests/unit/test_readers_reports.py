"""What an answer says of days of readers: what is known, exact, and meant."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from luotdoc_subscriber.base.clock import to_millis
from services.stats.readers.parameters import ReadersParameters, readers_span
from services.stats.readers.reports import ReaderDays
from services.stats.readers.store import KnownReaders, ReadersNumber
from shared.base.errors import Problem
from shared.base.salt_days import salt_day, salt_day_number

TODAY = salt_day_number(date(2026, 11, 27))
HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
SINCE = to_millis(datetime(2026, 11, 20, 3, tzinfo=UTC))


def days(*missed: int, first: int = TODAY - 7) -> ReaderDays:
    """Known since `first`, but for `missed`."""
    return ReaderDays(KnownReaders(SINCE, frozenset(missed)), TODAY, first)


def exact(**numbers: int) -> dict[int, ReadersNumber]:
    """Numbers by how many days ago, such as d1."""
    return {TODAY - int(name[1:]): ReadersNumber(n, True) for name, n in numbers.items()}


def test_zero_and_not_known_are_different() -> None:
    one, numbers = days(TODAY - 2), exact(d0=5, d2=9, d9=3)
    assert one.number(numbers, TODAY) == 5
    assert one.number(numbers, TODAY - 1) == 0
    assert one.number(numbers, TODAY - 2) is None  # a part of its batches was lost
    assert one.number(numbers, TODAY - 7) == 0
    assert one.number(numbers, TODAY - 8) is None
    assert one.number(numbers, TODAY + 1) is None
    assert ReaderDays(None, TODAY, TODAY).number(numbers, TODAY) is None


def test_a_mean_is_of_whole_days_that_are_known() -> None:
    numbers = exact(d0=1000, d1=10, d2=20, d3=33, d7=500)
    assert days().mean(numbers, range(TODAY - 3, TODAY + 3)) == 21.0
    assert days(TODAY - 3).mean(numbers, range(TODAY - 3, TODAY)) == 15.0
    assert days().mean(numbers, range(TODAY - 30, TODAY)) == 10.5  # six days: 63 / 6
    assert days(first=TODAY - 1).mean(numbers, range(TODAY - 30, TODAY)) is None
    assert days().mean({}, range(TODAY - 3, TODAY)) == 0.0


def test_an_answer_has_the_error_of_sketches_alone() -> None:
    numbers = exact(d0=1000) | {TODAY - 1: ReadersNumber(5000, False)}
    answer = days().answer(numbers).model_dump()
    assert answer == {
        "today": {"number": 1000, "error": None},
        "yesterday": {"number": 5000, "error": 0.02},
        "mean_7d": 833.3,
        "mean_30d": 833.3,
        "since": "2026-11-20T03:00:00.000Z",
    }
    unknown = ReaderDays(None, TODAY, TODAY).answer({}).model_dump()
    assert unknown == {
        "today": {"number": None, "error": None},
        "yesterday": {"number": None, "error": None},
        "mean_7d": None,
        "mean_30d": None,
        "since": None,
    }


def test_a_point_begins_at_four() -> None:
    point = days().point(exact(d0=7), TODAY, HANOI).model_dump()
    assert point == {
        "day": "2026-11-27",
        "start": "2026-11-27T04:00:00+07:00",
        "time": to_millis(datetime(2026, 11, 26, 21, tzinfo=UTC)),
        "readers": 7,
        "error": None,
    }


def test_numbers_of_days_and_days_are_each_other_s() -> None:
    assert salt_day(0) == date(1970, 1, 1)
    assert salt_day(salt_day_number(date(2026, 11, 25))) == date(2026, 11, 25)
    assert salt_day_number(date(2026, 11, 25)) == 20_782


def test_the_span_is_the_last_thirty_days_unless_it_is_given() -> None:
    today = date(2026, 11, 27)
    assert readers_span(ReadersParameters(), today) == (date(2026, 10, 29), date(2026, 11, 28))
    given = ReadersParameters.model_validate({"from": "2024-09-19", "to": "2026-11-28"})
    assert readers_span(given, today) == (date(2024, 9, 19), date(2026, 11, 28))


@pytest.mark.parametrize(
    "given",
    [
        {"from": "2026-11-28"},
        {"from": "2026-11-01", "to": "2026-11-01"},
        {"from": "2024-09-18", "to": "2026-11-28"},
        {"section": "van-hoa", "article": "a1"},
    ],
)
def test_an_impossible_span_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(Problem, match="not valid"):
        readers_span(ReadersParameters.model_validate(given), date(2026, 11, 27))


@pytest.mark.parametrize(
    "given", ["2026-11-31", "1999-12-31", "2026-1-1", "today", "2026-11-27T00:00:00Z", 20_785, ""]
)
def test_only_a_date_is_a_day(given: object) -> None:
    with pytest.raises(ValueError, match=r"2026-11-23|day is out of range"):
        ReadersParameters.model_validate({"from": given})
