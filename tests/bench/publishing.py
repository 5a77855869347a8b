"""Publishing: articles a second with all four services, their servers and the clients on every
core, beside plain transactions that write the same.
"""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from tests.bench import machine
from tests.bench.figures import Figure, middle
from tests.bench.rig import Rig
from tests.support.system import EDITOR, until

NAME = "publishing"
CONNECTIONS = 24
ROUNDS = 3
PUT_RATE = 300.0
"""Articles a second, at least, on two cores."""
ALONE = 0.5
"""Of the plain transactions a second, at least."""
LOAD = [sys.executable, "-m", "tests.bench.putting"]


@dataclass(frozen=True)
class Round:
    """What the clients saw, plain transactions beside it, CPU seconds by process, and seconds from
    the last answer to its page.
    """

    done: dict[str, Any]
    plain: int
    cpu: machine.Seconds
    behind: float


async def measure(rig: Rig) -> list[Figure]:
    """Articles a second, the time of each, CPU by process, and until the last one's page."""
    seconds = 5.0 if rig.quick else 15.0
    await rig.stop(*(p for p in rig.system.processes if p.popen.poll() is None))
    await rig.system.reset()
    every = rig.cores.every
    backing = {"rabbitmq": rig.system.broker.pid, "mongod": rig.system.database.pid}
    for pid in backing.values():
        machine.move(pid, every)
    try:
        return await _measured(rig, seconds)
    finally:
        for pid in backing.values():
            machine.move(pid, rig.cores.backing)


async def _measured(rig: Rig, seconds: float) -> list[Figure]:
    every = rig.cores.every
    started = await rig.start("ingest", "render", "counter", "stats", cores=every)
    pids, rounds, first = rig.pids(*started), list[Round](), 0
    await _put(rig, 2, 1_000_000)  # warm
    for _ in range(ROUNDS):
        done, cpu = await rig.used(pids, _put(rig, seconds, first))
        began, last = time.monotonic(), f"p{first + done['number'] - 1}"
        await until(partial(rig.system.page, last), 60, "the last article has its page")
        first += done["number"]
        behind = time.monotonic() - began
        bare = await rig.run(
            *LOAD, "--bare", rig.system.database.url, str(seconds), str(CONNECTIONS), cores=every,
            seconds=seconds + 60,
        )  # fmt: skip
        rounds.append(Round(done, bare["number"], cpu, behind))
    memory = {process.name.partition("-")[0]: machine.resident(process.pid) for process in started}
    await rig.stop(*started)
    return _figures(rounds, seconds) + [
        Figure(NAME, f"memory of {name}", held, "MiB", note=f"{first:,} articles")
        for name, held in memory.items()
    ]


async def _put(rig: Rig, seconds: float, first: int) -> dict[str, Any]:
    port = rig.system.url("ingest").rpartition(":")[2]
    token = EDITOR["authorization"].partition(" ")[2]
    clients = [*LOAD, port, token, str(seconds), str(CONNECTIONS), str(first)]
    done = await rig.run(*clients, cores=rig.cores.every, seconds=seconds + 60)
    if done["others"]:
        raise RuntimeError(f"other answers than 201: {done}")
    return done


def _figures(rounds: Sequence[Round], seconds: float) -> list[Figure]:
    def each(of: Callable[[Round], float]) -> float:
        return middle([of(one) for one in rounds])

    note = f"{CONNECTIONS} connections, {len(rounds)} rounds of {seconds:g} s"
    plain = f"{each(lambda one: one.plain / seconds):.0f} plain transactions a second"
    total = each(lambda one: sum(one.cpu.values()) / one.done["number"])
    return [
        Figure(NAME, "PUT of new articles", each(lambda one: one.done["number"] / seconds), "/s",
               PUT_RATE, at_least=True, note=note),
        Figure(NAME, "PUT beside plain transactions", each(
            lambda one: one.done["number"] / one.plain), "×", ALONE, at_least=True, note=plain),
        Figure(NAME, "a PUT at the median", each(lambda one: one.done["p50"]), "ms"),
        Figure(NAME, "a PUT at 99 %", each(lambda one: one.done["p99"]), "ms"),
        Figure(NAME, "from the last answer to its page", max(one.behind for one in rounds), "s"),
        *(
            Figure(NAME, f"CPU of {name}", middle(
                [one.cpu[name] / one.done["number"] * 1e6 for one in rounds]), "µs/PUT")
            for name in rounds[0].cpu
        ),
        Figure(NAME, "CPU of all processes", total * 1e6, "µs/PUT",
               note=f"without clients; two cores would do {2 / total:.0f} a second"),
    ]  # fmt: skip
