"""Batches of generated reads, written and read back."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.reads.grouping import BatchedRead, grouped
from shared.rabbit.batch import FILTERED_CLASSES, QUARTER_MS, Batch, Group, join_hashes
from shared.rabbit.batch_parsing import parse

AT = 1_795_417_500_000


QUARTER, DAY = 1_994_908, 20_782


ARTICLES = st.from_regex(r"[a-z0-9]{1,32}", fullmatch=True)
LATEST = QUARTER + 96  # a day after the batch
QUARTERS = st.integers(1, LATEST)


def _people(kind: str, article: str, quarter: int, number: int) -> tuple[Group, list[bytes]]:
    return (kind, article, quarter, number, 0, 0), []


def _filtered(kind: str, article: str, quarter: int, number: int) -> tuple[Group, list[bytes]]:
    return (kind, article, quarter, number, 0, 0), []


def _seen(
    article: str, quarter: int, day: int, visitors: list[bytes], more: int
) -> tuple[Group, list[bytes]]:
    return ("reader", article, quarter, len(visitors) + more, day, len(visitors)), visitors


HASHES = st.lists(st.binary(min_size=8, max_size=8), min_size=1, max_size=9, unique=True)
CONTENTS = st.lists(
    st.one_of(
        st.builds(
            _people, st.sampled_from(["reader", "batch"]), ARTICLES, QUARTERS, st.integers(1, 4000)
        ),
        st.builds(
            _filtered,
            st.sampled_from([*FILTERED_CLASSES, "other"]),
            ARTICLES | st.just(""),
            QUARTERS,
            st.integers(1, 1 << 35),
        ),
        st.builds(_seen, ARTICLES, QUARTERS, st.integers(1, 376_000), HASHES, st.integers(0, 9)),
    ),
    max_size=12,
)


def sums(batch: Batch) -> Counter[tuple[str, str, int]]:
    """Reads by class, article and quarter."""
    reads: Counter[tuple[str, str, int]] = Counter()
    for kind, article, quarter, number, _, _ in batch.groups:
        reads[kind, article, quarter] += number
    return reads


@settings(max_examples=100)
@given(CONTENTS)
def test_what_is_written_is_read_back_with_the_same_sums_and_bytes(
    contents: list[tuple[Group, list[bytes]]],
) -> None:
    hashes = join_hashes(visitor.hex() for _, visitors in contents for visitor in visitors)
    written = Batch("e1-000000000042", AT, [group for group, _ in contents], hashes)
    read = parse(written.headers(), written.body())
    assert read == written
    assert sums(read) == sums(written)
    assert list(read.visitors()) == contents
    assert read.body() == written.body()
    assert read.reads == sum(group[3] for group, _ in contents if group[0] in ("reader", "batch"))


READS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b"]), st.integers(1, 40).map(lambda n: AT + n * 60_000),
        st.sampled_from([0, DAY]),
        st.sampled_from(["00" * 8, "11" * 8, "ff" * 8]),
    ).map(lambda read: read if read[2] else (*read[:3], "")),
    max_size=30,
)  # fmt: skip


@given(READS)
def test_reads_that_ingest_groups_add_up_at_the_counter(reads: list[BatchedRead]) -> None:
    written = Batch("e1-000000000042", AT, *grouped(reads))
    read = parse(written.headers(), written.body())
    assert sums(read) == Counter(
        ("reader", article, at // QUARTER_MS) for article, at, _, _ in reads
    )
    found = [
        (*group[1:3], group[4], each.hex())
        for group, visitors in read.visitors()
        for each in visitors
    ]
    assert len(found) == len(set(found))  # distinct
    assert set(found) == {
        (article, at // QUARTER_MS, day, visitor) for article, at, day, visitor in reads if day
    }
    assert len(read.groups) == len(
        {(article, at // QUARTER_MS, day) for article, at, day, _ in reads}
    )
