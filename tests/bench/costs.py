"""What the plan of a portal's size is made from, and no other measure has: a read that is alone in
its batch, a large flush, an article from the PUT to its page, a page from memory, memory that
processes take, and bytes on disk.
"""

import asyncio
import os
import time
from collections.abc import Mapping
from pathlib import Path

from tests.bench import machine, past
from tests.bench.backlog import READS, fill
from tests.bench.beacon import CONNECTIONS
from tests.bench.counting import SECONDS, counted
from tests.bench.figures import Figure
from tests.bench.freshness import settled
from tests.bench.rig import Rig
from tests.support.system import Process, until

NAME = "costs"
SPARSE_RATE = 100.0
"""Reads a second, each 10 ms after the last: each is a batch of its own."""
LEDGER, BUCKETS, MESSAGES = 200_000, 100_000, 10_000
PAGES_LUA = Path(__file__).with_name("pages.lua")


async def measure(rig: Rig) -> list[Figure]:
    """CPU of a lone read, of an article and of a page; flushes; bytes in memory and on disk."""
    seconds = 10.0 if rig.quick else 40.0
    await rig.reset()
    figures = await _sparse(rig, seconds)
    figures += await _large_flushes(rig, seconds)
    await rig.reset()
    figures += await _articles(rig, 100 if rig.quick else 400)
    figures += await _page(rig, seconds / 2)
    await rig.stop(*(p for p in rig.system.processes if p.popen.poll() is None))
    await rig.reset()
    return figures + await _stored(rig)


def _cpu(what: str, unit: str, cpu: Mapping[str, float], number: float) -> list[Figure]:
    return [
        Figure(NAME, f"{what}: CPU of {name}", used / number * 1e6, f"µs/{unit}")
        for name, used in cpu.items()
    ]


def _memory(what: str, *processes: Process) -> list[Figure]:
    return [
        Figure(
            NAME, f"{what}: memory of {p.name.partition('-')[0]}", machine.resident(p.pid), "MiB"
        )
        for p in processes
    ]


async def _sparse(rig: Rig, seconds: float) -> list[Figure]:
    """Lone reads; then as many as ingest takes, for the memory of warm processes."""
    ingest, counter, stats = await rig.start("ingest", "counter", "stats")
    await rig.open_loop(ingest, SPARSE_RATE, 2, connections=8)
    before, written = await settled(rig, ingest), await rig.written()
    entries, warm = await _entries(rig), await rig.metrics(counter)
    load = rig.open_loop(ingest, SPARSE_RATE, seconds, connections=8)
    _, cpu = await rig.used(rig.pids(ingest, counter, stats), load)
    reads = await settled(rig, ingest) - before
    written, batches = await rig.written() - written, await _entries(rig) - entries
    flush, flushes = _flush(warm, await rig.metrics(counter))
    await rig.wrk(ingest, CONNECTIONS, seconds)
    await settled(rig, ingest)
    memory = _memory("after reads without a pause", ingest, counter, stats)
    await rig.stop(ingest, counter, stats)
    what = "100 reads a second"
    return [
        Figure(NAME, f"{what}: reads per ledger entry", reads / batches, "reads"),
        Figure(NAME, f"{what}: documents written per flush", written / flushes, "documents"),
        Figure(NAME, f"{what}: a flush", flush, "s"),
        Figure(NAME, f"{what}: CPU of mongod per flush", cpu["mongod"] / flushes, "s"),
        *_cpu("100 reads a second", "read", cpu, reads),
        *memory,
    ]


async def _entries(rig: Rig) -> int:
    return int(await rig.system.db.ledger.count_documents({}))


def _flush(before: Mapping[str, float], after: Mapping[str, float]) -> tuple[float, float]:
    """Seconds of a flush (mean) and the number of flushes between two looks."""
    seconds, flushes = (
        after[name] - before.get(name, 0.0)
        for name in ("luotdoc_flush_seconds_sum", "luotdoc_flush_seconds_count")
    )
    return seconds / flushes, flushes


async def _large_flushes(rig: Rig, seconds: float) -> list[Figure]:
    """Batches of 250 reads of distinct articles, as many as one busy ingest sends."""
    await rig.reset()
    (counter,) = await rig.start("counter")
    await fill(rig.system.broker.url, 200, 200.0)  # the first flushes create their documents
    await until(counted(rig, 200 * READS), SECONDS, "every read is counted")
    warm, written, batches = await rig.metrics(counter), await rig.written(), int(100 * seconds)

    async def count() -> None:
        await fill(rig.system.broker.url, batches, 200.0)
        await until(counted(rig, (200 + batches) * READS), SECONDS, "every read is counted")

    _, cpu = await rig.used(rig.pids(), count())
    flush, flushes = _flush(warm, await rig.metrics(counter))
    written = await rig.written() - written
    await rig.stop(counter)
    what = "200 batches a second"
    return [
        Figure(NAME, f"{what}: documents written per flush", written / flushes, "documents"),
        Figure(NAME, f"{what}: a flush", flush, "s"),
        Figure(NAME, f"{what}: CPU of mongod per flush", cpu["mongod"] / flushes, "s"),
    ]


async def _articles(rig: Rig, number: int) -> list[Figure]:
    """Articles one after the other, until each has its page."""
    ingest, render, stats = await rig.start("ingest", "render", "stats")
    body = "".join(f"<p>Đoạn thứ {n} của một bài báo dài vừa phải.</p>" for n in range(60))

    async def publish() -> None:
        for n in range(number):
            (await rig.system.put(f"c{n}", body_html=body)).raise_for_status()

        async def all_rendered() -> bool:
            return bool(await rig.system.db.pages.count_documents({}) >= number)

        await until(all_rendered, 60, "all pages")

    _, cpu = await rig.used(rig.pids(ingest, render, stats), publish())
    return _cpu("an article", "article", cpu, number)


async def _page(rig: Rig, seconds: float) -> list[Figure]:
    (render,) = rig.system.replicas("render")
    answer = await rig.system.http.get(f"{render.url}/x/x-c0.html", follow_redirects=True)
    wrk = ["wrk", "-t1", "-c64", f"-d{round(seconds)}s", "-s", str(PAGES_LUA)]
    loop = rig.run(*wrk, f"{render.url}{answer.url.path}", seconds=seconds + 30)
    done, cpu = await rig.used({"render": render.pid}, loop)
    if done["errors"] or done["statuses"]:
        raise RuntimeError(f"{answer.url}: {done}")
    used = cpu["render"] / done["requests"] * 1e6
    note = f"{len(answer.content)} bytes of HTML, from memory, 64 connections"
    return [
        Figure(NAME, "a page: CPU of render", used, "µs/page", note=note),
        *_memory("after pages without a pause", render),
    ]


async def _stored(rig: Rig) -> list[Figure]:
    machine.move(rig.system.database.pid, rig.cores.every)
    await asyncio.to_thread(past.insert, rig.system.database.url, LEDGER, BUCKETS, 0)
    bytes_of = {}
    for collection, number in (("ledger", LEDGER), ("buckets", BUCKETS)):
        stats = await rig.system.db.command("collStats", collection)
        bytes_of[collection] = (stats["storageSize"] + stats["totalIndexSize"]) / number
    note = "of distinct articles; one node, log and segments of a quorum queue"
    figures = [
        Figure(NAME, "bytes on disk of a ledger entry", bytes_of["ledger"], "B"),
        Figure(NAME, "bytes on disk of a bucket", bytes_of["buckets"], "B"),
    ]
    took = 0.0
    for reads, what in ((1, "1 read"), (READS, f"{READS} reads")):
        before, began = _on_disk(rig), time.monotonic()
        await fill(rig.system.broker.url, MESSAGES, reads=reads)
        took, queued = time.monotonic() - began, (_on_disk(rig) - before) / MESSAGES
        name = f"bytes on disk of a queued batch of {what}"
        figures.append(Figure(NAME, name, queued, "B", note=note))
    await rig.purge()
    rate = MESSAGES / took
    return [*figures, Figure(NAME, "batches confirmed by one quorum queue", rate, "/s")]


def _on_disk(rig: Rig) -> int:
    folder = rig.system.broker.environment()["RABBITMQ_MNESIA_BASE"]
    files = (Path(at) / name for at, _, names in os.walk(folder) for name in names)
    return sum(file.stat().st_blocks * 512 for file in files if file.exists())
