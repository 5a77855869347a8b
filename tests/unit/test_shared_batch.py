"""A batch on the wire: what is written is read back, and what is wrong with another is said."""

import json
from typing import Any

import pytest

from luotdoc_subscriber.base.errors import Permanent
from shared.rabbit import batch_parsing
from shared.rabbit.batch import KEYED, QUARTER_MS, Batch, batch_id, place
from shared.rabbit.batch_parsing import (
    MAX_READS,
    accounted,
    identify,
    parse,
)

AT = 1_795_417_500_000
QUARTER, DAY = 1_994_908, 20_782
LATEST = QUARTER + 96  # a day after the batch
GROUP = ["reader", "ls0001", QUARTER, 1, 0, 0]
SEEN = ["reader", "ls0001", QUARTER, 1, DAY, 1]
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
        ("reader", "ls0001", QUARTER, 3, DAY, 1),
        ("batch", "ls0001", QUARTER, 2, 0, 0),
        ("bot", "ls0001", QUARTER, 7, 0, 0),
    ]
    one = Batch("e1-000000000042", AT, groups, VISITOR)
    assert one.headers() == {"batch_id": "e1-000000000042", "minted_at": AT, "reads": 5}
    assert one.body() == (
        b'{"v":2,"groups":[["reader","ls0001",1994908,3,20782,1],["batch","ls0001",1994908,2,0,0],'
        b'["bot","ls0001",1994908,7,0,0]],"visitors":"ASNFZ4mrze8"}'
    )


def test_a_batch_is_read_back() -> None:
    read = parse({**HEADERS, "reads": 2}, body([GROUP, SEEN], visitors=VISITOR))
    groups = [("reader", "ls0001", QUARTER, 1, 0, 0), ("reader", "ls0001", QUARTER, 1, DAY, 1)]
    assert read == Batch("e1-000000000042", AT, groups, VISITOR)
    assert read.reads == 2
    assert parse({**HEADERS, "reads": 0}, body([])) == Batch("e1-000000000042", AT, [])
    assert parse({**HEADERS, "x-death": []}, body(later="addition")).batch_id == "e1-000000000042"


def test_a_batch_has_its_place_in_an_epoch() -> None:
    assert batch_id("0199ab", 42) == "0199ab-000000000042"
    assert place("0199ab-000000000042") == ("0199ab", 42)
    assert place("h" + "0" * 64) == (KEYED, 0)
    assert sorted([batch_id("e", 10), batch_id("e", 9)]) == [batch_id("e", 9), batch_id("e", 10)]


@pytest.mark.parametrize(
    "name", ["e1-000000000042", "0-000000000000", "z" * 64 + "-999999999999", "h" + "f" * 64]
)
def test_names_of_batches(name: str) -> None:
    assert identify({**HEADERS, "batch_id": name}) == (name, AT, 1)


@pytest.mark.parametrize(
    ("header", "value"),
    [
        *(
            ("batch_id", value)
            for value in (None, 5, b"e1-000000000042", "", "e1-42", "E1-000000000042",
                          "-000000000042",
                          "e1-000000000042\n", "h" + "f" * 63, "z" * 65 + "-000000000042")
        ),
        *(("minted_at", value) for value in (None, "1795417500000", 1.5, True, 0, -1,
                                             32_503_680_000_000)),
        *(("reads", value) for value in (None, "1", 1.0, True, -1, 100_001)),
    ],
)  # fmt: skip
def test_a_header_that_is_wrong_is_named(header: str, value: Any) -> None:
    reason, message = fault({**HEADERS, header: value}, body())
    assert (reason, message.startswith(f"header {header} is ")) == ("bad_headers", True)


@pytest.mark.parametrize(("minted", "reads"), [(1, 0), (32_503_679_999_999, 100_000)])
def test_bounds_of_the_headers(minted: int, reads: int) -> None:
    headers = {**HEADERS, "minted_at": minted, "reads": reads}
    assert identify(headers) == ("e1-000000000042", minted, reads)
    assert accounted(headers) == ("e1-000000000042", reads)


@pytest.mark.parametrize("header", ["batch_id", "minted_at", "reads"])
def test_a_header_that_is_missing_is_named(header: str) -> None:
    reason, message = fault(
        {name: value for name, value in HEADERS.items() if name != header}, body()
    )
    assert (reason, message.startswith(f"header {header} is None")) == ("bad_headers", True)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff", b"null", b"7", b"[]", b'"x"', b"{}", b'{"filtered":{}}', b'{"v":2}',
     b'{"v":2,"reads":[]}',
     b'{"v":1,"groups":[]}'],
)  # fmt: skip
def test_what_is_no_batch_is_refused(content: bytes) -> None:
    reason, message = fault(HEADERS, content)
    assert (reason, message.startswith("not a batch: ")) == ("bad_body", True)


@pytest.mark.parametrize("version", [4, 0, -2, "2", 2.0, True, None, [2], 1 << 70])
def test_a_version_that_is_not_known_is_parked_for_a_newer_counter(version: Any) -> None:
    reason, message = fault(
        HEADERS, json.dumps({"v": version, "groups": [GROUP], "reads": []}).encode()
    )
    assert (reason, "is not known here; a newer counter may count it" in message) == (
        "bad_body",
        True,
    )


@pytest.mark.parametrize(
    "groups", [[], [GROUP, GROUP], [[*GROUP[:3], 2, 0, 0]], [["bot", *GROUP[1:]]]]
)
def test_the_body_holds_as_many_reads_of_people_as_the_header_says(groups: Any) -> None:
    reason, message = fault(HEADERS, body(groups))
    assert (reason, message.startswith("the header says 1 reads of people, the body holds ")) == (
        "bad_body",
        True,
    )


@pytest.mark.parametrize("groups", ["x", {"a": 1}, None, 7, [[]] * 100_001])
def test_groups_are_a_list_of_bounded_length(groups: Any) -> None:
    assert "groups is not a list of at most 100000" in fault(HEADERS, body(groups))[1]


def test_bounds_of_a_body(monkeypatch: pytest.MonkeyPatch) -> None:
    assert parse(HEADERS, body().ljust(16 * 1024 * 1024)).reads == 1
    assert "more than 16777216" in fault(HEADERS, body().ljust(16 * 1024 * 1024 + 1))[1]
    monkeypatch.setattr(batch_parsing, "MAX_GROUPS", 3)
    assert parse({**HEADERS, "reads": 3}, body([GROUP] * 3)).reads == 3
    assert "a list of at most 3" in fault({**HEADERS, "reads": 4}, body([GROUP] * 4))[1]


NO_ARTICLES: list[Any] = [None, 5, "A", "*", "a.b", "$a", "a\n", "z" * 33, []]


def test_equal_groups_add_up() -> None:
    assert parse({**HEADERS, "reads": 3}, body([GROUP] * 3)).reads == 3


@pytest.mark.parametrize(
    "group",
    [
        [], GROUP[:4], GROUP[:5], [*GROUP, 1], "abcdef", dict.fromkeys("abcdef", 1), None, 7,
        *([kind, *GROUP[1:]] for kind in (None, 5, "", "Reader", "a" * 33, "$set", "a.b",
        "reader\n", ["reader"])),
        *(["reader", article, QUARTER, 1, 0, 0] for article in ("", *NO_ARTICLES)),
        *(["bot", article, QUARTER, 1, 0, 0] for article in NO_ARTICLES),
        *(["reader", "a", quarter, 1, 0, 0] for quarter in (0, -1, True, None, "5", 1.5, LATEST + 1,
        36_115_199, 1 << 64)),
        *(["reader", "a", QUARTER, number, 0, 0] for number in (0, -1, True, None, "1", 1.0,
        1 << 64)),
        *(["bot", "a", QUARTER, number, 0, 0] for number in (0, -1, True, None, "1", 1.0, 1 << 64)),
        *(["reader", "a", QUARTER, 1, day, 1] for day in (0, -1, True, None, "5", 1.5, 376_200,
        1 << 64)),
        *(["reader", "a", QUARTER, 1, DAY, visitors] for visitors in (0, -1, True, None, "1", 1.0,
        2, 1 << 64)),
        *([kind, "a", QUARTER, 1, DAY, 1] for kind in ("batch", "bot", "later")),
        *([kind, "a", QUARTER, 1, 0, 1] for kind in ("reader", "batch", "bot", "later")),
        *([kind, "a", QUARTER, 1, DAY, 0] for kind in ("reader", "batch", "bot", "later")),
    ],
)  # fmt: skip
def test_a_group_that_is_malformed_is_refused(group: Any) -> None:
    reason, message = fault(HEADERS, body([group], visitors=VISITOR))
    assert (reason, message.startswith("not a batch: a group ")) == ("bad_body", True), message


@pytest.mark.parametrize(
    "hashes",
    [
        None,
        5,
        [VISITOR],
        "",
        VISITOR[:10],
        VISITOR + "A",
        VISITOR + "=",
        "A" * 22,
        *("A" * 10 + c for c in "+/=\né "),
    ],
)
def test_there_are_as_many_hashes_as_the_groups_say(hashes: Any) -> None:
    message = "not a batch: visitors is not the base64url of 1 times 8 bytes"
    assert fault(HEADERS, body([SEEN], visitors=hashes)) == ("bad_body", message)


def test_bounds_of_a_group() -> None:
    most = [
        ("reader", "z" * 32, LATEST, MAX_READS, 376_199, 2),
        ("bot", "0", 1, (1 << 40) - 5, 0, 0),
    ]
    headers = {**HEADERS, "reads": MAX_READS}
    limit = [("limit", "", 1, 5, 0, 0), ("limit", "", 1, 6, 0, 0)]
    assert parse(headers, body([*most, limit[0]], visitors="A" * 22)).groups == [*most, limit[0]]
    message = fault(headers, body([*most, limit[1]], visitors="A" * 22))[1]
    assert "more reads are filtered than any ingest has seen" in message
    assert (
        fault(headers, body([*most, ("batch", "a", 1, 1, 0, 0)], visitors="A" * 22))[0]
        == "bad_body"
    )


def test_a_read_is_accepted_at_most_a_day_after_its_batch() -> None:
    end = QUARTER_MS * (QUARTER + 1) - 1  # the last millisecond of the batch's quarter
    headers, late = {**HEADERS, "minted_at": end}, ("reader", "a", LATEST + 1, 1, 0, 0)
    assert parse(headers, body([("reader", "a", LATEST, 1, 0, 0)])).reads == 1
    assert "a group is malformed" in fault(headers, body([late]))[1]
    assert parse({**headers, "minted_at": end + 1}, body([late])).groups == [late]


def test_the_reasons_for_which_reads_are_filtered() -> None:
    groups = [
        ("bot", "a", QUARTER, 1, 0, 0),
        ("reload", "a", QUARTER, 2, 0, 0),
        ("prefetch", "a", QUARTER, 3, 0, 0),
        ("origin", "a", QUARTER, 4, 0, 0),
        ("limit", "a", QUARTER, 5, 0, 0),
        ("other", "a", QUARTER, 6, 0, 0),
    ]
    assert parse({**HEADERS, "reads": 0}, body(groups)).groups == groups


def test_reads_of_an_unknown_class_are_filtered_unless_the_header_counts_them() -> None:
    groups = [GROUP, ["later", "a", QUARTER, 4, 0, 0], ["latest", "", QUARTER, 5, 0, 0]]
    others = [("other", "a", QUARTER, 4, 0, 0), ("other", "", QUARTER, 5, 0, 0)]
    assert parse(HEADERS, body(groups)).groups[1:] == others
    message = "the header says 5 reads of people, the body holds 1"
    assert fault({**HEADERS, "reads": 5}, body(groups)) == ("bad_body", message)


# ── version 1
# ──────────────────────────────────────────────────────────────────────────────────────────────────

READ = ["ls0001", AT, "reader", "0123456789abcdef"]


def first(reads: Any = (READ,), **more: Any) -> bytes:
    return json.dumps({"reads": reads, "filtered": {"bot": 2}, **more}).encode()


def test_a_batch_of_an_earlier_release_is_counted_with_every_read() -> None:
    reads = [
        READ,
        ["ls0001", AT + 1, "reader", ""],
        ["ls0001", AT + QUARTER_MS, "batch", ""],
        ["a", AT, "later", "x"],
    ]
    read = parse(
        {**HEADERS, "reads": 4}, first(reads, filtered={"bot": 2, "origin": 0}, later="addition")
    )
    assert read.groups == [
        ("reader", "ls0001", QUARTER, 2, 0, 0),
        ("batch", "ls0001", QUARTER + 1, 1, 0, 0),
        ("reader", "a", QUARTER, 1, 0, 0),
        ("bot", "", QUARTER, 2, 0, 0),
    ]
    assert read.reads == 4
    assert parse(read.headers(), read.body()) == read  # a spool forwards it as version 2
    assert parse({**HEADERS, "reads": 0}, b'{"reads":[]}') == Batch("e1-000000000042", AT, [])


def test_a_read_of_version_1_is_accepted_at_most_a_day_after_its_batch() -> None:
    read = ["a", AT + 24 * 3600 * 1000, "reader", ""]
    assert parse(HEADERS, first([read], filtered={})).groups == [("reader", "a", LATEST, 1, 0, 0)]
    read[1] = AT + 24 * 3600 * 1000 + 1
    assert "a read has an impossible article or time" in fault(HEADERS, first([read]))[1]


@pytest.mark.parametrize("reads", [[], [READ, READ], "x", {"a": 1}, None])
def test_a_body_of_version_1_holds_as_many_reads_as_the_header_says(reads: Any) -> None:
    assert (
        "the header says 1 reads, the body holds another number" in fault(HEADERS, first(reads))[1]
    )


@pytest.mark.parametrize(
    "read",
    [
        [], READ[:3], [*READ, "x"], "abcd", None, 7,
        [5, AT, "reader", ""], ["a", "5", "reader", ""], ["a", True, "reader", ""], ["a", 1.5,
         "reader", ""],
        ["a", AT, None, ""], ["a", AT, "reader", None],
        ["", AT, "reader", ""], ["a", 0, "reader", ""], ["a", -5, "reader", ""], ["a", 1 << 50,
         "reader", ""],
    ],
)  # fmt: skip
def test_a_read_of_version_1_that_is_malformed_is_refused(read: Any) -> None:
    reason, message = fault(HEADERS, first([read]))
    assert (reason, message.startswith("not a batch: ")) == ("bad_body", True)


@pytest.mark.parametrize(
    "filtered",
    [
        [],
        None,
        "x",
        {"bot": "2"},
        {"bot": -1},
        {"bot": 1.5},
        {"bot": True},
        {"": 1},
        {"bot": 1 << 40},
    ],
)
def test_filtered_counts_of_version_1_are_numbers(filtered: Any) -> None:
    assert (
        "filtered is not a mapping of reasons to numbers"
        in fault(HEADERS, first(filtered=filtered))[1]
    )


def test_reasons_of_version_1_that_the_books_have_no_place_for_are_added_up() -> None:
    def numbers(filtered: dict[str, int]) -> dict[str, int]:
        groups = parse(HEADERS, first(filtered=filtered)).groups[1:]
        return {kind: number for kind, _, _, number, _, _ in groups}

    assert numbers({"bot": 2, "reload": 3, "x": 4, "y": 5}) == {"bot": 2, "reload": 3, "other": 9}
    assert numbers({f"r_{chr(97 + n // 26)}{chr(97 + n % 26)}": 1 for n in range(600)}) == {
        "other": 600
    }


# ── what no ingest makes
# ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_message_never_repeats_an_endless_value() -> None:
    _, message = fault({**HEADERS, "batch_id": "x" * 10_000}, body())
    assert len(message) < 200


@pytest.mark.parametrize("number", [100_001, 1 << 62, 1 << 63, -1, True, "1", 1.0, None, [1]])
def test_an_impossible_number_of_reads_enters_no_books(number: Any) -> None:
    assert fault({**HEADERS, "reads": number}, body())[0] == "bad_headers"
    assert accounted({**HEADERS, "reads": number}) == ("e1-000000000042", 0)


def test_what_is_known_of_a_batch_that_cannot_be_counted() -> None:
    assert accounted(HEADERS) == ("e1-000000000042", 1)
    assert accounted({**HEADERS, "minted_at": b"\xff"}) == ("e1-000000000042", 1)
    for name in (
        None,
        b"e1-000000000042",
        "e1-1",
        "E1-000000000042",
        "z" * 65 + "-000000000042",
        7,
        ["x"],
    ):
        assert accounted({**HEADERS, "batch_id": name}) is None


@pytest.mark.parametrize(
    "content",
    [b"[" * 100_000, b'{"reads":' * 5000, b'{"reads":[["a",' + b"9" * 5000 + b',"reader",""]]}',
     b'{"reads":[["a",NaN,"reader",""]]}', b'{"reads":[["\\ud800",1,"reader",""]]}',
        b'{"reads":[[],[]]}' + b"\0",
     b'{"v":2,"groups":' * 5000, b'{"v":2,"groups":[["reader","a",NaN,1,0,0]]}',
     b'{"v":2,"groups":[["reader","\\ud800",1,1,0,0]]}',
     b'{"v":2,"groups":[["bot","a",1,' + b"9" * 5000 + b",0,0]]}",
        b'{"v":2,"groups":[' + b"[" * 100_000,
     b" " * (16 * 1024 * 1024 + 1)],
)  # fmt: skip
def test_bodies_that_no_ingest_makes(content: bytes) -> None:
    assert fault(HEADERS, content)[0] == "bad_body"


# ── sources
# ──────────────────────────────────────────────────────────────────────────────────────────────────

SOURCE: list[Any] = [QUARTER, {"search": 1}, {"mobile": 1}]


def sourced(*sources: Any, groups: Any = (GROUP,)) -> bytes:
    return body(groups, sources=list(sources))


def test_a_batch_with_sources_is_written_and_read_back() -> None:
    groups = [("reader", "ls0001", QUARTER, 3, 0, 0), ("bot", "ls0001", QUARTER, 7, 0, 0)]
    sources = ((QUARTER, {"social": 1, "site": 1}, {"mobile": 2, "other": 1}),)
    one = Batch("e1-000000000042", AT, groups, "", sources)
    assert one.body() == (
        b'{"v":2,"groups":[["reader","ls0001",1994908,3,0,0],["bot","ls0001",1994908,7,0,0]],'
        b'"visitors":"","sources":[[1994908,{"social":1,"site":1},{"mobile":2,"other":1}]]}'
    )
    assert parse(one.headers(), one.body()) == one


def test_a_batch_without_sources_is_written_as_before() -> None:
    assert b"sources" not in Batch("e1-000000000042", AT, [], "", ()).body()
    assert parse({**HEADERS, "reads": 0}, sourced(groups=[])).sources == ()
    assert parse(HEADERS, sourced([QUARTER, {}, {}])).sources == ((QUARTER, {}, {}),)


def test_a_class_of_source_that_is_not_known_is_another() -> None:
    read = parse(HEADERS, sourced([QUARTER, {"assistant": 1}, {"fridge": 1}]))
    assert read.sources == ((QUARTER, {"other": 1}, {"other": 1}),)
    groups = [["reader", "a", QUARTER, 9, 0, 0]]
    classes = {"assistant": 1, "other": 2, "radio": 3, "site": 3}
    read = parse({**HEADERS, "reads": 9}, sourced([QUARTER, classes, {}], groups=groups))
    assert read.sources == ((QUARTER, {"other": 6, "site": 3}, {}),)


@pytest.mark.parametrize(
    "source",
    [
        None, [], "x", SOURCE[:2], [*SOURCE, 1], {"quarter": QUARTER, "referrers": 1, "devices": 1},
        [str(QUARTER), *SOURCE[1:]], [True, *SOURCE[1:]], [float(QUARTER), *SOURCE[1:]],
        [QUARTER + 1, *SOURCE[1:]], [-QUARTER, *SOURCE[1:]], [[QUARTER], *SOURCE[1:]],
        *(
            source
            for odd in (
                None, "search", 1, [], ["search"], [["search", 1]], {"search": None},
                {"search": "1"}, {"search": 1.0}, {"search": True}, {"search": 0},
                {"search": -1}, {"search": 2}, {"search": 1, "other": 1}, {"search": [1]},
            )
            for source in ([QUARTER, odd, {}], [QUARTER, {}, odd])
        ),
    ],
)  # fmt: skip
def test_a_malformed_source_is_told(source: Any) -> None:
    reason, said = fault(HEADERS, sourced(source))
    assert (reason, "a source" in said) == ("bad_body", True)


@pytest.mark.parametrize(
    "name", ["Search", "www.example.org", "a" * 33, "se arch", "a.b", "$x", ""]
)
def test_a_source_carries_no_other_text(name: str) -> None:
    for source in ([QUARTER, {name: 1}, {}], [QUARTER, {}, {name: 1}]):
        assert fault(HEADERS, sourced(source)) == (
            "bad_body",
            f"not a batch: a group or source has the class {name!r:.60}",
        )


def test_sources_have_at_most_the_reads_of_their_quarter() -> None:
    groups = [
        ["reader", "a", QUARTER, 2, 0, 0], ["reader", "a", QUARTER + 1, 1, 0, 0],
        ["reader", "b", QUARTER, 1, 0, 0], ["batch", "a", QUARTER, 9, 0, 0],
        ["bot", "a", QUARTER, 9, 0, 0],
    ]  # fmt: skip
    headers = {**HEADERS, "reads": 13}
    now: list[Any] = [QUARTER, {"search": 2, "direct": 1}, {"mobile": 3}]
    later: list[Any] = [QUARTER + 1, {}, {"tablet": 1}]
    assert parse(headers, sourced(now, later, groups=groups)).sources == (tuple(now), tuple(later))
    for more in ([QUARTER, {"search": 4}, {}], [QUARTER, {}, {"mobile": 3, "tablet": 1}],
                 [QUARTER + 1, {"search": 1, "site": 1}, {}]):  # fmt: skip
        assert fault(headers, sourced(more, groups=groups))[0] == "bad_body"


def test_a_quarter_has_one_source() -> None:
    groups = [["reader", "a", QUARTER, 9, 0, 0]]
    reason, said = fault({**HEADERS, "reads": 9}, sourced(SOURCE, SOURCE, groups=groups))
    assert (reason, "a source has other reads" in said) == ("bad_body", True)


@pytest.mark.parametrize("sources", [None, {}, "x", 7, [[QUARTER, {}, {}]] * 1_001])
def test_sources_are_a_list_of_bounded_length(sources: Any) -> None:
    assert fault(HEADERS, body([GROUP], sources=sources)) == (
        "bad_body",
        "not a batch: sources is not a list of at most 1000",
    )


def test_as_many_sources_as_are_allowed_are_read() -> None:
    groups = [["reader", "a", QUARTER - n, 1, 0, 0] for n in range(1_000)]
    sources = [[QUARTER - n, {"search": 1}, {"mobile": 1}] for n in range(1_000)]
    read = parse({**HEADERS, "reads": 1_000}, body(groups, sources=sources))
    assert read.sources == tuple(map(tuple, sources))
