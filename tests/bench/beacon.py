"""The durable beacon beside the bare server, and beside a single confirmed publish. No counter runs meanwhile."""

import sys
from typing import NamedTuple

from tests.bench import machine
from tests.bench.figures import Figure, middle, middles, number, spread
from tests.bench.rig import Rig
from tests.support.system import Process

NAME = "beacon"
CONNECTIONS = 512


class Run(NamedTuple):
    """One closed loop: requests a second, and how many cores the server used of its one."""

    rate: float
    busy: float


async def measure(rig: Rig) -> list[Figure]:
    """Requests a second, latencies, CPU and messages per read."""
    await rig.reset()
    rounds, seconds = (1, 3.0) if rig.quick else (3, 8.0)
    (bare,) = await rig.start("tests.bench.bare")
    (checked,) = await rig.start("ingest")
    (plain,) = await rig.start("ingest", read_window=0)
    for process in (bare, checked, plain):  # every browser's user agent is looked at once
        await rig.wrk(process, 64, 2)
    runs: dict[str, list[Run]] = {"bare": [], "checked": [], "plain": []}
    for _ in range(rounds):
        for name, process in (("bare", bare), ("checked", checked), ("plain", plain)):
            answer, cpu = await rig.used({"server": process.pid}, rig.wrk(process, CONNECTIONS, seconds))
            runs[name].append(Run(answer["rate"], cpu["server"] / answer["microseconds"] * 1e6))
            await rig.purge()
    await rig.stop(bare, plain)
    figures = [
        *_ratios("all checks", runs["checked"], runs["bare"], 0.75),
        *_ratios("without the reload window", runs["plain"], runs["bare"], None),
    ]
    figures += await _latencies(rig, checked, seconds)
    figures += await _at_half_load(rig, checked, middle([run.rate for run in runs["checked"]]), seconds * 2)
    filtered = (await rig.metrics(checked)).get("luotdoc_reads_total{reader,reload}", 0.0)
    counted = (await rig.metrics(checked))["luotdoc_reads_total{reader,counted}"]
    figures.append(Figure(NAME, "reads filtered as reloads", 100 * filtered / (counted + filtered), "%"))
    await rig.stop(checked)
    return figures


def _ratios(name: str, ours: list[Run], bare: list[Run], limit: float | None) -> list[Figure]:
    """By the clock, and by the server's CPU: the second does not mind what else the machine does."""
    clock = [mine.rate / its.rate for mine, its in zip(ours, bare, strict=True)]
    cpu = [(mine.rate / mine.busy) / (its.rate / its.busy) for mine, its in zip(ours, bare, strict=True)]
    rates = f"{number(middle([r.rate for r in ours]))} of {number(middle([r.rate for r in bare]))} requests/s"
    busy = f"core busy {middle([r.busy for r in ours]):.0%}, bare {middle([r.busy for r in bare]):.0%}"
    what = f"{name}: requests/s of the bare server's"
    return [
        Figure(NAME, what, middle(clock), "×", limit, at_least=True, note=f"{rates}; rounds {spread(clock)}; {busy}"),
        Figure(NAME, f"{name}: the same per CPU second", middle(cpu), "×", note=f"rounds {spread(cpu)}"),
    ]


async def _latencies(rig: Rig, checked: Process, seconds: float) -> list[Figure]:
    publisher = [sys.executable, "-m", "tests.bench.publisher", rig.system.broker.url, str(seconds)]
    publish, one, many = [], [], []
    for _ in range(1 if rig.quick else 5):
        publish.append((await rig.run(*publisher, cores=rig.cores.server, seconds=60))["median_ms"])
        one.append((await rig.wrk(checked, 1, seconds))["p50"] / 1000)
        many.append((await rig.wrk(checked, 64, seconds))["p50"] / 1000)
        await rig.purge()
    paced = await rig.open_loop(checked, 40, seconds, connections=1)
    alone_ratio = [mine / its for mine, its in zip(one, publish, strict=True)]
    above = [mine - its for mine, its in zip(many, publish, strict=True)]
    base = middle(publish)
    alone = "one read at a time, the next at once: median of a confirmed publish's"
    return [
        Figure(NAME, "a single confirmed publish, median", base, "ms", note=spread(publish)),
        Figure(NAME, alone, middle(alone_ratio), "×", 1.5, note=f"rounds {spread(alone_ratio)}; {spread(one)} ms"),
        Figure(
            NAME, "one read each 25 ms: the same", paced["p50_ms"] / base, "×", note=f"{number(paced['p50_ms'])} ms"
        ),
        Figure(NAME, "64 connections: median above it", middle(above), "ms", 6.0, note=f"{spread(many)} ms"),
    ]


async def _at_half_load(rig: Rig, checked: Process, reached: float, seconds: float) -> list[Figure]:
    pids = rig.pids(checked)
    tails, late, unanswered = list[float](), 0.0, 0
    per_read, per_message = list[machine.Seconds](), list[float]()
    for _ in range(1 if rig.quick else 3):
        answer, cpu = await rig.used(pids, rig.open_loop(checked, reached / 2, seconds))
        if answer["statuses"]:
            raise RuntimeError(f"{answer['statuses']} reads were not answered 204")
        tails.append(answer["p99_ms"])
        late, unanswered = max(late, answer["late_p99_ms"]), unanswered + answer["unanswered"]
        per_read.append({name: second / answer["requests"] * 1e6 for name, second in cpu.items()})
        per_message.append(answer["requests"] / max(1, await rig.purge()))
    note = f"{number(reached / 2)}/s, open loop; rounds {spread(tails)}; sent late by {number(late)} ms at most (p99)"
    note += f"; {unanswered} without an answer" if unanswered else ""
    return [
        Figure(NAME, "half of the reached rate: p99", middle(tails), "ms", 30.0, note=note),
        Figure(NAME, "half of the reached rate: reads per message", middle(per_message), "reads"),
        *(
            Figure(NAME, f"half of the reached rate: CPU of {n}", each, "µs/read")
            for n, each in middles(per_read).items()
        ),
    ]
