"""A spool with any byte changed, or cut at any byte."""

from hypothesis import given
from hypothesis import strategies as st

from services.ingest.reads.segment import decode_record, encode_record
from shared.rabbit.batch import QUARTER_MS, Batch, join_hashes

MINTED = 1_795_417_500_000


def batch(number: int, reads: int = 1) -> Batch:
    quarter = MINTED // QUARTER_MS
    groups = [("reader", "ls0001", quarter, 1, 20_782, 1)] * reads + [
        ("bot", "ls0001", quarter, 10 + number, 0, 0)
    ]
    return Batch(
        f"e1-{number:012d}",
        MINTED + number,
        groups,
        join_hashes(["0123456789abcdef"] * reads),
        ((quarter, {"search": reads}, {"mobile": reads}),) if reads else (),
    )


RECORDS = [encode_record(batch(number, reads=number)) for number in range(4)]


ENDS = [sum(map(len, RECORDS[: number + 1])) for number in range(4)]


@given(st.integers(0, ENDS[-1]))
def test_of_a_tail_torn_at_any_byte_the_whole_records_remain(length: int) -> None:
    whole = sum(end <= length for end in ENDS)
    batches, end = decode_record(b"".join(RECORDS)[:length])
    assert [one.batch_id for one in batches] == [batch(number).batch_id for number in range(whole)]
    assert end == ([0, *ENDS])[whole]


@given(st.integers(0, ENDS[-1] - 1), st.integers(1, 255))
def test_a_byte_that_changed_anywhere_is_noticed(place: int, difference: int) -> None:
    data = bytearray(b"".join(RECORDS))
    data[place] ^= difference
    batches, end = decode_record(bytes(data))
    whole = sum(edge <= place for edge in ENDS)
    assert len(batches) == whole
    assert end == ([0, *ENDS])[whole]
