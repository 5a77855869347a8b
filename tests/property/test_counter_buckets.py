"""Whatever batches hold, the buckets that flushes make have what a plain list of the reads has."""

from collections import Counter
from collections.abc import Mapping
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from services.counter.tally import by_day, fold
from shared.rabbit.batch import DEVICES, REFERRERS, Batch, Group, Source, batch_id
from shared.rabbit.batch_parsing import parse
from shared.storage.counts import bucket
from shared.storage.quarters import PER_DAY, day_name, day_number, quarters
from tests.support.archived import Stored, carry_out

FIRST = day_number("2026-11-23") * PER_DAY + 90
"""Towards the end of a day, so that reads are of two days."""
QUARTERS = st.integers(FIRST, FIRST + 12)
READERS = st.lists(
    st.tuples(
        st.sampled_from("ab"), QUARTERS, st.sampled_from([*REFERRERS, ""]),
        st.sampled_from([*DEVICES, None]),
    ),
    max_size=6,
)  # fmt: skip
"""Reads of class reader; a device of None stands for a read without a source."""
OTHERS = st.lists(
    st.tuples(st.sampled_from(["batch", "bot", "limit"]), st.sampled_from("ab"), QUARTERS),
    max_size=4,
)
BATCHES = st.lists(st.tuples(READERS, OTHERS), max_size=6)

Readers = list[tuple[str, int, str, str | None]]
Others = list[tuple[str, str, int]]


def batch(sequence: int, readers: Readers, others: Others) -> Batch:
    """A batch of the reads, as the counter gets it."""
    groups: list[Group] = [
        ("reader", article, quarter, 1, 0, 0) for article, quarter, _, _ in readers
    ]
    groups += [(kind, article, quarter, 1, 0, 0) for kind, article, quarter in others]
    sources: dict[int, Source] = {}
    for _, quarter, referrer, device in readers:
        if device:
            _, referrers, devices = sources.setdefault(quarter, (quarter, {}, {}))
            devices[device] = devices.get(device, 0) + 1
            if referrer:
                referrers[referrer] = referrers.get(referrer, 0) + 1
    minted = (FIRST + 13) * 900_000
    written = Batch(batch_id("e1", sequence), minted, groups, "", tuple(sources.values()))
    return parse(written.headers(), written.body())


def oracle(batches: list[tuple[Readers, Others]]) -> Counter[tuple[str, str, int]]:
    """Reads by field, article and quarter."""
    found: Counter[tuple[str, str, int]] = Counter()
    for readers, others in batches:
        for article, quarter, referrer, device in readers:
            found["q", article, quarter] += 1
            found["q", "*", quarter] += 1
            if device:
                found[f"device.{device}", "*", quarter] += 1
                if referrer:
                    found[f"referrer.{referrer}", "*", quarter] += 1
        for kind, article, quarter in others:
            for who in (article, "*"):
                found[f"by.{kind}", who, quarter] += 1
                if kind == "batch":
                    found["q", who, quarter] += 1
    return found


@settings(max_examples=150)
@given(BATCHES, st.lists(st.integers(0, 6), max_size=2))
def test_buckets_have_what_a_list_of_the_reads_has(
    contents: list[tuple[Readers, Others]], cuts: list[int]
) -> None:
    stored: Stored = {}
    batches = [batch(n, *content) for n, content in enumerate(contents)]
    touched = set()
    for start, end in pairwise([0, *sorted(cuts), len(batches)]):
        for (article, day), entry in by_day(fold(batches[start:end])).items():
            carry_out(stored, bucket(article, day, 0, entry))
            touched.add((article, day))
    found: Counter[tuple[str, str, int]] = Counter()
    for document in stored.values():
        maps: dict[str, Mapping[str, int]] = {"q": document["q"]}
        for name in ("by", "referrer", "device"):
            maps |= {f"{name}.{kind}": q for kind, q in document.get(name, {}).items()}
        for field, q in maps.items():
            for quarter, number in quarters(document["day"], q):
                found[field, document["article"], quarter] += number
        assert document["reads"] == sum(document["q"].values())
    wanted = oracle(contents)
    assert found == wanted
    # No document but those of the reads' own articles and days: sources need none.
    assert touched == {
        (article, day_name(quarter // PER_DAY)) for _, article, quarter in wanted
    }  # fmt: skip
