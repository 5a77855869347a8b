"""Exports from a running stats, with clients that are slow, stall or go away, a source that fails,
and a stop.
"""

import asyncio
import csv
import io
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families as families

from services.stats.exporting.places import EXPORTS_AT_ONCE
from shared.storage.quarters import PER_DAY, day_name, quarter_of
from shared.web.streamed import STALLED_SECONDS
from tests.support.system import Process, System, until

ARTICLES, DAYS = 100, 11
ROWS = ARTICLES * DAYS * PER_DAY
LAST_CHUNK = b"\r\n0\r\n\r\n"
"""How a body that is complete ends."""
GET = b"GET /stats/export HTTP/1.1\r\nHost: s\r\n\r\n"


async def fill(system: System) -> int:
    """Count reads of every quarter of some days for some articles; answers their number."""
    today = quarter_of(datetime.now(UTC)) // PER_DAY
    documents, total = [], 0
    for number in range(ARTICLES):
        article = f"a{number:04}"
        for day in range(today - DAYS, today):
            q = {str(place): (number + day + place) % 7 + 1 for place in range(PER_DAY)}
            name, reads = day_name(day), sum(q.values())
            total += reads
            documents.append(
                {
                    "_id": f"{article}/{name}/0", "v": 1, "article": article, "day": name,
                    "slot": 0, "reads": reads, "q": q,
                }
            )  # fmt: skip
    await system.db.buckets.insert_many(documents)
    return total


@pytest.fixture
async def stats(system: System) -> Process:
    """A stats with 100,000 rows to export."""
    await fill(system)
    return await system.start("stats")


async def metric(system: System, stats: Process, name: str) -> float:
    text = (await system.http.get(f"{stats.url}/metrics")).text
    (found,) = [s.value for f in families(text) for s in f.samples if s.name == name]
    return found


def memory(stats: Process) -> int:
    """Its resident memory in bytes."""
    (line,) = [
        line
        for line in Path(f"/proc/{stats.pid}/status").read_text().splitlines()
        if line.startswith("VmRSS")
    ]
    return int(line.split()[1]) * 1024


@asynccontextmanager
async def exporting(
    stats: Process,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection on which an export has begun; its client reads as much as the test says."""
    port = int(stats.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=4096)
    try:
        writer.write(GET)
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        yield reader, writer
    finally:
        writer.transport.abort()


async def rest(reader: asyncio.StreamReader) -> bytes:
    """What the client's side still has of an answer that was broken off."""
    found = b""
    try:
        while part := await reader.read(1 << 16):
            found += part
    except ConnectionError:
        pass
    return found


async def take(url: str) -> int:
    """Take an answer as it comes; answers its bytes. Raises if it does not end well."""
    sent = 0
    async with httpx.AsyncClient(timeout=30) as http, http.stream("GET", url) as answer:
        assert answer.status_code == 200
        async for part in answer.aiter_raw():
            sent += len(part)
    return sent


async def free(system: System, stats: Process, seconds: float = 5.0) -> None:
    async def none() -> bool:
        return await metric(system, stats, "luotdoc_exports_running") == 0

    await until(none, seconds, "no export runs")


async def test_a_slow_client_gets_every_row_and_memory_stays_flat(
    system: System, stats: Process
) -> None:
    whole = await system.http.get(f"{stats.url}/stats/export", timeout=60)
    rows = list(csv.DictReader(io.StringIO(whole.text.removeprefix("\ufeff"), newline="")))
    before, most, sent, began = memory(stats), 0, 0, time.monotonic()
    async with (
        httpx.AsyncClient(timeout=30) as http,
        http.stream(
            "GET",
            f"{stats.url}/stats/export?format=ndjson",
            headers={"accept-encoding": "identity"},
        ) as answer,
    ):
        async for part in answer.aiter_raw(64 * 1024):
            sent += len(part)
            most = max(most, memory(stats))
            await asyncio.sleep(0.02)
    took, grown = time.monotonic() - began, most - before
    print(
        f"\n{len(rows)} rows; a slow client took {sent:,} bytes in {took:.1f} s, and the process "
        f"grew by {grown:,} bytes"
    )
    assert len(rows) == ROWS
    expected = await system.db.buckets.aggregate(
        [{"$group": {"_id": None, "reads": {"$sum": "$reads"}}}]
    ).to_list(None)
    assert sum(int(row["reads"]) for row in rows) == expected[0]["reads"]
    assert grown < 8_000_000


async def test_a_client_that_goes_away_frees_its_place(system: System, stats: Process) -> None:
    async with exporting(stats) as (reader, _):
        await reader.readexactly(100_000)
        assert await metric(system, stats, "luotdoc_exports_running") == 1
    await free(system, stats)
    assert "ERROR" not in stats.text()
    assert "Traceback" not in stats.text()


async def test_clients_that_stall_are_dropped_and_others_are_refused_until_then(
    system: System, stats: Process
) -> None:
    began = time.monotonic()
    await asyncio.gather(*[take(f"{stats.url}/stats/export") for _ in range(EXPORTS_AT_ONCE)])
    making = time.monotonic() - began
    async with exporting(stats) as (one, _), exporting(stats) as (other, _):
        began = time.monotonic()
        refused = await system.http.get(f"{stats.url}/stats/export")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "10")
        assert refused.json()["detail"] == f"{EXPORTS_AT_ONCE} exports run, try again later"
        assert await metric(system, stats, "luotdoc_exports_refused_total") == 1
        assert (await system.http.get(f"{stats.url}/stats/series?format=csv")).status_code == 200
        head = await system.http.head(f"{stats.url}/stats/export")
        assert (head.status_code, head.headers["retry-after"]) == (503, "10")
        await free(system, stats, STALLED_SECONDS + making)
        took = time.monotonic() - began
        ends = [await rest(reader) for reader in (one, other)]
    assert not any(end.endswith(LAST_CHUNK) for end in ends)
    print(
        f"\n2 clients that took nothing were dropped after {took:.1f} s; 2 others took everything "
        f"in {making:.1f} s"
    )
    # The time in which rows are made, until all buffers are full, is not the client's own.
    assert STALLED_SECONDS - 1 < took < STALLED_SECONDS + making * 2 + 5
    assert (await system.http.get(f"{stats.url}/stats/export?to=2020-01-01")).status_code == 200
    assert (await system.http.head(f"{stats.url}/stats/export")).status_code == 200


async def test_a_source_that_fails_breaks_the_answer_off(system: System, stats: Process) -> None:
    await system.db.buckets.update_one(
        {"_id": {"$gt": f"a{ARTICLES - 1:04}/"}}, {"$set": {"v": 99}}
    )  # as a newer release would write it
    with pytest.raises(httpx.RemoteProtocolError, match="incomplete chunked read"):
        await take(f"{stats.url}/stats/export")
    await free(system, stats)
    assert "has version 99" in stats.text()
    assert "Traceback" not in stats.text()


async def test_a_stop_ends_a_running_export(system: System, stats: Process) -> None:
    async with exporting(stats) as (reader, _):
        await reader.readexactly(1000)
        began = time.monotonic()
        stats.send(signal.SIGTERM)
        assert await stats.ended() == 0
        took = time.monotonic() - began
        end = await rest(reader)
    assert not end.endswith(LAST_CHUNK)
    print(f"\nit stopped in {took:.1f} s")
    assert took < 10
    assert "Traceback" not in stats.text()


async def test_head_has_the_headers_at_once(system: System, stats: Process) -> None:
    began = time.monotonic()
    head = await system.http.head(f"{stats.url}/stats/export?format=ndjson&article=")
    assert head.status_code == 422
    head = await system.http.head(f"{stats.url}/stats/export?format=ndjson")
    assert time.monotonic() - began < 1
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == "application/x-ndjson"
    assert head.headers["content-disposition"] == 'attachment; filename="luotdoc-reads.ndjson"'
    assert head.headers["cache-control"] == "no-store"
    assert head.headers["cross-origin-resource-policy"] == "cross-origin"
    assert await metric(system, stats, "luotdoc_exports_running") == 0
