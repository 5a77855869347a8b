"""Two counters beside one, on the same backlog, with every core for everybody."""

import asyncio
import time

from tests.bench import machine
from tests.bench.backlog import READS, fill
from tests.bench.counting import SECONDS
from tests.bench.figures import Figure, middle, middles, number, spread
from tests.bench.rig import Rig

NAME = "two counters"


async def measure(rig: Rig) -> list[Figure]:
    """The ratio of their rates by the clock, their conflicts, and who was busy."""
    rounds, batches = (1, 6_000) if rig.quick else (3, 12_000)
    servers = (rig.system.broker.pid, rig.system.database.pid)
    for pid in servers:
        machine.move(pid, rig.cores.every)
    one, two = list[float](), list[float]()
    failed, conflicts = 0.0, 0
    busy: dict[int, list[machine.Seconds]] = {1: [], 2: []}
    try:
        for _ in range(rounds):
            rate, cores, *_ = await _rate(rig, 1, batches)
            one.append(rate)
            busy[1].append(cores)
            rate, cores, more, clashes = await _rate(rig, 2, batches)
            two.append(rate)
            busy[2].append(cores)
            failed, conflicts = failed + more, conflicts + clashes
    finally:
        for pid in servers:
            machine.move(pid, rig.cores.backing)
    ratios = [pair / alone for pair, alone in zip(two, one, strict=True)]
    note = (
        f"{number(middle(two))} of {number(middle(one))} reads/s by the clock; rounds "
        f"{spread(ratios)}"
    )
    return [
        Figure(
            NAME,
            "rate of two counters to one's",
            middle(ratios),
            "×",
            1.4,
            at_least=True,
            note=note,
        ),
        Figure(NAME, "flushes that failed or ran again", failed, "", 0),
        Figure(
            NAME, "MongoDB write conflicts", conflicts, "", 0, note="from when all have their slots"
        ),
        *(
            Figure(NAME, f"CPU of {name} with {many}", share, "cores")
            for many, shares in busy.items()
            for name, share in middles(shares).items()
        ),
    ]


async def _rate(rig: Rig, counters: int, batches: int) -> tuple[float, machine.Seconds, float, int]:
    """Reads a second by the clock, busy cores by process, flushes that were in vain, write
    conflicts.

    From a flush behind the first tenth to the last before nine tenths: all have started, and none
    runs dry.
    """
    await rig.reset()
    await fill(rig.system.broker.url, batches)
    deadline = time.monotonic() + SECONDS
    started = await rig.start(*["counter"] * counters, cores=rig.cores.every)
    clashes = await _conflicts(rig)  # behind the start, where two may reach for one slot
    pids = rig.pids() | {process.name: process.pid for process in started}
    reads, flushes = 0, list[tuple[float, int, machine.Seconds]]()
    while reads < batches * READS:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{reads} of {batches * READS} reads were counted in {SECONDS:g} s")
        await asyncio.sleep(0.02)
        reads, before = await rig.system.counted(), reads
        if reads != before and 0.1 <= reads / batches / READS <= 0.9:
            flushes.append((time.monotonic(), reads, machine.cpu(pids)))
    (began, first, idle), (ended, last, busy) = flushes[0], flushes[-1]
    flushed = [await rig.metrics(process) for process in started]
    vain = sum(
        each.get(f"luotdoc_flushes_total{{{how}}}", 0.0)
        for each in flushed
        for how in ("failed", "conflict")
    )
    clashes = await _conflicts(rig) - clashes
    await rig.stop(*started)
    names = {process.name: f"counter {n}" for n, process in enumerate(started, 1)}
    shares = {
        names.get(name, name): each / (ended - began)
        for name, each in machine.spent(idle, busy).items()
    }
    return (last - first) / (ended - began), shares, vain, clashes


async def _conflicts(rig: Rig) -> int:
    return int(
        (await rig.system.db.command("serverStatus"))["metrics"]["operation"]["writeConflicts"]
    )
