"""The durable beacon beside the bare server, and beside a single confirmed publish. No counter runs
meanwhile.
"""

import sys
from collections import defaultdict
from typing import Any, NamedTuple

from tests.bench import machine
from tests.bench.figures import Figure, middle, middles, number, spread
from tests.bench.rig import Rig
from tests.bench.traffic import ARTICLES
from tests.support.system import Process

NAME = "beacon"
CONNECTIONS = 512
CHECKS: dict[str, Any] = {
    "read_limit": 6000,
    "trusted_proxies": "127.0.0.0/8",
    "read_origins": "https://portal.example",
}
"""What a deployment checks, where tests are lenient."""
FLOODS = {
    "every user agent new": ("new", ARTICLES),
    "every read a reload": ("readers", 1),
    "every read a bot's": ("bots", ARTICLES),
}
"""Kind of reads and number of articles, by what happens then."""


class Run(NamedTuple):
    """One closed loop: requests a second, and how many cores the server used of its one."""

    rate: float
    busy: float


async def measure(rig: Rig) -> list[Figure]:
    """Requests a second, latencies, CPU and messages per read."""
    await rig.reset()
    rounds, seconds = (1, 3.0) if rig.quick else (3, 8.0)
    (bare,) = await rig.start("tests.bench.bare")
    (checked,) = await rig.start("ingest", **CHECKS)
    (unlimited,) = await rig.start("ingest", **CHECKS | {"read_limit": 0})
    (plain,) = await rig.start("ingest", **CHECKS | {"read_limit": 0, "read_window": 0})
    for process in (
        bare,
        checked,
        unlimited,
        plain,
    ):  # every browser's user agent is looked at once
        await rig.wrk(process, 64, 2)
    runs = defaultdict[str, list[Run]](list)
    for _ in range(rounds):
        for name, process in (
            ("bare", bare),
            ("checked", checked),
            ("unlimited", unlimited),
            ("plain", plain),
        ):
            runs[name].append(await _closed_loop(rig, process, seconds))
    figures = [
        *_ratios("all checks", runs["checked"], runs["bare"], 1.0),
        *_ratios("without the limit per address", runs["unlimited"], runs["bare"]),
        *_ratios("without limit and reload window", runs["plain"], runs["bare"]),
        _cost("the limit per address", runs["checked"], runs["unlimited"]),
        _cost("the reload window", runs["unlimited"], runs["plain"]),
    ]
    await rig.stop(unlimited, plain)
    sent = {
        key: n
        for key, n in (await rig.metrics(checked)).items()
        if key.startswith("luotdoc_reads_total{reader,")
    }
    others = 100 * (1 - sent["luotdoc_reads_total{reader,counted}"] / sum(sent.values()))
    figures.append(Figure(NAME, "of those, reads that were not counted", others, "%", 0.1))
    figures += await _floods(rig, checked, bare, rounds, seconds)
    await rig.stop(bare)
    figures += await _latencies(rig, checked, seconds)
    figures += await _at_half_load(
        rig, checked, middle([run.rate for run in runs["checked"]]), seconds * 2
    )
    await rig.stop(checked)
    return figures


async def _closed_loop(
    rig: Rig, process: Process, seconds: float, kind: str = "readers", articles: int = ARTICLES
) -> Run:
    loop = rig.wrk(process, CONNECTIONS, seconds, kind, articles)
    answer, cpu = await rig.used({"server": process.pid}, loop)
    await rig.purge()
    return Run(answer["rate"], cpu["server"] / answer["microseconds"] * 1e6)


async def _floods(
    rig: Rig, checked: Process, bare: Process, rounds: int, seconds: float
) -> list[Figure]:
    """What strangers can send without end, and what a crowd behind one address gets that is over
    the limit.
    """
    runs = defaultdict[str, list[Run]](list)
    for _ in range(rounds):
        runs["bare"].append(await _closed_loop(rig, bare, seconds))
        for name, (kind, articles) in FLOODS.items():
            runs[name].append(await _closed_loop(rig, checked, seconds, kind, articles))
        runs["crowd"].append(await _closed_loop(rig, checked, seconds, "crowd"))
    figures = [figure for name in FLOODS for figure in _ratios(name, runs[name], runs["bare"], 0.8)]
    return figures + _ratios(
        "one address over its limit, answered 429", runs["crowd"], runs["bare"]
    )


def _cost(name: str, dear: list[Run], cheap: list[Run]) -> Figure:
    shares = [
        100 * (1 - (a.rate / a.busy) / (b.rate / b.busy)) for a, b in zip(dear, cheap, strict=True)
    ]
    return Figure(
        NAME,
        f"CPU of a read that {name} takes",
        middle(shares),
        "%",
        note=f"rounds {spread(shares)}",
    )


def _ratios(
    name: str, ours: list[Run], bare: list[Run], limit: float | None = None
) -> list[Figure]:
    """By the clock, and by the server's CPU: the second does not mind what else the machine
    does.
    """
    clock = [mine.rate / its.rate for mine, its in zip(ours, bare, strict=True)]
    cpu = [
        (mine.rate / mine.busy) / (its.rate / its.busy)
        for mine, its in zip(ours, bare, strict=True)
    ]
    rates = (
        f"{number(middle([r.rate for r in ours]))} of "
        f"{number(middle([r.rate for r in bare]))} requests/s"
    )
    busy = (
        f"core busy {middle([r.busy for r in ours]):.0%}, bare {middle([r.busy for r in bare]):.0%}"
    )
    what = f"{name}: requests/s of the bare server's"
    return [
        Figure(
            NAME,
            what,
            middle(clock),
            "×",
            limit,
            at_least=True,
            note=f"{rates}; rounds {spread(clock)}; {busy}",
        ),
        Figure(
            NAME, f"{name}: the same per CPU second", middle(cpu), "×", note=f"rounds {spread(cpu)}"
        ),
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
        Figure(
            NAME,
            alone,
            middle(alone_ratio),
            "×",
            1.5,
            note=f"rounds {spread(alone_ratio)}; {spread(one)} ms",
        ),
        Figure(
            NAME,
            "one read each 25 ms: the same",
            paced["p50_ms"] / base,
            "×",
            note=f"{number(paced['p50_ms'])} ms",
        ),
        Figure(
            NAME,
            "64 connections: median above it",
            middle(above),
            "ms",
            6.0,
            note=f"{spread(many)} ms",
        ),
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
    note = (
        f"{number(reached / 2)}/s, open loop; rounds {spread(tails)}; sent late by "
        f"{number(late)} ms at most (p99)"
    )
    note += f"; {unanswered} without an answer" if unanswered else ""
    return [
        Figure(NAME, "half of the reached rate: p99", middle(tails), "ms", 30.0, note=note),
        Figure(NAME, "half of the reached rate: reads per message", middle(per_message), "reads"),
        *(
            Figure(NAME, f"half of the reached rate: CPU of {n}", each, "µs/read")
            for n, each in middles(per_read).items()
        ),
    ]
