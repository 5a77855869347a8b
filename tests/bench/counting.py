"""The counter, from queue to commit, beside the naive counter. Its rate is reads per CPU second of
its process.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from tests.bench import machine
from tests.bench.backlog import READS, fill
from tests.bench.figures import Figure, middle, middles, number, spread
from tests.bench.peer import naive_rate
from tests.bench.rig import Rig
from tests.support.system import until

NAME = "counter"
SECONDS = 300.0
"""At most, for a backlog to be counted."""

Costs = dict[str, float]
"""Figures of a round, by name."""
_WRITTEN, _FLUSH, _ALL = (
    "MongoDB documents written",
    "reads per flush",
    "start of the process to all counted",
)
_UNITS = {_WRITTEN: "per 1,000 reads", _FLUSH: "reads", _ALL: "s"}


async def measure(rig: Rig) -> list[Figure]:
    """Rates of both, CPU and MongoDB writes per read."""
    rounds, batches, messages = (1, 2_000, 2_000) if rig.quick else (3, 8_000, 10_000)
    ours, theirs, costs = list[float](), list[float](), list[Costs]()
    for _ in range(rounds):
        rate, cost = await _ours(rig, batches)
        ours.append(rate)
        costs.append(cost)
        theirs.append(await naive_rate(rig, messages))
    ratios = [mine / its for mine, its in zip(ours, theirs, strict=True)]
    note = f"{number(batches)} batches of {READS} reads, 2,000 articles; rounds {spread(ours)}"
    rate_name, ratio_name = (
        "counted per CPU second of the process",
        "the same, to the naive counter's",
    )
    return [
        Figure(NAME, rate_name, middle(ours), "reads/s", 200_000, at_least=True, note=note),
        Figure(
            NAME, "the naive counter's", middle(theirs), "reads/s", note=f"rounds {spread(theirs)}"
        ),
        Figure(
            NAME,
            ratio_name,
            middle(ratios),
            "×",
            100,
            at_least=True,
            note=f"rounds {spread(ratios)}",
        ),
        *(
            Figure(NAME, name, cost, _UNITS.get(name, "µs/read"))
            for name, cost in middles(costs).items()
        ),
    ]


async def _ours(rig: Rig, batches: int) -> tuple[float, Costs]:
    await rig.reset()
    (idle,) = await rig.start("counter")
    start = machine.cpu({"counter": idle.pid})[
        "counter"
    ]  # what starting costs, which is not counting
    await rig.stop(idle)
    await fill(rig.system.broker.url, batches)
    reads, written = batches * READS, await rig.written()
    servers, began = machine.cpu(rig.pids()), time.monotonic()
    (counter,) = await rig.start("counter")
    await until(counted(rig, reads), SECONDS, "the backlog is counted")
    took = time.monotonic() - began
    used = machine.cpu({"counter": counter.pid})["counter"] - start
    cpu = {"counter": used} | machine.spent(servers, machine.cpu(rig.pids()))
    written = await rig.written() - written
    flushes = (await rig.metrics(counter))["luotdoc_flushes_total{committed}"]
    await rig.stop(counter)
    costs = {f"CPU of {name}": each / reads * 1e6 for name, each in cpu.items()}
    return reads / used, costs | {
        _WRITTEN: written / reads * 1000,
        _FLUSH: reads / flushes,
        _ALL: took,
    }


def counted(rig: Rig, reads: int) -> Callable[[], Awaitable[bool]]:
    """For `until`: whether `reads` are committed, looked at 20 times a second."""

    async def all_counted() -> bool:
        await asyncio.sleep(0.05)
        return await rig.system.counted() >= reads

    return all_counted
