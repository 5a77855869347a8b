"""Exports of generated rows, and of many."""

import csv
import io
import json
import tracemalloc
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from services.stats.traffic.export import (
    CHUNK_BYTES,
    MOMENT_COLUMNS,
    ExportRow,
    csv_chunks,
    moment_values,
    ndjson_chunks,
)

MOMENT = moment_values(datetime(2026, 11, 23, 0, 15, tzinfo=UTC), ZoneInfo("Asia/Ho_Chi_Minh"))
COLUMNS = ("title", "article", "reads", "score")
ROWS = st.lists(
    st.tuples(
        st.text(st.characters(exclude_categories=["Cs"])),
        st.from_regex(r"[a-z0-9]{1,32}", fullmatch=True),
        st.none() | st.integers(0, 2**53),
        st.floats(-1e6, 1e6),
    ),
    max_size=20,
)


@given(ROWS)
async def test_all_forms_have_the_same_rows(rows: list[ExportRow]) -> None:
    lines = b"".join([chunk async for chunk in ndjson_chunks(COLUMNS, rows)]).decode()
    found = [json.loads(line) for line in lines.split("\n")[:-1]]
    assert [tuple(each.values()) for each in found] == rows
    text = b"".join([chunk async for chunk in csv_chunks(COLUMNS, rows)]).decode("utf-8-sig")
    head, *table = csv.reader(io.StringIO(text, newline=""))
    assert head == list(COLUMNS)
    for cells, (title, article, reads, score) in zip(table, rows, strict=True):
        assert cells[0] in (title, f"'{title}", f'="{title}"')
        assert cells[1] in (article, f'="{article}"')
        assert cells[2] == ("" if reads is None else str(reads))
        assert float(cells[3]) == score


async def peak(number: int) -> int:
    """The most bytes of Python's objects during an export of so many rows."""
    rows = ((*MOMENT, "ls0001", "title", n) for n in range(number))
    tracemalloc.start()
    async for chunk in csv_chunks((*MOMENT_COLUMNS, "article", "title", "reads"), rows):
        assert len(chunk) < CHUNK_BYTES + 200
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


async def test_memory_does_not_grow_with_the_rows() -> None:
    short, long = await peak(2000), await peak(20_000)
    print(f"at most {short:,} bytes for 2,000 rows, {long:,} for 20,000")
    assert long < short * 1.5 < 500_000
