"""The fold: batches of reads become increments, whatever order and company they come in."""

from collections import Counter

import orjson

from services.counter.tally import EpochSums, by_day, days_before, fold
from shared.rabbit.batch import QUARTER_MS, Batch, Group, batch_id
from shared.rabbit.batch_parsing import parse
from shared.storage.counts import DayEntry

NOON = 1_795_435_200_000
"""2026-11-23T12:00:00Z in milliseconds: the beginning of quarter 1994928 since 1970, of quarter 48
of its day.
"""
MINUTE = 60_000
QUARTER = 1_994_928


def read(article: str, minutes: float, number: int = 1, kind: str = "reader") -> Group:
    return kind, article, (NOON + int(minutes * MINUTE)) // QUARTER_MS, number, 0, 0


def batch(sequence: int, *groups: Group, epoch: str = "e1") -> Batch:
    return Batch(batch_id(epoch, sequence), NOON + sequence, list(groups))


def test_reads_are_counted_by_article_and_quarter_of_an_hour() -> None:
    added = fold(
        [
            batch(0, read("a", 0), read("b", 1), read("a", 14.999)),
            batch(1, read("a", 15), read("a", -0.001)),
        ]
    )

    assert added.reads == {"a": 4, "b": 1}
    assert added.total == 5
    assert added.quarters == {
        ("a", QUARTER - 1): 1,
        ("a", QUARTER): 2,
        ("a", QUARTER + 1): 1,
        ("b", QUARTER): 1,
    }


def test_the_books_gain_what_the_batches_carry() -> None:
    added = fold(
        [
            batch(3, read("a", 0), read("b", 0), read("a", 0, 2, "bot"), read("b", 0, 1, "reload")),
            batch(1, read("a", 0), read("a", 0, 1, "bot")),
            batch(7, epoch="e2"),
        ]
    )
    assert added.epochs == {
        "e1": EpochSums(
            batches=2, max_seq=3, first_minted_at=NOON + 1, last_minted_at=NOON + 3, accepted=7,
            filtered=Counter({"bot": 3, "reload": 1}),
        ),
        "e2": EpochSums(batches=1, max_seq=7, first_minted_at=NOON + 7, last_minted_at=NOON + 7),
    }  # fmt: skip


def test_a_batch_that_the_ledger_holds_is_not_counted_again_but_told() -> None:
    added = fold(
        [batch(0, read("a", 0), read("a", 0, 1, "bot")), batch(1, read("a", 0))],
        known={"e1-000000000000"},
    )

    assert added.reads == {"a": 1}
    assert added.epochs["e1"] == EpochSums(1, 1, NOON + 1, NOON + 1, accepted=1, duplicates=1)


def test_a_batch_that_comes_twice_at_once_is_counted_once() -> None:
    twice = batch(0, read("a", 0), read("a", 0, 1, "bot"))
    added = fold([twice, twice])
    assert (added.reads, added.epochs["e1"].accepted, added.epochs["e1"].duplicates) == (
        {"a": 1},
        2,
        1,
    )


def test_an_epoch_that_only_repeats_itself_gains_nothing() -> None:
    added = fold([batch(5, read("a", 0))], known={"e1-000000000005"})
    assert added.epochs == {"e1": EpochSums(0, -1, 32_503_680_000_000, 0, duplicates=1)}
    assert (added.reads, added.quarters, added.filtered, added.total) == ({}, {}, {}, 0)


def test_batches_with_a_client_s_key_are_kept_apart() -> None:
    name = "h" + "0" * 64
    added = fold([Batch(name, NOON, [read("a", 0)])])
    assert {name: sums.batches for name, sums in added.epochs.items()} == {"keyed": 1}
    assert added.reads == {"a": 1}


def test_nothing_adds_nothing() -> None:
    added = fold([])
    assert (added.total, added.reads, added.quarters, added.filtered, added.epochs) == (
        0,
        {},
        {},
        {},
        {},
    )


def test_quarters_are_sorted_under_their_utc_day_and_the_whole_site() -> None:
    quarters = {
        ("a", QUARTER): 2,
        ("b", QUARTER): 3,
        ("a", QUARTER + 47): 1,
        ("a", QUARTER + 48): 4,
    }
    added = fold([batch(0, *(("reader", *key, number, 0, 0) for key, number in quarters.items()))])
    assert by_day(added) == {
        ("a", "2026-11-23"): DayEntry(Counter({48: 2, 95: 1})),
        ("b", "2026-11-23"): DayEntry(Counter({48: 3})),
        ("*", "2026-11-23"): DayEntry(Counter({48: 5, 95: 1})),
        ("a", "2026-11-24"): DayEntry(Counter({0: 4})),
        ("*", "2026-11-24"): DayEntry(Counter({0: 4})),
    }


def test_filtered_reads_stand_apart_by_class_and_the_site_has_those_without_an_article_too() -> (
    None
):
    added = fold(
        [
            batch(
                0,
                read("a", 0),
                read("a", 0, 2, "bot"),
                read("a", 15, 3, "bot"),
                read("a", 0, 4, "reload"),
            ),
            batch(1, read("b", 0, 5, "bot"), read("", 15, 6, "bot"), read("", 0, 7, "limit")),
        ]
    )
    assert by_day(added) == {
        ("a", "2026-11-23"): DayEntry(
            Counter({48: 1}),
            Counter(),
            {"bot": Counter({48: 2, 49: 3}), "reload": Counter({48: 4})},
        ),
        ("b", "2026-11-23"): DayEntry(Counter(), Counter(), {"bot": Counter({48: 5})}),
        ("*", "2026-11-23"): DayEntry(
            Counter({48: 1}),
            Counter(),
            {"bot": Counter({48: 7, 49: 9}), "reload": Counter({48: 4}), "limit": Counter({48: 7})},
        ),
    }
    assert added.reads == {"a": 1}
    assert added.epochs["e1"].filtered == {"bot": 16, "reload": 4, "limit": 7}
    assert added.epochs["e1"].accepted == 28


def test_reads_of_class_batch_count_and_stand_apart() -> None:
    added = fold(
        [
            batch(0, read("a", 0, 3), read("a", 0, 5, "batch"), read("a", 15, 7, "batch")),
            batch(1, read("b", 0, 1, "batch"), read("a", 0, 2, "bot")),
        ]
    )
    assert added.reads == {"a": 15, "b": 1}
    assert by_day(added) == {
        ("a", "2026-11-23"): DayEntry(
            Counter({48: 8, 49: 7}), Counter({48: 5, 49: 7}), {"bot": Counter({48: 2})}
        ),
        ("b", "2026-11-23"): DayEntry(Counter({48: 1}), Counter({48: 1})),
        ("*", "2026-11-23"): DayEntry(
            Counter({48: 9, 49: 7}), Counter({48: 6, 49: 7}), {"bot": Counter({48: 2})}
        ),
    }


def test_sources_are_the_site_s_alone_and_those_of_no_known_referrer_have_a_device() -> None:
    one = batch(0, read("a", 0, 3), read("b", 15, 2), read("a", 0, 4, "batch"))
    one.sources = (
        (QUARTER, {"search": 2}, {"mobile": 2, "desktop": 1}),
        (QUARTER + 1, {"search": 2}, {"mobile": 2}),
    )
    again = batch(1, read("a", 0))
    again.sources = ((QUARTER, {"direct": 1}, {"mobile": 1}),)
    added = fold([one, one, again], known={"e1-000000000001"})
    assert added.referrers == {("search", QUARTER): 2, ("search", QUARTER + 1): 2}
    assert by_day(added) == {
        ("a", "2026-11-23"): DayEntry(Counter({48: 7}), Counter({48: 4})),
        ("b", "2026-11-23"): DayEntry(Counter({49: 2})),
        ("*", "2026-11-23"): DayEntry(
            Counter({48: 7, 49: 2}),
            Counter({48: 4}),
            referrers={"search": Counter({48: 2, 49: 2})},
            devices={"mobile": Counter({48: 2, 49: 2}), "desktop": Counter({48: 1})},
        ),
    }


def test_a_batch_of_version_1_adds_what_its_own_counter_would_have_added() -> None:
    reads = [
        ["a", NOON, "reader", "00ff"],
        ["a", NOON + QUARTER_MS, "reader", ""],
        ["b", NOON, "batch", ""],
    ]
    headers = {"batch_id": "e1-000000000004", "minted_at": NOON, "reads": 3}
    added = fold(
        [parse(headers, orjson.dumps({"reads": reads, "filtered": {"bot": 2, "reload": 1}}))]
    )
    assert added.quarters == {("a", QUARTER): 1, ("a", QUARTER + 1): 1, ("b", QUARTER): 1}
    assert added.epochs["e1"] == EpochSums(
        1, 4, NOON, NOON, accepted=6, filtered=Counter({"bot": 2, "reload": 1})
    )
    assert by_day(added)["*", "2026-11-23"].filtered == {
        "bot": Counter({48: 2}),
        "reload": Counter({48: 1}),
    }


def test_no_quarters_make_no_days() -> None:
    assert by_day(fold([])) == {}


def test_the_days_with_reads_before_a_quarter_are_known_whatever_the_class() -> None:
    added = fold(
        [
            batch(0, read("a", 0), read("a", 15), read("a", -13 * 60)),
            batch(1, read("", -3 * 24 * 60, 1, "bot"), read("b", 26 * 60, 1, "batch")),
        ]
    )
    assert days_before(added, QUARTER - 24 * 12) == []
    assert days_before(added, QUARTER - 24 * 12 + 1) == ["2026-11-20"]
    assert days_before(added, QUARTER) == ["2026-11-20", "2026-11-22"]
    assert days_before(added, QUARTER + 1) == ["2026-11-20", "2026-11-22", "2026-11-23"]
    assert days_before(added, QUARTER + 999)[-1] == "2026-11-24"
    assert days_before(fold([]), QUARTER) == []
