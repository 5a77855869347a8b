"""Any order, repetition and division of batches gives the same sums."""

from collections import Counter
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from services.counter.tally import EpochSums, fold
from shared.rabbit.batch import QUARTER_MS, Batch, Group, batch_id

NOON = 1_795_435_200_000
"""2026-11-23T12:00:00Z in milliseconds: the beginning of quarter 1994928 since 1970, of quarter 48
of its day.
"""


MINUTE = 60_000


def read(article: str, minutes: float, number: int = 1, kind: str = "reader") -> Group:
    return kind, article, (NOON + int(minutes * MINUTE)) // QUARTER_MS, number, 0, 0


def batch(sequence: int, *groups: Group, epoch: str = "e1") -> Batch:
    return Batch(batch_id(epoch, sequence), NOON + sequence, list(groups))


CLASSES = ["reader", "batch", "bot", "reload", "limit"]


GROUPS = st.lists(
    st.builds(
        read,
        st.sampled_from("abc"),
        st.integers(-40, 40),
        st.integers(1, 9),
        st.sampled_from(CLASSES),
    ),
    max_size=6,
)  # a few articles and quarters, so that they meet


CONTENTS = st.lists(GROUPS, max_size=8)


@settings(max_examples=60)
@given(CONTENTS, st.data())
def test_any_order_repetition_and_division_into_flushes_gives_the_same_sums(
    contents: list[list[Group]], data: st.DataObject
) -> None:
    batches = [batch(n, *groups, epoch=f"e{n % 2}") for n, groups in enumerate(contents)]
    wanted = {kind: Counter[tuple[str, int]]() for kind in ("people", *CLASSES)}
    for kind, article, quarter, number, _, _ in (group for groups in contents for group in groups):
        wanted[kind][article, quarter] += number
        if kind in ("reader", "batch"):
            wanted["people"][article, quarter] += number

    again = data.draw(st.lists(st.sampled_from(batches), max_size=6)) if batches else []
    deliveries = data.draw(st.permutations(batches + again))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(deliveries)), max_size=3)))
    ledger: set[str] = set()
    total, quarters, epochs = Counter[str](), Counter[tuple[str, int]](), list[EpochSums]()
    filtered = Counter[tuple[str, str, int]]()
    of_batches = Counter[tuple[str, int]]()
    for start, end in pairwise([0, *cuts, len(deliveries)]):
        added = fold(deliveries[start:end], ledger)
        ledger |= {one.batch_id for one in deliveries[start:end]}
        total += added.reads
        quarters += added.quarters
        filtered += added.filtered
        of_batches += added.of_batches
        epochs += added.epochs.values()

    assert quarters == wanted["people"]
    assert of_batches == wanted["batch"]
    assert quarters - of_batches == wanted["reader"]
    for article in "abc":
        assert total[article] == sum(
            number for (name, _), number in quarters.items() if name == article
        )
    for kind in ("bot", "reload", "limit"):
        found = {
            (article, quarter): number
            for (name, article, quarter), number in filtered.items()
            if name == kind
        }
        assert found == wanted[kind]
        assert sum(sums.filtered[kind] for sums in epochs) == wanted[kind].total()
    assert sum(sums.batches for sums in epochs) == len(batches)
    assert sum(sums.duplicates for sums in epochs) == len(again)
    assert sum(sums.accepted for sums in epochs) == total.total() + filtered.total()
    assert max((sums.max_seq for sums in epochs), default=-1) == len(batches) - 1
