"""Which secret hashes a visitor, and when it turns."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from luotdoc_subscriber.base.clock import to_millis
from luotdoc_subscriber.base.errors import Transient
from services.ingest.reads.salts import Salts
from shared.base.salt_days import begin_of, day_of
from tests.support.article_store import ArticlesInMemory

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
DAY = 20_782
"""2026-11-25 in days since 1970."""


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def store() -> ArticlesInMemory:
    """Each day's salt is its name."""
    one = ArticlesInMemory()
    days = [date(2026, 11, 20) + timedelta(days=number) for number in range(10)]
    one.salts = {day: day.isoformat().encode() for day in days}
    return one


async def salts(moment: datetime) -> Salts:
    one = Salts(store(), lambda: moment, VIETNAM)
    await one.load()
    return one


@pytest.mark.parametrize(
    ("zone", "moment", "day"),
    [
        ("Asia/Ho_Chi_Minh", "2026-11-25T20:59:59", "2026-11-25"),  # 03:59:59 on the 26th
        ("Asia/Ho_Chi_Minh", "2026-11-25T21:00:00", "2026-11-26"),
        (
            "Asia/Ho_Chi_Minh",
            "2026-11-26T00:00:00",
            "2026-11-26",
        ),  # 07:00, the morning's peak: no turn
        (
            "Europe/Berlin",
            "2026-03-29T01:59:59",
            "2026-03-28",
        ),  # 03:59:59 summer time, on the day of 23 hours
        ("Europe/Berlin", "2026-03-29T02:00:00", "2026-03-29"),
        ("Europe/Berlin", "2026-10-25T02:59:59", "2026-10-24"),  # the day of 25 hours
        ("Europe/Berlin", "2026-10-25T03:00:00", "2026-10-25"),
        ("America/Los_Angeles", "2026-11-26T11:59:59", "2026-11-25"),
        ("Pacific/Kiritimati", "2026-11-26T14:00:00", "2026-11-27"),
    ],
)
def test_a_day_is_the_site_s_and_begins_at_four(zone: str, moment: str, day: str) -> None:
    assert day_of(at(moment), ZoneInfo(zone)) == date.fromisoformat(day)
    begin = begin_of(date.fromisoformat(day), ZoneInfo(zone))
    assert (
        begin <= at(moment) < begin_of(date.fromisoformat(day) + timedelta(days=1), ZoneInfo(zone))
    )


async def test_for_one_window_after_the_turn_the_salt_before_is_known_too() -> None:
    turn = to_millis(at("2026-11-25T21:00:00"))
    one = await salts(at("2026-11-25T20:50:00"))  # fetched ahead, before the turn
    assert one.at(turn - 1, 1800) == (DAY, b"2026-11-25", None)
    assert one.at(turn, 1800) == (DAY + 1, b"2026-11-26", b"2026-11-25")
    assert one.at(turn + 1_799_999, 1800) == (DAY + 1, b"2026-11-26", b"2026-11-25")
    assert one.at(turn + 1_800_000, 1800) == (DAY + 1, b"2026-11-26", None)
    # One that was started after the turn, and one that has fetched again, know the same.
    for moment in ("2026-11-25T21:00:00", "2026-11-26T10:00:00"):
        assert (await salts(at(moment))).at(turn, 1800) == (DAY + 1, b"2026-11-26", b"2026-11-25")


async def test_without_mongodb_the_newest_salt_goes_on() -> None:
    one = await salts(at("2026-11-25T12:00:00"))
    assert one.at(to_millis(at("2026-11-28T12:00:00")), 1800) == (DAY + 1, b"2026-11-26", None)
    assert one.at(to_millis(at("2026-11-20T12:00:00")), 1800) == (DAY - 1, b"2026-11-24", None)


async def test_salts_are_fetched_once_a_day_with_the_moment_at_which_they_begin() -> None:
    moment, articles = at("2026-11-25T12:00:00"), store()
    one = Salts(articles, lambda: moment, VIETNAM)
    await one.load()
    await one.load()
    assert articles.asked == [
        ("salt", date(2026, 11, day), datetime(2026, 11, day, 4, tzinfo=VIETNAM))
        for day in (26, 25, 24)
    ]
    moment = at("2026-11-26T12:00:00")
    await one.load()
    assert articles.queries("salt")[3:] == [date(2026, 11, 27)]


async def test_a_fetch_that_fails_leaves_the_salts_as_they_are() -> None:
    moment, articles = at("2026-11-25T12:00:00"), store()
    one = Salts(articles, lambda: moment, VIETNAM)
    await one.load()
    moment, articles.away = at("2026-11-26T12:00:00"), True
    with pytest.raises(Transient):
        await one.load()
    assert one.at(to_millis(moment), 1800) == (DAY + 1, b"2026-11-26", None)
