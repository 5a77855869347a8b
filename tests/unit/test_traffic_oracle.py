"""The oracle of traffic, by hand: if it were wrong, it would call the product so."""

from datetime import UTC, datetime, timedelta
from math import sqrt

import pytest

from tests.support.traffic_oracle import (
    NOT_KNOWN,
    ArticleChange,
    Read,
    TrafficOracle,
)
from tests.support.wall_clock import PERIODS

HANOI = "Asia/Ho_Chi_Minh"


def utc(text: str) -> datetime:
    """`11-25 07:00` of 2026, or a whole date and time."""
    return datetime.fromisoformat(text if text.count("-") == 2 else f"2026-{text}").replace(
        tzinfo=UTC
    )


def read(
    accepted: str,
    article: str = "a",
    kind: str = "reader",
    counted: str = "",
    referrer: str | None = None,
    device: str | None = None,
) -> Read:
    at = utc(accepted)
    later = utc(counted) if counted else at + timedelta(seconds=1)
    return Read(article, kind, at, later, referrer, device)


def known(
    article: str,
    section: str = "tin",
    *,
    at: str = "2020-01-01 00:00",
    state: str = "published",
    baseline: int = 0,
    published: str = "2020-01-01 00:00",
) -> ArticleChange:
    return ArticleChange(utc(at), article, state, section, baseline, utc(published))


NOON = utc("11-25 05:07")  # a Wednesday, 12:07 in Hanoi


def oracle(
    *reads: Read, changes: tuple[ArticleChange, ...] = (), zone: str = HANOI
) -> TrafficOracle:
    return TrafficOracle(reads, changes, zone)


def numbers(figures: dict[str, int] | None, *names: str) -> list[int]:
    assert figures is not None
    return [figures[name] for name in names]


def test_periods_are_those_of_the_sites_clock() -> None:
    found = oracle(
        read("11-24 17:00"),  # today at 00:00
        read("11-24 16:59:59"),  # yesterday
        read("11-23 16:00"),  # Monday
        read("11-22 16:59"),  # Sunday
        read("10-31 16:59"),  # October
        read("2025-12-31 16:59"),
    ).site(NOON)
    periods = ("today", "yesterday", "week", "month", "year", "counted")
    assert numbers(found, *periods) == [1, 1, 3, 4, 5, 6]


def test_a_read_counts_from_its_flush_on_in_the_quarter_of_its_acceptance() -> None:
    late = oracle(read("11-24 16:59", counted="11-25 05:00"))
    assert numbers(late.site(utc("11-25 04:59")), "counted", "yesterday") == [0, 0]
    assert numbers(late.site(utc("11-25 05:00")), "counted", "today", "yesterday") == [1, 0, 1]


def test_reads_of_a_clock_that_is_ahead_are_in_today_but_not_in_tomorrow() -> None:
    ahead = oracle(
        read("11-25 16:59", counted="11-25 05:00"), read("11-25 17:00", counted="11-25 05:00")
    )
    assert numbers(ahead.site(NOON), "counted", "today", "week", "month", "year") == [2, 1, 1, 1, 1]
    assert ahead.compared(NOON, "previous") == dict.fromkeys(PERIODS, (0, None))


def test_both_sides_of_a_comparison_end_at_the_last_quarter() -> None:
    found = oracle(
        read("11-25 04:59"),  # 11:59
        read("11-25 05:00"),  # in the current quarter, 12:00 to 12:15
        read("11-24 04:59"),
        read("11-24 05:00"),
        read("11-18 04:59"),
        read("10-25 04:59"),
        read("2025-11-25 04:59"),
        read("2023-01-01 00:00"),  # all time since then is known
    )
    by = {way: found.compared(NOON, way) for way in ("previous", "last_week", "last_year")}
    assert by == {
        "previous": {
            "today": (1, 1), "yesterday": (2, 0), "week": (3, 1), "month": (4, 1), "year": (5, 1),
        },
        "last_week": {
            "today": (1, 1), "yesterday": (2, 0), "week": (3, 1), "month": (4, 2), "year": (5, 2),
        },
        "last_year": {
            "today": (1, 1), "yesterday": (2, 0), "week": (3, 1), "month": (4, 1), "year": (5, 1),
        },
    }  # fmt: skip


def test_what_was_before_the_first_days_reads_is_not_known() -> None:
    found = oracle(
        read("11-20 23:59", kind="bot"),
        read("11-21 14:00"),
        read("11-25 04:00", counted="11-25 06:00"),
    )
    assert found.since(NOON) == utc("11-21 00:00")
    assert found.since(utc("11-21 14:00")) is None
    assert [before for _, before in found.compared(NOON, "previous").values()] == [
        *(0, 0),  # today and yesterday
        *(None, None, None),
    ]
    hours = found.series("hour", utc("11-20 22:00"), utc("11-21 02:00"), NOON)
    assert [reads for _, reads in hours] == [None, None, 0, 0]
    bots = found.series("hour", utc("11-20 22:00"), utc("11-21 02:00"), NOON, kind="bot")
    assert [reads for _, reads in bots] == [None, 1, 0, 0]
    days = found.series("day", utc("11-19 18:00"), utc("11-28 00:00"), NOON)
    # In Hanoi the 21st begins seven hours before the first day's reads in UTC.
    assert [reads for _, reads in days] == [None, 1, 0, 0, 0, 0, None, None, None]
    latest = found.series("hour", utc("11-25 05:00"), utc("11-25 07:00"), utc("11-25 06:00"))
    assert [reads for _, reads in latest] == [0, 0]
    ahead = oracle(read("11-25 09:00", counted="11-25 05:00"))
    hours = ahead.series("hour", utc("11-25 08:00"), utc("11-25 11:00"), NOON)
    assert [reads for _, reads in hours] == [None, 1, None]


def test_only_people_are_counted_and_baselines_are_apart() -> None:
    reads = [
        read("11-25 04:00", kind=kind) for kind in ("reader", "batch", "bot", "limit", "other")
    ]
    found = oracle(
        *reads, changes=(known("a", baseline=100), known("b", state="withdrawn", baseline=7))
    )
    assert numbers(found.site(NOON), "total", "baseline", "counted") == [109, 107, 2]
    assert numbers(found.article("a", NOON), "total", "counted", "today") == [102, 2, 2]
    assert found.article("c", NOON) is None


def test_a_section_is_that_of_its_articles_now() -> None:
    moved = oracle(
        read("11-20 04:00", "a"),
        read("11-25 04:00", "b"),
        read("11-25 04:00", "ghost"),
        changes=(
            known("a", "tin"),
            known("a", "van-hoa", at="11-25 04:30", baseline=5),
            known("b", "tin", state="withdrawn", baseline=50),
        ),
    )
    before, after = utc("11-25 04:29"), utc("11-25 04:30")
    assert moved.sections(before) == ["tin"]
    assert numbers(moved.section("tin", before), "articles", "total", "today", "counted") == [
        1,
        52,
        1,
        2,
    ]
    assert moved.section("van-hoa", before) is None
    assert moved.sections(after) == ["tin", "van-hoa"]
    assert numbers(moved.section("tin", after), "articles", "total", "counted") == [0, 51, 1]
    assert numbers(moved.section("van-hoa", after), "articles", "total", "today") == [1, 6, 0]


def shown(points: list[tuple[datetime, int | None]]) -> list[tuple[str, int | None]]:
    return [(start.strftime("%m-%d %H:%M"), reads) for start, reads in points]


def test_series_have_steps_without_reads_and_reach_out_to_whole_steps() -> None:
    found = oracle(read("11-25 04:14"), read("11-25 05:59"), read("11-25 06:00"))
    assert shown(
        found.series("hour", utc("11-25 04:30"), utc("11-25 05:01"), utc("11-26 00:00"))
    ) == [
        ("11-25 04:00", 1),
        ("11-25 05:00", 1),
    ]
    assert shown(
        found.series("hour", utc("11-25 04:30"), utc("11-25 05:00"), utc("11-26 00:00"))
    ) == [("11-25 04:00", 1)]
    days = found.series("day", utc("11-23 18:00"), utc("11-25 17:00"), utc("11-26 00:00"))
    assert shown(days) == [("11-23 17:00", None), ("11-24 17:00", 3)]
    weeks = found.series("week", utc("11-22 16:59"), utc("11-25 00:00"), utc("11-26 00:00"))
    assert shown(weeks) == [("11-15 17:00", None), ("11-22 17:00", 3)]
    months = found.series("month", utc("11-25 00:00"), utc("11-25 00:01"), utc("11-26 00:00"))
    assert shown(months) == [("10-31 17:00", 3)]


@pytest.mark.parametrize(
    ("zone", "first", "end", "starts"),
    [
        ("Asia/Kathmandu", "11-25 00:20", "11-25 01:20", ["00:15", "01:15"]),
        ("Australia/Lord_Howe", "10-03 14:30", "10-03 16:00", ["14:30", "15:30"]),
        ("Australia/Lord_Howe", "04-04 14:00", "04-04 15:30", ["14:00", "15:00"]),
        ("Europe/Berlin", "03-29 00:30", "03-29 01:30", ["00:00", "01:00"]),
        ("Europe/Berlin", "10-25 00:00", "10-25 02:00", ["00:00", "01:00"]),
    ],
)
def test_hours_of_odd_clocks(zone: str, first: str, end: str, starts: list[str]) -> None:
    points = oracle().series("hour", utc(first), utc(end), NOON, zone=zone)
    assert [f"{start:%H:%M}" for start, _ in points] == starts


def test_a_skipped_day_is_no_step() -> None:
    points = oracle().series(
        "day", utc("2011-12-29 12:00"), utc("2012-01-01 00:00"), NOON, zone="Pacific/Apia"
    )
    assert [f"{start:%m-%d %H:%M}" for start, _ in points] == [
        "12-29 10:00",
        "12-30 10:00",
        "12-31 10:00",
    ]


def test_series_of_a_class_a_section_and_an_article() -> None:
    found = oracle(
        read("11-25 04:00", "a"),
        read("11-25 04:00", "b", "batch"),
        read("11-25 04:00", "b", "bot"),
        changes=(known("a", "tin"), known("b", "van-hoa")),
    )

    def day(**chosen: str) -> int | None:
        ((_, reads),) = found.series("day", utc("11-25 00:00"), utc("11-25 00:01"), NOON, **chosen)
        return reads

    assert day() == 2
    assert day(kind="reader") == day(kind="batch") == day(kind="bot") == 1
    assert day(kind="limit") == 0
    assert day(section="tin") == day(article="a") == day(section="van-hoa") == day(article="b") == 1
    assert day(article="b", kind="bot") == 1
    assert day(article="c") == 0


def test_top_lists_published_articles_by_reads_then_by_id() -> None:
    found = oracle(
        *(read("11-25 04:00", "b") for _ in range(2)),
        *(read("11-25 04:00", article) for article in ("a", "c", "gone", "ghost")),
        read("11-25 04:00", "a", "bot"),
        read("11-25 03:59", "c"),
        changes=(
            known("a"),
            known("b"),
            known("c", "van-hoa", baseline=1000),
            known("gone", state="withdrawn"),
        ),
    )
    assert found.top("1h", NOON) == [("b", 2), ("a", 1), ("c", 1)]
    assert found.top("2h", NOON) == [("b", 2), ("c", 2), ("a", 1)]
    assert found.top("2h", NOON, "van-hoa") == [("c", 2)]
    assert found.top("all", utc("11-25 03:59:30")) == [("c", 1)]
    assert found.top("all", utc("11-25 03:59:00")) == []


@pytest.mark.parametrize(
    ("window", "inside", "outside"),
    [
        ("1h", "11-25 04:00", "11-25 03:59:59"),  # 05:07 less an hour lies in the quarter of 04:00
        ("24h", "11-24 05:00", "11-24 04:59:59"),
        ("30d", "10-26 05:00", "10-26 04:59:59"),
        ("12mo", "2025-11-25 05:00", "2025-11-25 04:59:59"),
        ("today", "11-24 17:00", "11-24 16:59:59"),
        ("yesterday", "11-24 16:59:59", "11-24 17:00"),
        ("yesterday", "11-23 17:00", "11-23 16:59:59"),
        ("week", "11-22 17:00", "11-22 16:59:59"),
        ("month", "10-31 17:00", "10-31 16:59:59"),
        ("year", "2025-12-31 17:00", "2025-12-31 16:59:59"),
    ],
)
def test_the_borders_of_windows(window: str, inside: str, outside: str) -> None:
    found = oracle(read(inside, "in"), read(outside, "out"), changes=(known("in"), known("out")))
    assert found.top(window, NOON) == [("in", 1)]


def test_rolling_windows_have_no_end_and_a_year_before_29_february_is_the_28th() -> None:
    ahead = read("11-26 04:00", "in", counted="11-25 05:00")
    assert oracle(ahead, changes=(known("in"),)).top("1h", NOON) == [("in", 1)]
    leap = oracle(
        read("2027-02-28 12:00", "in"),
        read("2027-02-28 11:59", "out"),
        changes=(known("in"), known("out")),
        zone="UTC",
    )
    assert leap.top("12mo", utc("2028-02-29 12:14")) == [("in", 1)]


def test_trending_by_hand() -> None:
    # The two hours begin at 03:00, their day at 03:00 the day before.
    found = oracle(
        *(read("11-25 04:00", "old") for _ in range(12)),
        *(read("11-24 12:00", "old") for _ in range(4)),
        *(read("11-24 12:00", "gone") for _ in range(20)),
        *(read("11-25 04:00", "gone") for _ in range(20)),
        *(read("11-25 05:06", "new1") for _ in range(16)),
        *(read("11-25 05:06", "new2") for _ in range(2)),
        *(read("11-24 02:59", "new2", "reader") for _ in range(3)),  # before the day
        *(read("11-25 04:00", "old", "bot") for _ in range(9)),
        changes=(
            known("old"),
            known("gone", state="withdrawn"),
            known("new1", "van-hoa", published="11-25 03:10"),
            known("new2", published="11-24 03:00"),
        ),
    )
    # Of the day's 24 reads 4 are old's; the two hours have 50: e = 4 · 50 / 24.
    e = 4 * 50 / 24
    trends = {each.article: each for each in found.trending(NOON)}
    assert list(trends) == ["old", "new1"]
    assert trends["old"].score == pytest.approx((12 - e) / sqrt(e + 4))
    # The mean of the four articles that were read is 12.5, of the other young one 2.
    assert trends["new1"].expected == 12.5
    assert trends["new1"].score == pytest.approx(3.5 / sqrt(16.5))
    assert [each.article for each in found.trending(NOON, "van-hoa")] == ["new1"]


def test_classes_and_sources_by_period() -> None:
    found = oracle(
        read("11-25 04:00", referrer="search", device="mobile"),
        read("11-24 04:00", referrer="search", device="desktop"),
        read("11-25 04:00", device="mobile"),
        read("11-25 04:00"),
        read("11-25 04:00", kind="batch"),
        read("11-25 04:00", "", kind="limit"),
        read("11-25 04:00", "b", kind="bot"),
    )
    classes = found.classes(NOON)
    assert {name: number for name, number in classes["today"].items() if number} == {
        "reader": 3, "batch": 1, "limit": 1, "bot": 1,
    }  # fmt: skip
    assert classes["total"]["reader"] == 4
    assert classes["yesterday"]["bot"] == 0
    assert found.classes(NOON, "b")["total"] == dict.fromkeys(classes["total"], 0) | {"bot": 1}
    referrers, devices = found.referrers(NOON), found.devices(NOON)
    assert (referrers["today"]["search"], referrers["total"]["search"]) == (1, 2)
    assert (referrers["today"][NOT_KNOWN], referrers["today"]["social"]) == (2, 0)
    assert (devices["today"]["mobile"], devices["today"][NOT_KNOWN]) == (2, 1)
    assert sum(devices["total"].values()) == sum(referrers["total"].values()) == 4


def test_comparisons_of_an_article_and_a_section() -> None:
    found = oracle(
        read("11-25 04:00", "a"),
        read("11-24 04:00", "a"),
        read("11-25 04:00", "b"),
        read("11-20 04:00", "c"),
        changes=(known("a", "tin"), known("b", "van-hoa")),
    )
    today = [
        found.compared(NOON, "previous", **chosen)["today"]
        for chosen in ({}, {"article": "a"}, {"article": "b"}, {"section": "tin"})
    ]
    assert today == [(2, 1), (1, 1), (1, 0), (1, 1)]
