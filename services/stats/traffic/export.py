"""Exports: rows written as CSV or NDJSON while they are sent. Pure.

A row has a value for each column: text, a number, or None, which means "not known" and is not 0.
`time` is in milliseconds since 1970, as programs and Grafana's Infinity data source want it
(column type "Time (UNIX ms)"); `start` is the same moment for people, in the zone of `zone`. JSON
has RFC 3339 with the offset, CSV the local time in a form that spreadsheets know.

Memory is bounded: rows are taken from their source one by one, and sent in chunks. A source that
fails ends the export with its exception, so the connection breaks off and no client takes a part
for the whole. A source that is an async generator is closed when the export is closed, also when
the client goes away.
"""

import asyncio
import csv
import io
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

import orjson

from services.stats.tables import cell, local_time
from shared.storage.quarters import start_of

ExportValue = str | int | float | None
ExportRow = Sequence[ExportValue]
NOTHING_YET: ExportRow = ()
"""In place of a row, of a source that works: so the answer may rest, and end if the client left."""
ExportRows = AsyncGenerator[ExportRow, None] | Iterable[ExportRow]

NDJSON_TYPE = "application/x-ndjson"
CHUNK_BYTES = 32 * 1024
"""A chunk is sent once it has so many bytes: a few hundred rows, one or two milliseconds' work."""
FLUSH_SECONDS = 5.0
"""Time after which a chunk is sent although it is small, so that no gateway takes a source whose
rows are rare for one that has stopped."""
MOMENT_COLUMNS = ("start", "zone", "time")
"""The first columns of every export. `time` is not the first of all, because a program that doesn't
know the byte order mark of the CSV takes it for a part of the first column's name."""


def csv_chunks(columns: Sequence[str], rows: ExportRows) -> AsyncGenerator[bytes, None]:
    """CSV (RFC 4180) with a header line, in UTF-8 with a byte order mark, as Excel wants it. Values
    not known are empty cells. Text that a spreadsheet would change is protected as in
    `services.stats.tables`. Excel shows the first 1,048,576 lines.
    """
    text = io.StringIO()
    write = csv.writer(text).writerow
    protections = [_PROTECTIONS.get(column, cell) for column in columns]

    def line(cells: Sequence[str | int | float]) -> bytes:
        write(cells)
        encoded = text.getvalue().encode("utf-8", "replace")
        text.seek(0)
        text.truncate()
        return encoded

    def encode(row: ExportRow) -> bytes:
        return line([protect(value) for protect, value in zip(protections, row, strict=True)])

    text.write("\ufeff")
    head = line(columns)
    return _chunks(rows, head, encode)


def ndjson_chunks(columns: Sequence[str], rows: ExportRows) -> AsyncGenerator[bytes, None]:
    """A JSON object a line: `{"start":"2026-11-23T07:00:00+07:00","zone":…,"time":…,…}`."""

    def encode(row: ExportRow) -> bytes:
        return _json(columns, row) + b"\n"

    return _chunks(rows, b"", encode)


@lru_cache(maxsize=16_384)  # some 4 MB; a dashboard asks for the same moments again and again
def quarter_values(quarter: int, zone: ZoneInfo) -> tuple[str, str, int]:
    """The values of `MOMENT_COLUMNS` for the start of a quarter."""
    return moment_values(start_of(quarter), zone)


def moment_values(start: datetime, zone: ZoneInfo) -> tuple[str, str, int]:
    """The values of `MOMENT_COLUMNS` for the aware datetime `start`."""
    local = start.astimezone(zone).isoformat(timespec="seconds")
    return local, zone.key, round(start.timestamp() * 1000)


async def _chunks(
    rows: ExportRows, head: bytes, encode: Callable[[ExportRow], bytes]
) -> AsyncGenerator[bytes, None]:
    waiting, begun = bytearray(head), time.monotonic()
    async with aclosing(_each(rows)) as each:
        async for row in each:
            if row:
                waiting += encode(row)
            else:
                yield b""
            late = time.monotonic() - begun > FLUSH_SECONDS
            if len(waiting) >= CHUNK_BYTES or (waiting and late):
                yield bytes(waiting)
                waiting.clear()
                # Rows from memory never wait: without this an export would hold the event loop.
                await asyncio.sleep(0)
                begun = time.monotonic()
    if waiting:
        yield bytes(waiting)


async def _each(rows: ExportRows) -> AsyncGenerator[ExportRow, None]:
    if isinstance(rows, AsyncGenerator):
        # Python closes an abandoned generator at some later time: a cursor would stay open.
        async with aclosing(rows):
            async for row in rows:
                yield row
    else:
        for row in rows:
            yield row


def _protected_start(value: ExportValue) -> str | int | float:
    return local_time(value) if isinstance(value, str) else cell(value)


_PROTECTIONS = {"start": _protected_start}


def _json(columns: Sequence[str], row: ExportRow) -> bytes:
    named = dict(zip(columns, row, strict=True))
    try:
        return orjson.dumps(named)
    except TypeError:  # a text with half of a surrogate pair, which UTF-8 can't write
        return orjson.dumps({name: _writable(value) for name, value in named.items()})


def _writable(value: ExportValue) -> ExportValue:
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
