"""A portal with a long history, whose stats has made its projections."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.bench import machine
from tests.bench.backlog import fill
from tests.bench.figures import Figure, number
from tests.bench.rig import Rig
from tests.bench.traffic import ARTICLES
from tests.bench.years import Years, put
from tests.support.starter import run
from tests.support.system import Process, until

SECONDS_A_DAY = 3.0
"""At most, to make the projections of a day of history."""
BATCHES_PER_SECOND, READS = 20.0, 100
"""The reads that flow: 2,000 a second, of the 2,000 youngest articles."""


@dataclass
class Portal:
    """`measure` and `name` are those of its figures; `name` says how long its history is."""

    rig: Rig
    measure: str
    name: str
    years: Years
    stats: Process
    figures: list[Figure] = field(default_factory=list)

    async def reads(self, seconds: float) -> None:
        """Let reads flow."""
        batches, first = int(seconds * BATCHES_PER_SECOND), self.years.articles - ARTICLES
        await fill(self.rig.system.broker.url, batches, BATCHES_PER_SECOND, READS, first)

    def pids(self) -> dict[str, int]:
        """Process ids by name: the servers', and stats' while it runs."""
        return self.rig.pids(*([self.stats] if self.stats.popen.poll() is None else []))

    async def start(self) -> None:
        """Start a new stats, which finds its projections."""
        began = time.monotonic()
        (self.stats,) = await self.rig.start("stats")
        await until(_ready(self.rig, self.stats), 60, "stats has read its projections")
        took = time.monotonic() - began
        self.note("start of a stats until every window is ready", [("", took)], "s")

    def note(
        self, name: str, values: Sequence[tuple[str, float]], unit: str, note: str = ""
    ) -> None:
        """Add figures without a limit."""
        for of, value in values:
            told = f"{self.name}: {name}" + (f": {of}" if of else "")
            self.figures.append(Figure(self.measure, told, value, unit, note=note))


async def opened(rig: Rig, measure: str, days: int) -> Portal:
    """Write a history of `days` days, let the operator's command make its projections, and start a
    stats. MongoDB and both may use every core meanwhile.
    """
    await _emptied(rig)
    years, began = Years.ending(days, datetime.now(UTC)), time.monotonic()
    machine.move(rig.system.database.pid, rig.cores.every)
    buckets, archived = await asyncio.to_thread(_put, rig, years)
    wrote = time.monotonic() - began
    began, mongod = time.monotonic(), {"mongod": rig.system.database.pid}
    making = asyncio.to_thread(_projections, rig, days * SECONDS_A_DAY)
    _, spent = await rig.used(mongod, making)
    took = time.monotonic() - began
    (stats,) = await rig.start("stats", cores=rig.cores.every)
    portal = Portal(rig, measure, f"{number(buckets)} buckets", years, stats)
    await until(_ready(rig, stats), 120, "stats has read its projections")
    note = (
        f"CPU of mongod: {number(spent['mongod'])} s; "
        f"{number(days)} days, {number(years.articles)} articles; what is older than 400 days is "
        f"in {number(archived)} documents of the archive, as the counter's mover makes them; "
        f"written in {number(wrote)} s"
    )
    portal.note("python -m services.stats projections", [("", took)], "s", note)
    machine.move(rig.system.database.pid, rig.cores.backing)
    machine.move(stats.pid, rig.cores.server)
    return portal


async def _emptied(rig: Rig) -> None:
    await rig.stop(*(p for p in rig.system.processes if p.popen.poll() is None))
    for name in ("buckets", "archive", "projections", "counts", "catalogue"):
        await rig.system.db.drop_collection(name)  # millions of documents
    await rig.system.reset()


def _put(rig: Rig, years: Years) -> tuple[int, int]:
    with machine.pinned(rig.cores.every):
        return put(rig.system.database.url, years, len(rig.cores.every))


def _projections(rig: Rig, seconds: float) -> None:
    """Let an operator make all projections, as the service's user."""
    own = {"mongo_url": rig.system.database.url_of("stats")}
    environment = rig.system.environment_of(settings=own)
    folder = rig.system.folder
    made = run(
        "services.stats", "projections", environment=environment, folder=folder, seconds=seconds
    )
    if made.returncode:
        raise RuntimeError(made.stderr)


def _ready(rig: Rig, stats: Process) -> Callable[[], Awaitable[bool]]:
    async def ready() -> bool:
        await asyncio.sleep(0.25)
        found = await rig.metrics(stats)
        missing = "luotdoc_traffic_projections_missing"
        return not found.get(missing, 1) and not found["luotdoc_traffic_windows_not_ready"]

    return ready
