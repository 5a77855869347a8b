"""Through when the counts are complete, from the sequence of batches."""

from datetime import UTC, datetime, timedelta

from shared.storage.gaps import (
    Descent,
    Epoch,
    Gap,
    Hole,
    Whole,
    ascend,
    complete,
    earliest,
    gaps,
    holes,
)

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def second(number: int) -> datetime:
    """Batch number n is minted n seconds after noon."""
    return NOON + timedelta(seconds=number)


def epoch(batches: int, top: int, parked: int = 0, name: str = "e1") -> Epoch:
    return Epoch(name, batches, top, second(0), second(top), parked)


def descend(
    numbers: list[int], top: int, missing: int, parked: frozenset[int] = frozenset()
) -> Whole | None:
    descent = Descent(top, missing, parked)
    for number in sorted(numbers, reverse=True):
        if whole := descent.step(number, second(number)):
            return whole
    return None


def test_nothing_is_missing_in_a_sequence_from_zero_to_the_top() -> None:
    assert epoch(batches=10, top=9).missing == 0


def test_a_parked_batch_fills_its_place() -> None:
    assert epoch(batches=8, top=9).missing == 2
    assert epoch(batches=8, top=9, parked=2).missing == 0


def test_an_epoch_without_gaps_is_complete_through_its_last_batch() -> None:
    assert complete(epoch(batches=10, top=9), None) == second(9)


def test_a_gap_holds_it_back_at_the_batch_before() -> None:
    assert descend([0, 1, 2, 3, 5, 6], top=6, missing=1) == Whole(4, second(3))
    assert complete(epoch(batches=6, top=6), Whole(4, second(3))) == second(3)


def test_the_first_of_several_gaps_counts() -> None:
    assert descend([0, 1, 4, 5, 7, 9], top=9, missing=4) == Whole(2, second(1))
    assert descend([0, 2, 4], top=4, missing=2) == Whole(1, second(0))


def test_the_search_goes_no_further_down_than_it_must() -> None:
    descent = Descent(top=1_000_000, missing=1, parked=frozenset())
    assert descent.step(1_000_000, second(9)) is None
    assert descent.step(999_998, second(7)) == Whole(999_999, second(7))


def test_a_parked_batch_below_the_top_is_no_gap() -> None:
    assert descend([0, 1, 3, 5], top=5, missing=1, parked=frozenset({4})) == Whole(2, second(1))


def test_a_parked_batch_beside_the_gap_leaves_the_counted_one_below_as_the_answer() -> None:
    assert descend([0, 1, 4], top=4, missing=1, parked=frozenset({2})) == Whole(3, second(1))


def test_a_parked_top_is_not_a_gap() -> None:
    assert descend([0, 2], top=3, missing=1, parked=frozenset({3})) == Whole(1, second(0))


def test_when_the_very_first_batch_is_missing_the_search_ends_empty() -> None:
    assert descend([1, 2, 3], top=3, missing=1) is None


def test_then_only_what_lies_well_before_the_first_counted_batch_is_sure() -> None:
    assert complete(epoch(batches=3, top=3), None) == second(-20)
    assert earliest(epoch(batches=3, top=5, parked=1)) == second(-40)


def test_what_expired_from_the_ledger_is_not_taken_for_whole() -> None:
    assert descend([500, 501, 503], top=503, missing=3) is None


def test_an_open_gap_stays_where_it_is() -> None:
    whole = Whole(4, second(3))
    assert ascend(whole, [(5, second(5)), (6, second(6))], frozenset()) == whole


def test_a_closed_gap_moves_up_to_the_next_one() -> None:
    entries = [(number, second(number)) for number in (4, 5, 6, 8)]
    assert ascend(Whole(4, second(3)), entries, frozenset()) == Whole(7, second(6))


def test_entries_above_the_next_gap_are_not_read() -> None:
    entries = iter([(number, second(number)) for number in (4, 6, 7, 8)])
    assert ascend(Whole(4, second(3)), entries, frozenset()) == Whole(5, second(4))
    assert [number for number, _ in entries] == [7, 8]


def test_it_moves_over_parked_batches() -> None:
    entries = [(number, second(number)) for number in (5, 7)]
    assert ascend(Whole(4, second(3)), entries, frozenset({4, 6})) == Whole(8, second(7))


def test_a_batch_that_was_minted_later_than_the_last_one_counts_no_longer_than_that() -> None:
    assert complete(epoch(batches=6, top=6), Whole(4, second(9))) == second(6)


def test_the_holes_of_an_epoch_with_the_time_of_the_next_batch() -> None:
    seen = [(number, second(number)) for number in (1, 2, 6)]
    assert holes(8, second(99), seen, frozenset({4, 7})) == [
        Hole(0, second(1)),
        Hole(3, second(6)),
        Hole(5, second(6)),
        Hole(8, second(99)),
    ]
    assert holes(6, second(99), [(number, NOON) for number in range(7)], frozenset()) == []
    assert holes(1, second(99), [], frozenset()) == [Hole(0, second(99)), Hole(1, second(99))]


def test_an_epoch_has_ended_a_minute_after_its_last_batch() -> None:
    broken = epoch(batches=8, top=10)
    assert gaps([broken], second(70)) == []
    assert gaps([broken], second(71)) == [Gap("e1", 3, second(10))]


def test_an_ended_epoch_without_gaps_is_not_listed() -> None:
    whole, broken = epoch(10, 9, name="a"), epoch(9, 9, name="b")
    assert gaps([broken, whole], second(600)) == [Gap("b", 1, second(9))]


def test_a_sequence_that_no_ingest_has_reached_costs_no_more_than_another() -> None:
    top = 999_999_999_999
    descent = Descent(top, missing=top - 4, parked=frozenset({5, 2}))
    assert descent.step(top, second(9)) is None
    assert descent.step(1, second(1)) == Whole(3, second(1))
    far = Epoch("e1", 3, top, second(0), second(9), parked=0)
    assert complete(far, None) == datetime(1970, 1, 1, tzinfo=UTC)
