"""Rendering all pages again by the operator's command, while news is published."""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import psutil

from tests.bench import machine
from tests.bench.archive import fill, published
from tests.bench.figures import Figure, at, number
from tests.bench.rig import Rig
from tests.support.starter import Child

NAME = "redoing"
PAGES, QUICK_PAGES = 100_000, 20_000
PER_CORE = 1_000.0
"""Pages a second and core, at least."""
LIVE_SECONDS, LIVE_RATE = 20.0, 2.0
SERVED_SECONDS = 0.06
LOOK_SECONDS, LIVE_PATIENCE = 0.002, 60.0
SAMPLE_SECONDS = 0.1


async def measure(rig: Rig) -> list[Figure]:
    """Pages a second and core, what MongoDB and RabbitMQ use, and how soon live news is served
    before and meanwhile.
    """
    wanted = QUICK_PAGES if rig.quick else PAGES
    await rig.stop(*(p for p in rig.system.processes if p.popen.poll() is None))
    await rig.system.reset()
    every = rig.cores.every
    ingest, render = await rig.start("ingest", "render", cores=every)
    await fill(rig, await published(rig), wanted, template="old")
    servers = {"rabbitmq": rig.system.broker.pid, "mongod": rig.system.database.pid}
    for pid in servers.values():
        machine.move(pid, every)
    try:
        before = await _live(rig, "before", asyncio.create_task(asyncio.sleep(LIVE_SECONDS)))
        began = time.monotonic()
        redoing = asyncio.create_task(_redo(rig))
        live, used = await rig.used(servers, _live(rig, "during", redoing))
        took, command = time.monotonic() - began, await redoing
    finally:
        for pid in servers.values():
            machine.move(pid, rig.cores.backing)
    left = await rig.system.db.pages.count_documents(
        {"$or": [{"template": "old"}, {"untold": True}]}
    )
    if left:
        raise RuntimeError(f"{left} pages are not rendered again:\n{command.said}")
    await rig.stop(ingest, render)
    first, *others = command.times.values()
    note = (
        f"{number(wanted)} pages by python -m services.render redo in {number(took)} s; "
        f"{number(sum(others))} s of CPU in the processes that render, {number(first)} s in the "
        "one that publishes"
    )
    return [
        Figure(NAME, "pages a second and core of the command's processes",
               wanted / command.cpu, "/s", PER_CORE, at_least=True, note=note),
        Figure(NAME, "pages a second in all", wanted / took, "/s", note=f"{len(every)} cores"),
        *(Figure(NAME, f"CPU of {name}", each / wanted * 1e6, "µs/page")
          for name, each in {"the command": command.cpu, **used}.items()),
        _served(before, "before"),
        _served(live, "meanwhile"),
    ]  # fmt: skip


def _served(seconds: list[float], when: str) -> Figure:
    note = f"{len(seconds)} articles, {LIVE_RATE:g}/s; median {number(at(seconds, 0.5) * 1000)} ms"
    name = f"from the answer of a PUT to its page, {when}: p99"
    return Figure(NAME, name, at(seconds, 0.99), "s", SERVED_SECONDS, note=note)


@dataclass
class Command:
    """The operator's command: what it said, and the CPU seconds of it and its processes."""

    said: str = ""
    times: dict[int, float] = field(default_factory=dict)

    @property
    def cpu(self) -> float:
        """The seconds of all."""
        return sum(self.times.values())

    def look(self, pid: int) -> None:
        """Note what each process has used. One may end meanwhile: then its last look counts."""
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            for each in (process, *process.children(recursive=True)):
                with suppress(psutil.NoSuchProcess):
                    times = each.cpu_times()
                    self.times[each.pid] = times.user + times.system


async def _redo(rig: Rig) -> Command:
    own: dict[str, Any] = {
        name: url("render")
        for name, url in (
            ("amqp_url", rig.system.broker.url_of), ("mongo_url", rig.system.database.url_of),
        )
    }  # fmt: skip
    log, found = rig.system.folder / "redo.log", Command()
    with machine.pinned(rig.cores.every):
        child = Child("services.render", rig.system.environment_of(settings=own), log, ["redo"])
    while child.poll() is None:
        found.look(child.pid)
        await asyncio.sleep(SAMPLE_SECONDS)
    found.said = log.read_text()
    if child.returncode:
        raise RuntimeError(found.said[-3000:])
    return found


async def _live(rig: Rig, name: str, work: "asyncio.Task[Any]") -> list[float]:
    """Publish articles while `work` goes on; the seconds from each answer to its page, sorted."""
    seconds, place = list[float](), 0
    while not work.done():
        due = time.monotonic() + 1 / LIVE_RATE
        article = f"{name}{place}"
        (await rig.system.put(article)).raise_for_status()
        answered = time.monotonic()
        while await rig.system.page(article) is None:
            if time.monotonic() - answered > LIVE_PATIENCE:
                raise TimeoutError(f"{article} is not served")
            await asyncio.sleep(LOOK_SECONDS)
        seconds.append(time.monotonic() - answered)
        place += 1
        await asyncio.sleep(max(0.0, due - time.monotonic()))
    return sorted(seconds)
