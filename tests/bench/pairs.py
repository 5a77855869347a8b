"""Two counters beside one, on the same backlog, with every core for everybody."""

import time

from tests.bench import machine
from tests.bench.backlog import READS, fill
from tests.bench.counting import SECONDS, counted
from tests.bench.figures import Figure, middle, number, spread
from tests.bench.rig import Rig
from tests.support.system import until

NAME = "two counters"


async def measure(rig: Rig) -> list[Figure]:
    """The ratio of their rates by the clock, their conflicts, and who was busy."""
    rounds, batches = (1, 2_000) if rig.quick else (3, 12_000)
    servers = (rig.system.broker.pid, rig.system.database.pid)
    for pid in servers:
        machine.move(pid, rig.cores.every)
    one, two = list[float](), list[float]()
    failed, conflicts = 0.0, 0
    busy: dict[int, machine.Seconds] = {}
    try:
        for _ in range(rounds):
            rate, busy[1], *_ = await _rate(rig, 1, batches)
            one.append(rate)
            rate, busy[2], more, clashes = await _rate(rig, 2, batches)
            two.append(rate)
            failed, conflicts = failed + more, conflicts + clashes
    finally:
        for pid in servers:
            machine.move(pid, rig.cores.backing)
    ratios = [pair / alone for pair, alone in zip(two, one, strict=True)]
    note = f"{number(middle(two))} of {number(middle(one))} reads/s by the clock; rounds {spread(ratios)}"
    return [
        Figure(NAME, "rate of two counters to one's", middle(ratios), "×", 1.4, at_least=True, note=note),
        Figure(NAME, "failed flushes", failed, "", 0),
        Figure(NAME, "MongoDB write conflicts", conflicts, "", 0),
        *(
            Figure(NAME, f"CPU of {name} with {many}", cores, "cores")
            for many, shares in busy.items()
            for name, cores in shares.items()
        ),
    ]


async def _rate(rig: Rig, counters: int, batches: int) -> tuple[float, machine.Seconds, float, int]:
    """Reads a second by the clock, busy cores by process, failed flushes, write conflicts.

    Taken between a fifth and nine tenths of the backlog: all counters have started, and none runs dry.
    """
    await rig.reset()
    await fill(rig.system.broker.url, batches)
    reads, clashes = batches * READS, await _conflicts(rig)
    started = await rig.start(*["counter"] * counters, cores=rig.cores.every)
    pids = rig.pids() | {process.name: process.pid for process in started}
    await until(counted(rig, reads // 5), SECONDS, "a fifth of the backlog is counted")
    first, began, cpu = await rig.system.counted(), time.monotonic(), machine.cpu(pids)
    await until(counted(rig, reads * 9 // 10), SECONDS, "nine tenths of the backlog are counted")
    last, took = await rig.system.counted(), time.monotonic() - began
    busy = {name: each / took for name, each in machine.spent(cpu, machine.cpu(pids)).items()}
    await until(counted(rig, reads), SECONDS, "the backlog is counted")
    failed = [(await rig.metrics(process)).get("luotdoc_flushes_total{failed}", 0.0) for process in started]
    clashes = await _conflicts(rig) - clashes
    await rig.stop(*started)
    names = {process.name: f"counter {n}" for n, process in enumerate(started, 1)}
    return (last - first) / took, {names.get(name, name): each for name, each in busy.items()}, sum(failed), clashes


async def _conflicts(rig: Rig) -> int:
    return int((await rig.system.db.command("serverStatus"))["metrics"]["operation"]["writeConflicts"])
