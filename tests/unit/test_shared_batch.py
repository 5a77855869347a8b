"""A batch on the wire: what is written is read back, and what is wrong with another is said."""

import json
from typing import Any

import pytest

from shared.batch import KEYED, MAX_BODY, MAX_READS, Batch, accounted, batch_id, identify, parse, place
from shared.errors import Permanent

AT = 1_795_417_500_000
READ = ["ls0001", AT, "reader", "0123456789abcdef"]
HEADERS: dict[str, Any] = {"batch_id": "e1-000000000042", "minted_at": AT, "reads": 1}


def body(reads: Any = (READ,), **more: Any) -> bytes:
    return json.dumps({"reads": reads, "filtered": {"bot": 2}, **more}).encode()


def fault(headers: dict[str, Any], content: bytes) -> tuple[str, str]:
    with pytest.raises(Permanent) as error:
        parse(headers, content)
    return error.value.reason, str(error.value)


def test_a_batch_is_written_with_its_accounts_in_the_headers() -> None:
    one = Batch("e1-000000000042", AT, [("ls0001", AT, "reader", "00ff")], {"bot": 2})
    assert one.headers() == {"batch_id": "e1-000000000042", "minted_at": AT, "reads": 1}
    assert one.body() == b'{"reads":[["ls0001",1795417500000,"reader","00ff"]],"filtered":{"bot":2}}'


def test_a_batch_is_read_back() -> None:
    assert parse(HEADERS, body()) == Batch("e1-000000000042", AT, [READ], {"bot": 2})  # type: ignore[list-item]
    assert parse({**HEADERS, "reads": 0}, b'{"reads":[]}') == Batch("e1-000000000042", AT, [], {})
    assert parse({**HEADERS, "x-death": []}, body(later="addition")).batch_id == "e1-000000000042"


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


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"null", b"7", b"[]", b'"x"', b"{}", b'{"filtered":{}}'])
def test_what_is_no_batch_is_refused(content: bytes) -> None:
    reason, message = fault(HEADERS, content)
    assert (reason, message.startswith("not a batch: ")) == ("bad_body", True)


@pytest.mark.parametrize("reads", [[], [READ, READ], "x", {"a": 1}, None])
def test_the_body_holds_as_many_reads_as_the_header_says(reads: Any) -> None:
    message = "the header says 1 reads, the body holds another number"
    assert fault(HEADERS, body(reads)) == ("bad_body", message)


@pytest.mark.parametrize(
    "read",
    [
        [], READ[:3], [*READ, "x"], "abcd", None, 7,
        [5, AT, "reader", ""], ["a", "5", "reader", ""], ["a", True, "reader", ""], ["a", 1.5, "reader", ""],
        ["a", AT, None, ""], ["a", AT, "reader", None],
        ["", AT, "reader", ""], ["a", 0, "reader", ""], ["a", -5, "reader", ""], ["a", 1 << 50, "reader", ""],
    ],
)  # fmt: skip
def test_a_read_that_is_malformed_is_refused(read: Any) -> None:
    reason, message = fault(HEADERS, body([read]))
    assert (reason, message.startswith("a read is malformed: ")) == ("bad_body", True)


@pytest.mark.parametrize("filtered", [[], None, "x", {"bot": "2"}, {"bot": -1}, {"bot": 1.5}, {"bot": True}])
def test_filtered_counts_are_numbers(filtered: Any) -> None:
    assert fault(HEADERS, body(filtered=filtered)) == ("bad_body", "filtered is not a mapping of reasons to numbers")


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


def test_reasons_that_the_books_have_no_place_for_are_added_up() -> None:
    filtered = {"bot": 2, "reload": 3, "x": 4, "y": 5}
    assert parse(HEADERS, body(filtered=filtered)).filtered == {"bot": 2, "reload": 3, "other": 9}
    many = {f"r_{chr(97 + n // 26)}{chr(97 + n % 26)}": 1 for n in range(600)}
    assert parse(HEADERS, body(filtered=many)).filtered == {"other": 600}


@pytest.mark.parametrize(
    "content",
    [b"[" * 100_000, b'{"reads":' * 5000, b'{"reads":[["a",' + b"9" * 5000 + b',"reader",""]]}',
     b'{"reads":[["a",NaN,"reader",""]]}', b'{"reads":[["\\ud800",1,"reader",""]]}', b'{"reads":[[],[]]}' + b"\0",
     b" " * (MAX_BODY + 1)],
)  # fmt: skip
def test_bodies_that_no_ingest_makes(content: bytes) -> None:
    assert fault(HEADERS, content)[0] == "bad_body"
