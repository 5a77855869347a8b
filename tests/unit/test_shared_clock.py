"""Times: aware, UTC, to the millisecond."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from luotdoc_subscriber.base.clock import from_millis, now, rfc3339, to_millis


@pytest.mark.parametrize(
    ("millis", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1, "1970-01-01T00:00:00.001Z"),
        (1_795_435_200_000, "2026-11-23T12:00:00.000Z"),
        (1_795_435_200_999, "2026-11-23T12:00:00.999Z"),
        (4_102_444_799_123, "2099-12-31T23:59:59.123Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
    ],
)
def test_milliseconds_and_text(millis: int, text: str) -> None:
    moment = from_millis(millis)
    assert rfc3339(moment) == text
    assert moment == datetime.fromisoformat(text)
    assert moment.tzinfo is UTC


@pytest.mark.parametrize(
    "millis", [0, 1, 999, 1_795_435_200_001, 2_183_226_373_411, 4_102_444_799_999]
)
def test_milliseconds_come_back_as_they_were(millis: int) -> None:
    assert to_millis(from_millis(millis)) == millis


def test_any_zone_is_told_in_utc() -> None:
    moment = datetime(2026, 11, 23, 7, 5, tzinfo=timezone(timedelta(hours=7)))
    assert rfc3339(moment) == "2026-11-23T00:05:00.000Z"
    assert to_millis(moment) == 1_795_392_300_000


def test_now_is_utc_and_cut_to_the_millisecond() -> None:
    moment = now()
    assert abs(moment - datetime.now(UTC)) < timedelta(seconds=5)
    assert (moment.tzinfo, moment.microsecond % 1000) == (UTC, 0)
