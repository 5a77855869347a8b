"""Any division of buckets into moves archives the same sums, and no read is lost or doubled."""

from collections import Counter
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.rabbit.batch import FILTERED_CLASSES
from shared.storage.archive import archived
from shared.storage.counts import DayEntry, bucket
from shared.storage.quarters import quarters
from tests.support.archived import Stored, carry_out

QUARTERS = st.dictionaries(st.integers(0, 95), st.integers(1, 99), max_size=5).map(Counter)
ENTRIES = st.builds(
    DayEntry,
    people=QUARTERS,
    batch=QUARTERS,
    filtered=st.dictionaries(st.sampled_from(FILTERED_CLASSES), QUARTERS.filter(bool), max_size=2),
)
DAYS = st.integers(1, 28).map(lambda day: f"2026-02-{day:02}")
FLUSHES = st.lists(st.tuples(DAYS, st.integers(0, 2), ENTRIES), max_size=12)


def sums(day: str, fields: dict[str, Any]) -> Counter[tuple[str, int]]:
    """Reads by class and quarter; the sums of the day must be theirs."""
    found: Counter[tuple[str, int]] = Counter()
    for kind, q in {"people": fields.get("q", {}), **fields.get("by", {})}.items():
        for quarter, number in quarters(day, q):
            found[kind, quarter] += number
        if kind != "batch":
            whole = fields["reads"] if kind == "people" else fields["filtered"][kind]
            assert whole == sum(q.values())
    return found


@given(FLUSHES, st.lists(st.integers(0, 12), max_size=3))
def test_buckets_that_are_moved_in_parts_between_flushes_keep_every_quarter(
    flushes: list[tuple[str, int, DayEntry]], cuts: list[int]
) -> None:
    oracle: Counter[tuple[str, int]] = Counter()
    buckets: Stored = {}
    archive: Stored = {}
    for start, end in pairwise([0, *sorted(cuts), len(flushes)]):
        for day, slot, entry in flushes[start:end]:
            carry_out(buckets, bucket("a", day, slot, entry))
            for kind, q in {
                "people": entry.people, "batch": entry.batch, **entry.filtered
            }.items():  # fmt: skip
                for quarter, number in quarters(day, {str(k): n for k, n in q.items()}):
                    oracle[kind, quarter] += number
        if buckets:
            carry_out(archive, archived("a", "2026-02", buckets.values()))
            buckets.clear()
    found: Counter[tuple[str, int]] = Counter()
    for document in archive.values():
        assert (document["_id"], document["month"]) == ("a/2026-02", "2026-02")
        for name, fields in document["days"].items():
            found += sums(f"2026-02-{name}", fields)
    assert found == oracle
