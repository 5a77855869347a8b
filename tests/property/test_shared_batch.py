"""Batches of generated reads, written and read back."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from luotdoc_subscriber.base.errors import Permanent
from services.ingest.reads.grouping import BatchedRead, grouped
from shared.rabbit.batch import (
    DEVICES,
    FILTERED_CLASSES,
    QUARTER_MS,
    REFERRERS,
    Batch,
    Group,
    Source,
    join_hashes,
)
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


@st.composite
def _sources(draw: st.DrawFn, contents: list[tuple[Group, list[bytes]]]) -> tuple[Source, ...]:
    """Sources of some of the reads of class reader."""
    sources: dict[int, Source] = {}
    for (kind, _, quarter, number, _, _), _ in contents:
        if kind == "reader":
            sums = sources.setdefault(quarter, (quarter, {}, {}))[1:]
            for classes, names in zip(sums, (REFERRERS, DEVICES), strict=True):
                if some := draw(st.integers(0, number)):
                    name = draw(st.sampled_from(names))
                    classes[name] = classes.get(name, 0) + some
    return tuple(sources.values())


def sums(batch: Batch) -> Counter[tuple[str, str, int]]:
    """Reads by class, article and quarter."""
    reads: Counter[tuple[str, str, int]] = Counter()
    for kind, article, quarter, number, _, _ in batch.groups:
        reads[kind, article, quarter] += number
    return reads


@settings(max_examples=100)
@given(CONTENTS, st.data())
def test_what_is_written_is_read_back_with_the_same_sums_and_bytes(
    contents: list[tuple[Group, list[bytes]]], data: st.DataObject
) -> None:
    hashes = join_hashes(visitor.hex() for _, visitors in contents for visitor in visitors)
    sources = data.draw(_sources(contents))
    written = Batch("e1-000000000042", AT, [group for group, _ in contents], hashes, sources)
    read = parse(written.headers(), written.body())
    assert read == written
    assert sums(read) == sums(written)
    assert list(read.visitors()) == [(group, b"".join(each)) for group, each in contents]
    assert read.body() == written.body()
    assert read.reads == sum(group[3] for group, _ in contents if group[0] in ("reader", "batch"))


READS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b"]), st.integers(1, 40).map(lambda n: AT + n * 60_000),
        st.sampled_from([0, DAY]),
        st.sampled_from(["00" * 8, "11" * 8, "ff" * 8]),
        st.none() | st.tuples(st.sampled_from([*REFERRERS, ""]), st.sampled_from(DEVICES)),
    ).map(lambda read: read if read[2] else (*read[:3], "", read[4])),
    max_size=30,
)  # fmt: skip


@given(READS)
def test_reads_that_ingest_groups_add_up_at_the_counter(reads: list[BatchedRead]) -> None:
    written = Batch("e1-000000000042", AT, *grouped(reads)[:3])
    read = parse(written.headers(), written.body())
    assert sums(read) == Counter(
        ("reader", article, at // QUARTER_MS) for article, at, _, _, _ in reads
    )
    for place, listed in (
        (1, [(at, source[0]) for _, at, _, _, source in reads if source and source[0]]),
        (2, [(at, source[1]) for _, at, _, _, source in reads if source]),
    ):
        summed: Counter[tuple[int, str]] = Counter()
        for one in read.sources:
            summed.update({(one[0], name): n for name, n in one[place].items()})  # type: ignore[union-attr]
        assert summed == Counter((at // QUARTER_MS, name) for at, name in listed)
    found = [
        (*group[1:3], group[4], visitors[at : at + 8].hex())
        for group, visitors in read.visitors()
        for at in range(0, len(visitors), 8)
    ]
    assert len(found) == len(set(found))  # distinct
    assert set(found) == {
        (article, at // QUARTER_MS, day, visitor) for article, at, day, visitor, _ in reads if day
    }
    assert len(read.groups) == len(
        {(article, at // QUARTER_MS, day) for article, at, day, _, _ in reads}
    )


BEFORE = Path(__file__).parents[1] / "cases/batch_parsing_before_sources.txt"
"""`shared/rabbit/batch_parsing.py` as it was before batches had sources."""


def _earlier() -> Any:
    names: dict[str, Any] = {}
    exec(compile(BEFORE.read_text(), BEFORE.name, "exec"), names)
    return names["parse"]


@settings(max_examples=100)
@given(CONTENTS, st.data())
def test_an_earlier_counter_reads_a_body_with_sources_as_one_without(
    contents: list[tuple[Group, list[bytes]]], data: st.DataObject
) -> None:
    hashes = join_hashes(visitor.hex() for _, visitors in contents for visitor in visitors)
    groups = [group for group, _ in contents]
    sources = data.draw(_sources(contents))
    written = Batch("e1-000000000042", AT, groups, hashes, sources)
    read = _earlier()(written.headers(), written.body())
    assert read == Batch("e1-000000000042", AT, groups, hashes)
    assert (b"sources" in written.body()) is bool(sources)


ODD = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 1 << 65) | st.floats() | st.text(max_size=40)
    | st.sampled_from([QUARTER, "direct", "mobile", ""]),
    lambda inner: st.lists(inner, max_size=5)
    | st.dictionaries(st.text(max_size=4) | st.sampled_from(["direct", "mobile"]), inner),
    max_leaves=12,
)  # fmt: skip


SUMS = st.dictionaries(
    st.sampled_from([*REFERRERS, *DEVICES, "assistant"]), st.integers(0, 3), max_size=3
)


@settings(max_examples=300)
@given(
    ODD
    | st.lists(st.lists(ODD, min_size=3, max_size=3), max_size=3)
    | st.tuples(st.just(QUARTER), SUMS, SUMS).map(lambda source: [source])
)
def test_whatever_stands_for_sources_is_refused_or_within_its_bounds(odd: Any) -> None:
    content = {"v": 2, "groups": [["reader", "a", QUARTER, 3, 0, 0]], "sources": odd}
    headers = {"batch_id": "e1-000000000042", "minted_at": AT, "reads": 3}
    body = json.dumps(content).encode()
    try:
        read = parse(headers, body)
    except Permanent as error:
        read, reason = None, error.reason
    else:
        reason = ""
    assert reason in ("", "bad_body")
    if read is None:
        return
    for place, names in ((1, REFERRERS), (2, DEVICES)):
        found = [(source[0], *each) for source in read.sources for each in source[place].items()]  # type: ignore[union-attr]
        assert sum(number for _, _, number in found) <= 3
        for quarter, name, number in found:
            assert (quarter, number > 0, name in names) == (QUARTER, True, True)
