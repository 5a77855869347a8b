"""Exports: what is written, and that it is written while the rows come."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from services.stats.traffic.export import (
    CHUNK_BYTES,
    MOMENT_COLUMNS,
    ExportRow,
    ExportRows,
    csv_chunks,
    moment_values,
    ndjson_chunks,
)

Write = Callable[[Sequence[str], ExportRows], AsyncGenerator[bytes, None]]
HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
COLUMNS = (*MOMENT_COLUMNS, "article", "title", "reads")
MOMENT = moment_values(datetime(2026, 11, 23, 0, 15, tzinfo=UTC), HANOI)


async def whole(chunks: AsyncIterator[bytes]) -> str:
    return b"".join([chunk async for chunk in chunks]).decode()


class Source:
    """Rows that come one by one, and whether they were taken and closed."""

    def __init__(self, number: int, fails: bool = False) -> None:
        self.number, self.fails = number, fails
        self.taken, self.closed = 0, False

    async def rows(self) -> AsyncGenerator[ExportRow, None]:
        try:
            for n in range(self.number):
                self.taken += 1
                yield (*MOMENT, f"ls{n:04}", "Đoàn \"Hội\", 'đường'", n)
            if self.fails:
                raise ConnectionError("the database went away")
        finally:
            self.closed = True


def test_a_moment_is_a_text_for_people_and_a_number_for_programs() -> None:
    assert MOMENT == ("2026-11-23T07:15:00+07:00", "Asia/Ho_Chi_Minh", 1795392900000)
    assert datetime.fromtimestamp(1795392900, UTC) == datetime(2026, 11, 23, 0, 15, tzinfo=UTC)


async def test_csv_opens_right_in_a_spreadsheet() -> None:
    rows = [
        (*MOMENT, "00123", "30/4", 7),
        (*MOMENT, "ls0001", "=1+1", None),
        (*MOMENT, "ls0002", 'Đoàn "Hội"', 0),
    ]
    assert await whole(csv_chunks(COLUMNS, rows)) == (
        "\ufeffstart,zone,time,article,title,reads\r\n"
        '2026-11-23 07:15:00,Asia/Ho_Chi_Minh,1795392900000,"=""00123""","=""30/4""",7\r\n'
        "2026-11-23 07:15:00,Asia/Ho_Chi_Minh,1795392900000,ls0001,'=1+1,\r\n"
        '2026-11-23 07:15:00,Asia/Ho_Chi_Minh,1795392900000,ls0002,"Đoàn ""Hội""",0\r\n'
    )


async def test_json_is_flat_and_knows_zero_from_not_known() -> None:
    rows = [(*MOMENT, "00123", "30/4", 0), (*MOMENT, "ls0001", "=1+1", None)]
    expected = [
        {
            "start": "2026-11-23T07:15:00+07:00",
            "zone": "Asia/Ho_Chi_Minh",
            "time": 1795392900000,
            "article": article,
            "title": title,
            "reads": reads,
        }
        for article, title, reads in (("00123", "30/4", 0), ("ls0001", "=1+1", None))
    ]
    lines = (await whole(ndjson_chunks(COLUMNS, rows))).splitlines()
    assert [json.loads(line) for line in lines] == expected


async def test_an_export_without_rows() -> None:
    assert await whole(csv_chunks(("a", "b"), [])) == "\ufeffa,b\r\n"
    assert await whole(ndjson_chunks(("a", "b"), [])) == ""


async def test_numbers_with_a_fraction_stay_numbers() -> None:
    assert (await whole(csv_chunks(("score",), [(-1.5,), (2.0,)]))).splitlines()[1:] == [
        "-1.5",
        "2.0",
    ]


@pytest.mark.parametrize("write", [csv_chunks, ndjson_chunks])
async def test_what_utf_8_cannot_write_is_a_question_mark_in_exports(write: Write) -> None:
    text = await whole(write(("title", "n"), [("a\ud800b", 1)]))
    assert "a?b" in text


@pytest.mark.parametrize("write", [csv_chunks, ndjson_chunks])
async def test_a_row_of_another_length_is_a_fault(write: Write) -> None:
    with pytest.raises(ValueError, match="argument"):
        await whole(write(("a", "b"), [(1,)]))


@pytest.mark.parametrize("write", [csv_chunks, ndjson_chunks])
async def test_rows_are_taken_while_chunks_are_sent(write: Write) -> None:
    source = Source(5000)
    chunks = write(COLUMNS, source.rows())
    assert source.taken == 0
    first = await anext(chunks)
    row = len(first) / source.taken
    assert CHUNK_BYTES <= len(first) < CHUNK_BYTES + 2 * row
    assert 100 < source.taken < 500
    rest = [chunk async for chunk in chunks]
    assert source.taken == 5000
    assert source.closed
    assert all(CHUNK_BYTES <= len(chunk) < CHUNK_BYTES + 2 * row for chunk in rest[:-1])


async def test_a_client_that_goes_away_closes_the_source() -> None:
    source = Source(5000)
    chunks = csv_chunks(COLUMNS, source.rows())
    await anext(chunks)
    before = source.closed
    await chunks.aclose()
    assert (before, source.closed) == (False, True)
    assert source.taken < 500


async def test_a_source_that_fails_ends_the_export_without_its_end() -> None:
    source, sent = Source(1000, fails=True), list[bytes]()

    async def send() -> None:
        async for chunk in ndjson_chunks(COLUMNS, source.rows()):
            sent.append(chunk)

    with pytest.raises(ConnectionError):
        await send()
    assert source.closed
    assert len(sent) > 3
    assert b"".join(sent).endswith(b"\n")


async def test_others_have_their_turn_between_chunks() -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(other())
    began = time.monotonic()
    rows = ((*MOMENT, "ls0001", "title", n) for n in range(5000))
    chunks = len([chunk async for chunk in ndjson_chunks(COLUMNS, rows)])
    task.cancel()
    assert time.monotonic() - began < 5  # they take their turn, and no more
    assert chunks > 10
    assert turns >= chunks - 1


async def test_rare_rows_are_sent_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)

    async def rows() -> AsyncGenerator[ExportRow, None]:
        nonlocal now
        for n in range(6):
            now += 2.0
            yield (n,)

    chunks = [chunk async for chunk in ndjson_chunks(("n",), rows())]
    assert chunks == [b'{"n":0}\n{"n":1}\n{"n":2}\n', b'{"n":3}\n{"n":4}\n{"n":5}\n']
