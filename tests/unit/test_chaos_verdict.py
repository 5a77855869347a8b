"""The verdict over a round: what may be counted, what may be missing, and whom a gap is
forgiven.
"""

from collections import Counter

from tests.chaos.fleet import Life
from tests.chaos.verdict import (
    Verdict,
    epochs_killed,
    judge_applied,
    judge_article,
    judge_batched,
    judge_books,
    judge_classes,
    judge_ledger,
    judge_reads,
    missing_numbers,
)


def test_counted_lies_between_acknowledged_and_acknowledged_plus_unanswered_for_each_article() -> (
    None
):
    acknowledged, unanswered = Counter(a=10, b=5, c=1), Counter(a=2, d=3)
    fine = judge_reads(acknowledged, unanswered, {"a": 12, "b": 5, "c": 1, "other": 99})
    assert (fine.sent, fine.acknowledged, fine.unanswered, fine.counted) == (21, 16, 5, 18)
    assert (fine.lost, fine.doubled, fine.complaints) == (0, 0, [])
    # One lost and one doubled do not make up for each other.
    wrong = judge_reads(acknowledged, unanswered, {"a": 9, "b": 6, "c": 1, "d": 4})
    assert (wrong.lost, wrong.doubled) == (1, 2)
    assert wrong.complaints == [
        "a: 9 reads are counted, it must be 10 to 12",
        "b: 6 reads are counted, it must be 5 to 5",
        "d: 4 reads are counted, it must be 0 to 3",
    ]


def test_batches_are_counted_as_sent() -> None:
    verdict = Verdict()
    judge_batched(verdict, Counter(k1=40, k2=40, k3=40), {"k1": 40, "k2": 39, "k3": 42})
    assert (verdict.batched, verdict.batched_counted, verdict.lost, verdict.doubled) == (
        120,
        121,
        1,
        2,
    )
    assert len(verdict.complaints) == 2


def test_missing_numbers() -> None:
    ledger = [
        "e1-000000000000",
        "e1-000000000002",
        "e2-000000000000",
        "e2-000000000001",
        "h" + "0" * 64,
    ]
    assert missing_numbers(ledger) == {"e1": [1]}
    assert missing_numbers(["e1-000000000003"]) == {"e1": [0, 1, 2]}
    assert missing_numbers([]) == {}


def test_a_gap_is_forgiven_to_an_ingest_that_was_killed_and_never_when_acknowledged() -> None:
    def judge(batch_ids: dict[str, str], ledger: list[str], killed: dict[str, bool]) -> Verdict:
        verdict = Verdict()
        judge_ledger(verdict, batch_ids, ledger, killed)
        return verdict

    gap = ["e-000000000000", "e-000000000002"]
    forgiven = judge({"e-000000000002": "ingest-1"}, gap, {"e": True})
    assert (forgiven.abandoned, forgiven.complaints) == (1, [])
    assert judge({}, gap, {"e": False}).complaints == ["epoch e (not killed) misses batches [1]"]
    assert judge({}, ["e-000000000003"], {"e": True}).complaints == [
        "epoch e (killed) misses batches [0, 1, 2]"
    ]
    acknowledged = judge({"e-000000000001": "ingest-1"}, gap, {"e": True})
    assert acknowledged.complaints == [
        "batch e-000000000001, acknowledged by ingest-1, is not in the ledger"
    ]


def test_books() -> None:
    books = {
        "balance": 0,
        "parked": 0,
        "filtered": {},
        "accepted": 7,
        "counted": 7,
        "in_flight": 1,
        "gaps": [],
    }
    assert judge_books(books, site=7, articles=7, buckets=7, missing=1) == []
    assert judge_books(books, site=7, articles=7, buckets=7, missing=0) == [
        "the books say in_flight = 1, it must be 0"
    ]
    assert judge_books(books, site=8, articles=7, buckets=7, missing=1) == [
        "the site has 8 reads, its articles 7, its buckets 7"
    ]
    assert (
        len(judge_books(books | {"balance": 1, "parked": 1, "filtered": {"bot": 1}}, 7, 7, 7, 1))
        == 3
    )


def test_sources_that_are_not_those_of_the_reads() -> None:
    assert judge_classes({"reader": 7, "referrer": 7, "device": 7}) == []
    assert judge_classes({"reader": 7, "referrer": 6, "device": 8}) == [
        "the site's reads from pages differ: 7 by reader, 6 by referrer, 8 by device"
    ]


def test_a_batch_applied_twice() -> None:
    assert judge_applied(2, ["e1-0", "kb-1"]) == []
    assert judge_applied(3, ["e1-0", "kb-1"]) == ["3 batches are in the books and 2 in the ledger"]


def test_articles() -> None:
    assert judge_article("e1", accepted=3, stored=3, served=3, told=[1, 2, 2, 1, 3]) == []
    assert judge_article("e1", accepted=3, stored=4, served=4, told=[1, 2, 3, 4]) == []
    assert judge_article("e1", 3, 2, 2, [1, 2]) == ["e1: revision 3 was accepted, 2 is stored"]
    assert judge_article("e1", 3, 3, 2, [1, 2, 3]) == ["e1: revision 2 is served, 3 is stored"]
    for told in ([1, 3], [1, 3, 2], [2, 3], [1, 2], []):
        assert len(judge_article("e1", 3, 3, 3, told)) == 1, told


def test_which_epochs_were_killed() -> None:
    def epoch(second: int) -> str:
        return f"{second * 1000:011x}{'0' * 8}"

    lives = {
        "ingest-1": [Life(10.0, 20.0, killed=True), Life(21.0)],
        "ingest-2": [Life(11.0, 30.0), Life(31.0)],
    }
    told_by = {epoch(13): "ingest-2", epoch(14): "ingest-1"}
    epochs = [epoch(second) for second in (12, 13, 14, 22, 32, 25)]
    assert epochs_killed(epochs, told_by, lives) == {
        epoch(12): True,  # nobody answered with it: it may be the killed one's
        epoch(13): False,
        epoch(14): True,
        epoch(22): False,
        epoch(32): False,
        epoch(25): False,
    }
