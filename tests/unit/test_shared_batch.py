"""A batch on the wire: what is written is read back, and what is wrong with another is said."""

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.batch import (
    KEYED,
    LATEST_MS,
    MAX_BODY,
    MAX_GROUPS,
    MAX_READS,
    QUARTER_MS,
    REASONS,
    Batch,
    Group,
    accounted,
    batch_id,
    identify,
    join_visitors,
    parse,
    place,
)
from shared.errors import Permanent

AT = 1_795_417_500_000
QUARTER, DAY = 1_994_908, 20_782
GROUP = ["reader", "ls0001", QUARTER, 1]
VISITOR = "ASNFZ4mrze8"
"""0123456789abcdef in base64url."""
HEADERS: dict[str, Any] = {"batch_id": "e1-000000000042", "minted_at": AT, "reads": 1}


def body(groups: Any = (GROUP,), **more: Any) -> bytes:
    return json.dumps({"v": 2, "groups": groups, **more}).encode()


def fault(headers: dict[str, Any], content: bytes) -> tuple[str, str]:
    with pytest.raises(Permanent) as error:
        parse(headers, content)
    return error.value.reason, str(error.value)


def test_a_batch_is_written_with_its_accounts_in_the_headers() -> None:
    groups = [
        Group("reader", "ls0001", QUARTER, 3, DAY, VISITOR),
        Group("batch", "ls0001", QUARTER, 2),
        Group("bot", "ls0001", QUARTER, 7),
    ]
    one = Batch("e1-000000000042", AT, groups)
    assert one.headers() == {"batch_id": "e1-000000000042", "minted_at": AT, "reads": 5}
    assert one.body() == (
        b'{"v":2,"groups":[["reader","ls0001",1994908,3,20782,"ASNFZ4mrze8"],'
        b'["batch","ls0001",1994908,2],["bot","ls0001",1994908,7]]}'
    )


def test_a_batch_is_read_back() -> None:
    read = parse({**HEADERS, "reads": 4}, body([GROUP, [*GROUP[:3], 3, DAY, VISITOR]]))
    groups = [Group("reader", "ls0001", QUARTER, 1), Group("reader", "ls0001", QUARTER, 3, DAY, VISITOR)]
    assert read == Batch("e1-000000000042", AT, groups)
    assert read.reads == 4
    assert parse({**HEADERS, "reads": 0}, body([])) == Batch("e1-000000000042", AT, [])
    assert parse({**HEADERS, "x-death": []}, body(later="addition")).batch_id == "e1-000000000042"


ARTICLES = st.from_regex(r"[a-z0-9]{1,32}", fullmatch=True)
QUARTERS = st.integers(1, LATEST_MS // QUARTER_MS - 1)


def _people(kind: str, article: str, quarter: int, number: int) -> Group:
    return Group(kind, article, quarter, number)


def _filtered(article: str, quarter: int, number: int, kind: str) -> Group:
    return Group(kind, article, quarter, number)


def _seen(article: str, quarter: int, day: int, visitors: set[bytes], more: int) -> Group:
    joined = join_visitors(visitor.hex() for visitor in visitors)
    return Group("reader", article, quarter, len(visitors) + more, day, joined)


GROUPS = st.lists(
    st.one_of(
        st.builds(_people, st.sampled_from(["reader", "batch"]), ARTICLES, QUARTERS, st.integers(1, 4000)),
        st.builds(
            _filtered, ARTICLES | st.just(""), QUARTERS, st.integers(1, 1 << 35), st.sampled_from([*REASONS, "other"])
        ),
        st.builds(
            _seen, ARTICLES, QUARTERS, st.integers(1, 376_000),
            st.sets(st.binary(min_size=8, max_size=8), min_size=1, max_size=40), st.integers(0, 9),
        ),
    ),
    max_size=12,
)  # fmt: skip


def sums(batch: Batch) -> tuple[Counter[tuple[str, str, int]], set[tuple[int, bytes]]]:
    """Reads by class, article and quarter; visitors by their salt's day."""
    reads: Counter[tuple[str, str, int]] = Counter()
    for group in batch.groups:
        reads[group.kind, group.article, group.quarter] += group.number
    return reads, {(group.salt_day, each) for group in batch.groups for each in group.hashes()}


@settings(max_examples=100)
@given(GROUPS)
def test_what_is_written_is_read_back_with_the_same_sums_and_bytes(groups: list[Group]) -> None:
    written = Batch("e1-000000000042", AT, groups)
    read = parse(written.headers(), written.body())
    assert read == written
    assert sums(read) == sums(written)
    assert read.body() == written.body()
    assert read.reads == sum(group.number for group in groups if group.kind in ("reader", "batch"))


@given(st.lists(st.binary(min_size=8, max_size=8), min_size=1, max_size=50, unique=True))
def test_visitors_take_ten_and_two_thirds_characters_each(visitors: list[bytes]) -> None:
    joined = join_visitors(visitor.hex() for visitor in visitors)
    assert len(joined) == -(-len(visitors) * 32 // 3)
    assert Group("reader", "a", QUARTER, 50, DAY, joined).hashes() == visitors


def test_a_group_without_known_visitors_has_none() -> None:
    assert join_visitors([]) == join_visitors([""]) == ""
    assert Group("reader", "a", QUARTER, 1).hashes() == []


def test_a_batch_has_its_place_in_an_epoch() -> None:
    assert batch_id("0199ab", 42) == "0199ab-000000000042"
    assert place("0199ab-000000000042") == ("0199ab", 42)
    assert place("h" + "0" * 64) == (KEYED, 0)
    assert sorted([batch_id("e", 10), batch_id("e", 9)]) == [batch_id("e", 9), batch_id("e", 10)]


@pytest.mark.parametrize("name", ["e1-000000000042", "0-000000000000", "z" * 64 + "-999999999999", "h" + "f" * 64])
def test_names_of_batches(name: str) -> None:
    assert identify({**HEADERS, "batch_id": name}) == (name, AT, 1)


@pytest.mark.parametrize(
    ("header", "value"),
    [
        *(
            ("batch_id", value)
            for value in (None, 5, b"e1-000000000042", "", "e1-42", "E1-000000000042", "-000000000042",
                          "e1-000000000042\n", "h" + "f" * 63, "z" * 65 + "-000000000042")
        ),
        *(("minted_at", value) for value in (None, "1795417500000", 1.5, True, 0, -1, 1 << 50)),
        *(("reads", value) for value in (None, "1", 1.0, True, -1)),
    ],
)  # fmt: skip
def test_a_header_that_is_wrong_is_named(header: str, value: Any) -> None:
    reason, message = fault({**HEADERS, header: value}, body())
    assert (reason, message.startswith(f"header {header} is ")) == ("bad_headers", True)


@pytest.mark.parametrize("header", ["batch_id", "minted_at", "reads"])
def test_a_header_that_is_missing_is_named(header: str) -> None:
    reason, message = fault({name: value for name, value in HEADERS.items() if name != header}, body())
    assert (reason, message.startswith(f"header {header} is None")) == ("bad_headers", True)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff", b"null", b"7", b"[]", b'"x"', b"{}", b'{"filtered":{}}', b'{"v":2}', b'{"v":2,"reads":[]}',
     b'{"v":1,"groups":[]}'],
)  # fmt: skip
def test_what_is_no_batch_is_refused(content: bytes) -> None:
    reason, message = fault(HEADERS, content)
    assert (reason, message.startswith("not a batch: ")) == ("bad_body", True)


@pytest.mark.parametrize("version", [3, 0, -2, "2", 2.0, True, None, [2], 1 << 70])
def test_a_version_that_is_not_known_is_parked_for_a_newer_counter(version: Any) -> None:
    reason, message = fault(HEADERS, json.dumps({"v": version, "groups": [GROUP], "reads": []}).encode())
    assert (reason, "is not known here; a newer counter may count it" in message) == ("bad_body", True)


@pytest.mark.parametrize("groups", [[], [GROUP, GROUP], [[*GROUP[:3], 2]], [["bot", *GROUP[1:]]]])
def test_the_body_holds_as_many_reads_of_people_as_the_header_says(groups: Any) -> None:
    reason, message = fault(HEADERS, body(groups))
    assert (reason, message.startswith("the header says 1 reads of people, the body holds ")) == ("bad_body", True)


@pytest.mark.parametrize("groups", ["x", {"a": 1}, None, 7, [[]] * (MAX_GROUPS + 1)])
def test_groups_are_a_list_of_bounded_length(groups: Any) -> None:
    assert "groups is not a list of at most 100000" in fault(HEADERS, body(groups))[1]


NO_ARTICLES: list[Any] = [None, 5, "A", "*", "a.b", "$a", "a\n", "z" * 33, []]


def test_equal_groups_add_up() -> None:
    assert parse({**HEADERS, "reads": 3}, body([GROUP] * 3)).reads == 3


@pytest.mark.parametrize(
    "group",
    [
        [], GROUP[:3], [*GROUP, DAY], [*GROUP, DAY, VISITOR, 1], "abcd", {"a": 1, "b": 2, "c": 3, "d": 4}, None, 7,
        *([kind, *GROUP[1:]] for kind in (None, 5, "", "Reader", "a" * 33, "$set", "a.b", "reader\n", ["reader"])),
        *(["reader", article, QUARTER, 1] for article in ("", *NO_ARTICLES)),
        *(["bot", article, QUARTER, 1] for article in NO_ARTICLES),
        *(["reader", "a", quarter, 1] for quarter in (0, -1, True, None, "5", 1.5, 36_115_200, 1 << 64)),
        *(["reader", "a", QUARTER, number] for number in (0, -1, True, None, "1", 1.0, MAX_READS + 1, 1 << 64)),
        *(["bot", "a", QUARTER, number] for number in (0, -1, True, None, "1", 1.0, (1 << 40) + 1, 1 << 64)),
        *([*GROUP, day, VISITOR] for day in (0, -1, True, None, "5", 1.5, 376_200, 1 << 64)),
        *([*GROUP, DAY, visitors] for visitors in (
            "", None, 5, [VISITOR], VISITOR[:10], VISITOR + "A", VISITOR + "=", "A" * 10 + "+", "A" * 10 + "/",
            "A" * 10 + "\n", "A" * 10 + "é", "A" * 22,
        )),
        ["batch", "a", QUARTER, 1, DAY, VISITOR], ["bot", "a", QUARTER, 1, DAY, VISITOR],
        ["later", "a", QUARTER, 1, DAY, VISITOR],
    ],
)  # fmt: skip
def test_a_group_that_is_malformed_is_refused(group: Any) -> None:
    reason, message = fault({**HEADERS, "reads": 1}, body([group]))
    assert (reason, message.startswith("not a batch: a group ")) == ("bad_body", True), message


def test_bounds_of_a_group() -> None:
    most: list[list[Any]] = [
        ["reader", "z" * 32, 36_115_199, 2, 376_199, "A" * 22],
        ["bot", "0", 1, (1 << 40) - 5],
        ["limit", "", 1, 5],
    ]
    assert parse({**HEADERS, "reads": 2}, body(most)).groups == [Group(*group) for group in most]
    most[-1][-1] = 6
    assert "more reads are filtered than any ingest has seen" in fault({**HEADERS, "reads": 2}, body(most))[1]


def test_reads_of_a_class_that_is_not_known_are_filtered_unless_the_header_says_that_they_are_people_s() -> None:
    groups = [GROUP, ["later", "a", QUARTER, 4], ["latest", "", QUARTER, 5]]
    assert parse(HEADERS, body(groups)).groups[1:] == [Group("other", "a", QUARTER, 4), Group("other", "", QUARTER, 5)]
    message = "the header says 5 reads of people, the body holds 1"
    assert fault({**HEADERS, "reads": 5}, body(groups)) == ("bad_body", message)


# ── version 1 ────────────────────────────────────────────────────────────────────────────────────────────────────────

READ = ["ls0001", AT, "reader", "0123456789abcdef"]


def first(reads: Any = (READ,), **more: Any) -> bytes:
    return json.dumps({"reads": reads, "filtered": {"bot": 2}, **more}).encode()


def test_a_batch_of_an_earlier_release_is_counted_with_every_read() -> None:
    reads = [READ, ["ls0001", AT + 1, "reader", ""], ["ls0001", AT + QUARTER_MS, "batch", ""], ["a", AT, "later", "x"]]
    read = parse({**HEADERS, "reads": 4}, first(reads, filtered={"bot": 2, "origin": 0}, later="addition"))
    assert read.groups == [
        Group("reader", "ls0001", QUARTER, 2),
        Group("batch", "ls0001", QUARTER + 1, 1),
        Group("reader", "a", QUARTER, 1),
        Group("bot", "", QUARTER, 2),
    ]
    assert read.reads == 4
    assert parse(read.headers(), read.body()) == read  # a spool forwards it as version 2
    assert parse({**HEADERS, "reads": 0}, b'{"reads":[]}') == Batch("e1-000000000042", AT, [])


@pytest.mark.parametrize("reads", [[], [READ, READ], "x", {"a": 1}, None])
def test_a_body_of_version_1_holds_as_many_reads_as_the_header_says(reads: Any) -> None:
    assert "the header says 1 reads, the body holds another number" in fault(HEADERS, first(reads))[1]


@pytest.mark.parametrize(
    "read",
    [
        [], READ[:3], [*READ, "x"], "abcd", None, 7,
        [5, AT, "reader", ""], ["a", "5", "reader", ""], ["a", True, "reader", ""], ["a", 1.5, "reader", ""],
        ["a", AT, None, ""], ["a", AT, "reader", None],
        ["", AT, "reader", ""], ["a", 0, "reader", ""], ["a", -5, "reader", ""], ["a", 1 << 50, "reader", ""],
    ],
)  # fmt: skip
def test_a_read_of_version_1_that_is_malformed_is_refused(read: Any) -> None:
    reason, message = fault(HEADERS, first([read]))
    assert (reason, message.startswith("not a batch: ")) == ("bad_body", True)


@pytest.mark.parametrize(
    "filtered", [[], None, "x", {"bot": "2"}, {"bot": -1}, {"bot": 1.5}, {"bot": True}, {"": 1}, {"bot": 1 << 40}]
)
def test_filtered_counts_of_version_1_are_numbers(filtered: Any) -> None:
    assert "filtered is not a mapping of reasons to numbers" in fault(HEADERS, first(filtered=filtered))[1]


def test_reasons_of_version_1_that_the_books_have_no_place_for_are_added_up() -> None:
    def numbers(filtered: dict[str, int]) -> dict[str, int]:
        return {group.kind: group.number for group in parse(HEADERS, first(filtered=filtered)).groups[1:]}

    assert numbers({"bot": 2, "reload": 3, "x": 4, "y": 5}) == {"bot": 2, "reload": 3, "other": 9}
    assert numbers({f"r_{chr(97 + n // 26)}{chr(97 + n % 26)}": 1 for n in range(600)}) == {"other": 600}


# ── what no ingest makes ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_message_never_repeats_an_endless_value() -> None:
    _, message = fault({**HEADERS, "batch_id": "x" * 10_000}, body())
    assert len(message) < 200


@pytest.mark.parametrize("number", [MAX_READS + 1, 1 << 62, 1 << 63, -1, True, "1", 1.0, None, [1]])
def test_an_impossible_number_of_reads_enters_no_books(number: Any) -> None:
    assert fault({**HEADERS, "reads": number}, body())[0] == "bad_headers"
    assert accounted({**HEADERS, "reads": number}) == ("e1-000000000042", 0)


def test_what_is_known_of_a_batch_that_cannot_be_counted() -> None:
    assert accounted(HEADERS) == ("e1-000000000042", 1)
    assert accounted({**HEADERS, "minted_at": b"\xff"}) == ("e1-000000000042", 1)
    for name in (None, b"e1-000000000042", "e1-1", "E1-000000000042", "z" * 65 + "-000000000042", 7, ["x"]):
        assert accounted({**HEADERS, "batch_id": name}) is None


@pytest.mark.parametrize(
    "content",
    [b"[" * 100_000, b'{"reads":' * 5000, b'{"reads":[["a",' + b"9" * 5000 + b',"reader",""]]}',
     b'{"reads":[["a",NaN,"reader",""]]}', b'{"reads":[["\\ud800",1,"reader",""]]}', b'{"reads":[[],[]]}' + b"\0",
     b'{"v":2,"groups":' * 5000, b'{"v":2,"groups":[["reader","a",NaN,1]]}',
     b'{"v":2,"groups":[["reader","\\ud800",1,1]]}',
     b'{"v":2,"groups":[["bot","a",1,' + b"9" * 5000 + b"]]}", b'{"v":2,"groups":[' + b"[" * 100_000,
     b" " * (MAX_BODY + 1)],
)  # fmt: skip
def test_bodies_that_no_ingest_makes(content: bytes) -> None:
    assert fault(HEADERS, content)[0] == "bad_body"
