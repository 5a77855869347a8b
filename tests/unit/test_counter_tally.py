"""The fold: batches of reads become increments, whatever order and company they come in."""

from collections import Counter
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from services.counter.tally import EpochSums, by_day, fold
from shared.batch import Batch, Read, batch_id

NOON = 1_795_435_200_000
"""2026-11-23T12:00:00Z in milliseconds: the beginning of quarter 1994928 since 1970, of quarter 48 of its day."""
MINUTE = 60_000
QUARTER = 1_994_928


def read(article: str, minutes: float) -> Read:
    return article, NOON + int(minutes * MINUTE), "reader", "00ff"


def batch(sequence: int, *reads: Read, epoch: str = "e1", filtered: dict[str, int] | None = None) -> Batch:
    return Batch(batch_id(epoch, sequence), NOON + sequence, list(reads), filtered or {})


def test_reads_are_counted_by_article_and_quarter_of_an_hour() -> None:
    added = fold([batch(0, read("a", 0), read("b", 1), read("a", 14.999)), batch(1, read("a", 15), read("a", -0.001))])

    assert added.reads == {"a": 4, "b": 1}
    assert added.total == 5
    assert added.quarters == {("a", QUARTER - 1): 1, ("a", QUARTER): 2, ("a", QUARTER + 1): 1, ("b", QUARTER): 1}


def test_the_books_gain_what_the_batches_carry() -> None:
    added = fold(
        [
            batch(3, read("a", 0), read("b", 0), filtered={"bot": 2, "reload": 1}),
            batch(1, read("a", 0), filtered={"bot": 1}),
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
    added = fold([batch(0, read("a", 0), filtered={"bot": 1}), batch(1, read("a", 0))], known={"e1-000000000000"})

    assert added.reads == {"a": 1}
    assert added.epochs["e1"] == EpochSums(1, 1, NOON + 1, NOON + 1, accepted=1, duplicates=1)


def test_a_batch_that_comes_twice_at_once_is_counted_once() -> None:
    twice = batch(0, read("a", 0), filtered={"bot": 1})
    added = fold([twice, twice])
    assert (added.reads, added.epochs["e1"].accepted, added.epochs["e1"].duplicates) == ({"a": 1}, 2, 1)


def test_an_epoch_that_only_repeats_itself_gains_nothing() -> None:
    added = fold([batch(5, read("a", 0))], known={"e1-000000000005"})
    assert added.epochs == {"e1": EpochSums(duplicates=1)}
    assert (added.reads, added.quarters, added.total) == ({}, {}, 0)


def test_batches_with_a_client_s_key_are_kept_apart() -> None:
    name = "h" + "0" * 64
    added = fold([Batch(name, NOON, [read("a", 0)])])
    assert {name: sums.batches for name, sums in added.epochs.items()} == {"keyed": 1}
    assert added.reads == {"a": 1}


def test_nothing_adds_nothing() -> None:
    added = fold([])
    assert (added.total, added.reads, added.quarters, added.epochs) == (0, {}, {}, {})


READS = st.lists(
    st.builds(read, st.sampled_from("abc"), st.integers(-40, 40)), max_size=4
)  # a few articles and quarters, so that they meet
CONTENTS = st.lists(
    st.tuples(READS, st.dictionaries(st.sampled_from(["bot", "reload"]), st.integers(0, 9))), max_size=8
)


@settings(max_examples=60)
@given(CONTENTS, st.data())
def test_any_order_repetition_and_division_into_flushes_gives_the_same_sums(
    contents: list[tuple[list[Read], dict[str, int]]], data: st.DataObject
) -> None:
    batches = [batch(n, *reads, epoch=f"e{n % 2}", filtered=kept) for n, (reads, kept) in enumerate(contents)]
    reads = Counter(article for one in batches for article, *_ in one.reads)
    accepted = sum(len(one.reads) + sum(one.filtered.values()) for one in batches)
    filtered = sum((Counter(one.filtered) for one in batches), Counter[str]())

    again = data.draw(st.lists(st.sampled_from(batches), max_size=6)) if batches else []
    deliveries = data.draw(st.permutations(batches + again))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(deliveries)), max_size=3)))
    ledger: set[str] = set()
    total, quarters, epochs = Counter[str](), Counter[tuple[str, int]](), list[EpochSums]()
    for start, end in pairwise([0, *cuts, len(deliveries)]):
        added = fold(deliveries[start:end], ledger)
        ledger |= {one.batch_id for one in deliveries[start:end]}
        total += added.reads
        quarters += added.quarters
        epochs += added.epochs.values()

    assert total == reads
    assert quarters.total() == reads.total()
    assert quarters == Counter(
        (article, (QUARTER * 15 * MINUTE + at - NOON) // (15 * MINUTE))
        for one in batches
        for article, at, *_ in one.reads
    )
    assert sum(sums.batches for sums in epochs) == len(batches)
    assert sum(sums.duplicates for sums in epochs) == len(again)
    assert sum(sums.accepted for sums in epochs) == accepted
    assert sum((sums.filtered for sums in epochs), Counter[str]()) == +filtered
    assert max((sums.max_seq for sums in epochs), default=-1) == len(batches) - 1
    assert accepted == reads.total() + filtered.total()


def test_quarters_are_sorted_under_their_utc_day_and_the_whole_site() -> None:
    quarters = Counter({("a", QUARTER): 2, ("b", QUARTER): 3, ("a", QUARTER + 47): 1, ("a", QUARTER + 48): 4})
    assert by_day(quarters) == {
        ("a", "2026-11-23"): {48: 2, 95: 1},
        ("b", "2026-11-23"): {48: 3},
        ("*", "2026-11-23"): {48: 5, 95: 1},
        ("a", "2026-11-24"): {0: 4},
        ("*", "2026-11-24"): {0: 4},
    }


def test_no_quarters_make_no_days() -> None:
    assert by_day(Counter()) == {}
