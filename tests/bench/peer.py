"""Runs the naive counter on a backlog."""

import asyncio
import os
import subprocess
import sys
from typing import Any

import aio_pika

from deploy.local import processes
from tests.bench import machine
from tests.bench.backlog import fill_naive
from tests.bench.naive import QUEUE
from tests.bench.rig import Rig
from tests.support.system import ROOT, until

SECONDS = 300.0
"""At most, for the backlog to be counted."""


async def naive_rate(rig: Rig, messages: int) -> float:
    """Reads counted per CPU second of the naive counter's process, its start left out."""
    await rig.reset()
    url = rig.system.broker.url
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        await channel.queue_delete(QUEUE.name)
        await channel.declare_queue(QUEUE.name, durable=True, arguments={"x-queue-type": "quorum"})
        start = await _cpu_until(rig, channel, 0)
        await fill_naive(url, messages)
        used = await _cpu_until(rig, channel, messages)
        await channel.queue_delete(QUEUE.name)
    return messages / (used - start)


async def _cpu_until(rig: Rig, channel: Any, reads: int) -> float:
    """Start it; what CPU seconds it has used when it consumes and has counted `reads`."""
    process = _start(rig)

    async def counted() -> bool:
        await asyncio.sleep(0.05)
        queue = await channel.declare_queue(QUEUE.name, passive=True)
        rows = rig.system.db.naive.aggregate(
            [{"$group": {"_id": None, "reads": {"$sum": "$reads"}}}]
        )
        return (
            bool(queue.declaration_result.consumer_count)
            and sum([r["reads"] async for r in rows]) >= reads
        )

    try:
        await until(counted, SECONDS, "the naive counter has counted")
        return machine.cpu({"naive": process.pid})["naive"]
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait, 20)


def _start(rig: Rig) -> subprocess.Popen[bytes]:
    folder = rig.system.folder
    command = [
        sys.executable,
        "-m",
        "tests.bench.naive",
        rig.system.broker.url,
        rig.system.database.url,
    ]
    with machine.pinned(rig.cores.server):
        return processes.spawn(command, os.environ, folder, folder / "naive.log", ROOT)
