"""Which cores things run on, and what CPU time and memory they use."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

Seconds = dict[str, float]
"""CPU seconds (user and system) by name of process."""


@dataclass(frozen=True)
class Cores:
    """Where each part runs, the same in every run: one core for the server, the others for what
    stands around it.
    """

    server: frozenset[int]
    load: frozenset[int]
    backing: frozenset[int]
    """Broker and database; on a machine of two cores they share the load generator's."""

    @property
    def every(self) -> frozenset[int]:
        """All of them."""
        return self.server | self.load | self.backing


def share_out() -> Cores:
    """Give out the cores that this process may use. Raises SystemExit with fewer than two."""
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < 2:
        raise SystemExit("the benchmark needs two cores: one for a server, one for its load")
    return Cores(
        frozenset(usable[:1]), frozenset(usable[1:2]), frozenset(usable[2:] or usable[1:2])
    )


@contextmanager
def pinned(cores: frozenset[int]) -> Iterator[None]:
    """Run on `cores`; what is started inside inherits them for good."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def move(pid: int, cores: frozenset[int]) -> None:
    """Put a running process with all its threads on `cores`."""
    for thread in psutil.Process(pid).threads():
        try:
            os.sched_setaffinity(thread.id, cores)
        except ProcessLookupError:
            continue  # it has just ended


def cpu(processes: Mapping[str, int]) -> Seconds:
    """What the processes (ids by name) have used since their start."""
    used = {}
    for name, pid in processes.items():
        times = psutil.Process(pid).cpu_times()
        used[name] = times.user + times.system
    return used


def spent(before: Seconds, after: Seconds) -> Seconds:
    """What was used between two looks."""
    return {name: after[name] - before.get(name, 0.0) for name in after}


def busy() -> float:
    """The CPU seconds that everything on this machine has used since its start."""
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system + times.irq + times.softirq)


def own(processes: Mapping[str, int]) -> float:
    """Those of `processes` (ids by name), of this process and of its children that have ended."""
    mine = psutil.Process().cpu_times()
    ours = mine.user + mine.system + mine.children_user + mine.children_system
    return float(ours + sum(cpu(processes).values()))


def resident(pid: int) -> float:
    """The process's resident memory in MiB."""
    return float(psutil.Process(pid).memory_info().rss) / (1 << 20)
