"""What the plan of a portal's size is made from, and no other measure has: a read that is alone in
its batch, a large flush, an article from the PUT to its page, a page from memory, the
memory of processes, and bytes on disk.
"""

import asyncio
import os
import secrets
import time
from collections.abc import Mapping
from pathlib import Path

from luotdoc_subscriber.base.clock import now
from services.counter.settings import CounterSettings
from services.counter.store import CounterStore
from shared.rabbit.batch import QUARTER_MS, READER, Batch, batch_id
from shared.storage import mongo
from tests.bench import machine, past
from tests.bench.backlog import READS, fill, make_bodies
from tests.bench.beacon import CONNECTIONS
from tests.bench.figures import Figure, middle, number
from tests.bench.freshness import settled
from tests.bench.rig import Rig
from tests.bench.traffic import ARTICLES, article
from tests.support.system import Process, until

NAME = "costs"
SPARSE_RATE = 100.0
"""Reads a second, each 10 ms after the last: each is a batch of its own."""
FLUSHES = 20
LEDGER, BUCKETS, MESSAGES = 200_000, 100_000, 10_000
PAGES_LUA = Path(__file__).with_name("pages.lua")


async def measure(rig: Rig) -> list[Figure]:
    """CPU of a lone read, of an article and of a page; flushes; bytes in memory and on disk."""
    seconds = 10.0 if rig.quick else 40.0
    await rig.reset()
    interval = float(CounterSettings.model_fields["flush_interval"].default)
    figures = [Figure(NAME, "flush interval", interval, "s", note="the setting")]
    figures += await _sparse(rig, seconds)
    figures += await _flush(rig)
    await rig.reset()
    figures += await _articles(rig, 100 if rig.quick else 400)
    figures += await _page(rig, seconds / 2)
    await rig.stop(*(p for p in rig.system.processes if p.popen.poll() is None))
    await rig.reset()
    return figures + await _stored(rig)


def _cpu(what: str, unit: str, cpu: Mapping[str, float], times: float) -> list[Figure]:
    return [
        Figure(NAME, f"{what}: CPU of {name}", used / times * 1e6, f"µs/{unit}")
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
    before, entries = await settled(rig, ingest), await _entries(rig)
    load = rig.open_loop(ingest, SPARSE_RATE, seconds, connections=8)
    _, cpu = await rig.used(rig.pids(ingest, counter, stats), load)
    reads, batches = await settled(rig, ingest) - before, await _entries(rig) - entries
    await rig.wrk(ingest, CONNECTIONS, seconds)
    await settled(rig, ingest)
    memory = _memory("after reads without a pause", ingest, counter, stats)
    await rig.stop(ingest, counter, stats)
    return [
        Figure(NAME, "100 reads a second: reads per ledger entry", reads / batches, "reads"),
        *_cpu("100 reads a second", "read", cpu, reads),
        *memory,
    ]


async def _entries(rig: Rig) -> int:
    return int(await rig.system.db.ledger.count_documents({}))


async def _flush(rig: Rig) -> list[Figure]:
    """A flush of many documents by the counter's store, the fastest of some: what else the machine
    does makes the others longer.
    """
    await rig.reset()
    client, db = mongo.connect(rig.system.database.url, "bench")
    store, times, written = CounterStore(client, db, now), list[float](), 0
    for _ in range(FLUSHES):
        batches = _batches(f"bench{secrets.token_hex(4)}")
        before, began = await rig.written(), time.perf_counter()
        await store.flush(batches, 0)
        times.append(time.perf_counter() - began)
        written = await rig.written() - before
    await mongo.close(client)
    what = f"a flush of 100 batches and {number(ARTICLES)} articles"
    note = f"fastest of {FLUSHES}; median {number(middle(times) * 1000)} ms"
    return [
        Figure(NAME, what, min(times), "s", note=note),
        Figure(NAME, f"{what}: documents written", written, "documents"),
    ]


def _batches(epoch: str) -> list[Batch]:
    """A hundred batches that name every article once."""
    minted = time.time_ns() // 1_000_000
    each = ARTICLES // 100
    return [
        Batch(
            batch_id(epoch, n),
            minted,
            [(READER, article(n * each + k), minted // QUARTER_MS, 10, 0, 0) for k in range(each)],
        )
        for n in range(100)
    ]


async def _articles(rig: Rig, many: int) -> list[Figure]:
    """Articles one after the other, until each has its page."""
    ingest, render, stats = await rig.start("ingest", "render", "stats")
    body = "".join(f"<p>Đoạn thứ {n} của một bài báo dài vừa phải.</p>" for n in range(60))

    async def publish() -> None:
        for n in range(many):
            (await rig.system.put(f"c{n}", body_html=body)).raise_for_status()

        async def all_rendered() -> bool:
            return bool(await rig.system.db.pages.count_documents({}) >= many)

        await until(all_rendered, 60, "all pages")

    _, cpu = await rig.used(rig.pids(ingest, render, stats), publish())
    return _cpu("an article", "article", cpu, many)


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
    for collection, many in (("ledger", LEDGER), ("buckets", BUCKETS)):
        stats = await rig.system.db.command("collStats", collection)
        bytes_of[collection] = (stats["storageSize"] + stats["totalIndexSize"]) / many
    before, began = _on_disk(rig), time.monotonic()
    await fill(rig.system.broker.url, MESSAGES)
    took, queued = time.monotonic() - began, _on_disk(rig) - before
    await rig.purge()
    note = f"{READS} reads in a batch; one node, log and segments of a quorum queue"
    per_byte = queued / MESSAGES / middle([len(body) for body in make_bodies()])
    return [
        Figure(NAME, "bytes on disk of a ledger entry", bytes_of["ledger"], "B"),
        Figure(NAME, "bytes on disk of a bucket", bytes_of["buckets"], "B"),
        Figure(NAME, "bytes on disk for each byte of a queued batch", per_byte, "×", note=note),
        Figure(NAME, "batches confirmed by one quorum queue", MESSAGES / took, "/s"),
    ]


def _on_disk(rig: Rig) -> int:
    folder = rig.system.broker.environment()["RABBITMQ_MNESIA_BASE"]
    files = (Path(at) / name for at, _, names in os.walk(folder) for name in names)
    return sum(file.stat().st_blocks * 512 for file in files if file.exists())
