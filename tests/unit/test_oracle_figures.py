"""The slow figures that `make oracle` compares with, and how it tells of a difference: by hand."""

import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest

from shared.rabbit.batch_parsing import parse
from tests.oracle.asked_lists import Rounded
from tests.oracle.figures import Books, Figures, PointRow
from tests.oracle.question import read_table
from tests.oracle.tally import Tally
from tests.oracle.traffic import LATEST, Post, Traffic
from tests.oracle.visitors import hash_of, reader_day
from tests.support.traffic_oracle import PEOPLE, ArticleChange, Read

NOW = datetime(2026, 11, 23, 5, 7, tzinfo=UTC)
DAY = timedelta(days=1)


def read(
    back: timedelta,
    kind: str = "reader",
    article: str = "a",
    *,
    referrer: str | None = None,
    device: str | None = None,
    visitor: int = 0,
) -> Read:
    """A read that was accepted so long ago."""
    return Read(article, kind, NOW - back, NOW - back, referrer, device, visitor)


READS = [
    read(timedelta(0), referrer="search", device="mobile"),
    read(timedelta(0), "batch"),
    read(DAY, device="tablet"),
    read(3 * DAY, "bot"),
    read(2 * DAY, article="b"),
]


def figures(*reads: Read) -> Figures:
    """The figures of a site in UTC with one known article."""
    known = ArticleChange(NOW - 9 * DAY, "a", "published", "tin", 5, NOW - 9 * DAY)
    return Figures(reads, [known], "UTC", Books(4, Counter(bot=1)))


def test_what_came_before_the_first_counted_day_is_not_known() -> None:
    one = figures(*READS)
    assert one.since(NOW) == datetime(2026, 11, 21, tzinfo=UTC)
    assert figures(READS[3]).since(NOW) is None
    beside = one.compared(NOW, "previous")
    assert beside["today"] == (0, 0)  # 05:00 to 05:07 is not yet a whole quarter
    assert beside["yesterday"] == (1, 1)
    assert beside["month"] == (2, None)


def test_points_of_a_series_that_nobody_knows() -> None:
    points = figures(*READS).points("day", NOW - 4 * DAY, NOW + 2 * DAY, NOW, split="class")
    assert [point.reads for point in points] == [None, None, 1, 1, 2, None, None]
    assert points[1].by["bot"] == 1
    assert points[1].by["reader"] is None
    assert points[2].by["bot"] == 0
    empty = figures().points("month", NOW, NOW + DAY, NOW)
    assert empty == [PointRow(datetime(2026, 11, 1, tzinfo=UTC), None, {})]


def test_a_series_is_split_by_device_with_what_is_not_known() -> None:
    points = figures(*READS).points("day", NOW - DAY, NOW, NOW, split="device")
    assert [(p.reads, p.by["mobile"], p.by["tablet"], p.by["not_known"]) for p in points] == [
        (1, 0, 1, 0),
        (2, 1, 0, 0),
    ]


def test_rows_of_an_export_are_quarters_with_reads() -> None:
    one = figures(*READS)
    rows = one.exported(NOW - 2 * DAY, NOW - timedelta(minutes=10), NOW)
    assert [(row.article, row.start, row.by["reader"]) for row in rows] == [
        ("a", datetime(2026, 11, 22, 5, tzinfo=UTC), 1),
        ("b", datetime(2026, 11, 21, 5, tzinfo=UTC), 1),
    ]
    (last,) = one.exported(NOW, NOW + DAY, NOW, "a")
    assert (last.by["reader"], last.by["batch"], last.by["bot"]) == (1, 1, 0)


def test_every_drawn_read_is_in_a_batch_that_the_counter_takes() -> None:
    traffic = Traffic(Random(1), "Pacific/Apia")
    traffic.past_days(NOW, 20)
    reads = traffic.reads(["a", "b"], 2000, lambda: traffic.moment(NOW))
    kinds = Counter[str]()
    for delivery in Post(Random(2), "o", "UTC").batches(reads, NOW):
        batch = parse(delivery.batch.headers(), delivery.batch.body())
        minted = datetime.fromtimestamp(batch.minted_at / 1000, UTC)
        assert delivery.forced or NOW - LATEST <= minted <= NOW
        for kind, _, _, number, _, _ in batch.groups:
            kinds[kind] += number
    assert kinds == Counter(one.kind for one in reads)
    assert sum(one.kind in PEOPLE for one in reads) > 1000
    assert min(one.accepted for one in reads) < NOW - 600 * DAY
    assert max(one.accepted for one in reads) > NOW


def test_readers_are_distinct_visitors_of_a_day_that_begins_at_four() -> None:
    """It is 05:07."""
    hour, two = timedelta(hours=1), timedelta(hours=2)
    one = figures(
        read(hour, visitor=7),
        read(timedelta(0), visitor=7),
        read(timedelta(0), article="b", visitor=7),
        read(timedelta(0), visitor=8),
        read(timedelta(0)),
        read(two, visitor=9),
    )
    today, before = date(2026, 11, 23), date(2026, 11, 22)
    assert [one.readers(today), one.readers(today, "a"), one.readers(today, "b")] == [2, 2, 1]
    assert [one.readers(before), one.readers(before, "a"), one.readers(before, "b")] == [1, 1, 0]
    assert one.reader_numbers() == {
        (today, ""): 2, (today, "a"): 2, (today, "b"): 1, (before, ""): 1, (before, "a"): 1,
    }  # fmt: skip


def test_drawn_visitors_are_in_the_batches_with_a_hash_of_their_day() -> None:
    traffic = Traffic(Random(1), "Asia/Kathmandu")
    traffic.past_days(NOW, 20)
    reads = traffic.seen(traffic.reads(["a", "b"], 2000, lambda: traffic.moment(NOW)), NOW)
    assert 200 < sum(one.visitor > 0 for one in reads) < 1200
    assert all(NOW - timedelta(hours=20) < one.accepted <= NOW for one in reads if one.visitor)
    wanted = {
        (one.article, hash_of(one.visitor, reader_day(one.quarter, "Asia/Kathmandu")))
        for one in reads
        if one.visitor
    }
    found = set[tuple[str, str]]()
    for delivery in Post(Random(2), "o", "Asia/Kathmandu").batches(reads, NOW):
        batch = parse(delivery.batch.headers(), delivery.batch.body())
        for group, hashes in batch.visitors():
            each = [hashes[at : at + 8].hex() for at in range(0, len(hashes), 8)]
            found |= {(group[1], one) for one in each}
            assert set(each) <= set(delivery.hashes)
    assert found == wanted


def test_a_difference_names_its_question_and_both_figures() -> None:
    tally = Tally()
    assert tally.compare("top", "stats-1 /stats/top", "UTC", NOW, {"a": 1}, {"a": 1})
    assert not tally.compare(
        "top", "stats-1 /stats/top?limit=2", "UTC", NOW, {"a": 1, "b": 2}, {"a": 1, "c": 3}
    )
    assert (tally.figures, tally.differing) == (4, 2)
    assert [str(each) for each in tally.differences] == [
        "stats-1 /stats/top?limit=2 (site in UTC, as of 2026-11-23T05:07:00+00:00): b: "
        "expected 2, found nothing",
        "stats-1 /stats/top?limit=2 (site in UTC, as of 2026-11-23T05:07:00+00:00): c: "
        "expected nothing, found 3",
    ]


def test_a_score_equals_itself_rounded_and_no_other() -> None:
    assert Rounded(1.9025805) == 1.9
    assert Rounded(1.9025805) != 1.91
    assert Rounded(1.9025805) != 1.89
    assert Rounded(1.0) != 1


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_a_table_s_cells_are_what_was_meant(form: str) -> None:
    text = '\ufeffarticle,reads\r\n"=""00123""",\r\na1,2\r\n'
    if form == "ndjson":
        rows = [{"article": "00123", "reads": None}, {"article": "a1", "reads": 2}]
        text = "".join(f"{json.dumps(row)}\n" for row in rows)
    assert list(read_table(text, form)) == [
        {"article": "00123", "reads": ""},
        {"article": "a1", "reads": "2"},
    ]
