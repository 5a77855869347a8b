"""One siege: strangers attack one service after the other, an honest reader asks all of them
meanwhile.
"""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import psutil

from tests.support.system import BROWSER, ROOT, Process, System, until

MOST_GROWTH = 30.0
"""MiB that a service may gain."""
MOST_P99 = 0.250
"""Seconds in which 99 of 100 honest answers must have come."""
SERVICES = ("ingest", "render", "counter", "stats")
WARM_SECONDS, WARM_FUZZ = 6.0, 1500
"""Before memory is looked at: what a service keeps from its first requests, such as user agents, is
not growth.
"""


@dataclass(frozen=True)
class Size:
    """What attacks each service at once, and at least how long."""

    endless: int = 50
    slow: int = 500
    fuzz: int = 25_000
    seconds: float = 30.0


@dataclass
class Verdict:
    """What came of it for one service."""

    service: str
    growth: float = 0.0
    """MiB above the start, at the most."""
    p99: float = 0.0
    worst: float = 0.0
    asked: int = 0
    unannounced: list[str] = field(default_factory=list)
    """Answers of 500 and more that are not an announced 503."""
    statuses: dict[str, int] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)

    def line(self) -> str:
        """What is printed."""
        answers = " ".join(
            f"{status}:{number:,}" for status, number in sorted(self.statuses.items())
        )
        return (
            f"{self.service:<8} memory +{self.growth:.1f} MiB   honest p99 {self.p99 * 1000:.0f} "
            f"ms (worst {self.worst * 1000:.0f} ms of {self.asked:,})   5xx "
            f"{len(self.unannounced)}   strangers: {answers}"
        )


@dataclass
class Siege:
    """A siege of a running system."""

    system: System
    seed: int
    size: Size
    say: Callable[[str], None]
    peaks: dict[str, float] = field(default_factory=dict)

    async def run(self) -> list[Verdict]:
        """Attack; a verdict for each service."""
        system = self.system
        for article in ("honest", "fuzzed", "a1"):
            assert (await system.put(article, title=f"Bài {article}")).status_code == 201
            await until(partial(system.page, article), 20, "the page")
        processes = {name: system.replicas(name)[0] for name in SERVICES}
        verdicts = {name: Verdict(name) for name in SERVICES}
        warm = Size(10, 50, min(WARM_FUZZ, self.size.fuzz), min(WARM_SECONDS, self.size.seconds))
        await asyncio.gather(
            *(self._attack(*each, warm, self.seed + 1) for each in processes.items())
        )
        before = {name: _mebibytes(process) for name, process in processes.items()}
        self.peaks = dict(before)
        async with self._watched(processes), self._honest_reader(processes) as answers:
            for name, process in processes.items():
                attack = await self._attack(name, process, self.size, self.seed)
                verdicts[name].statuses = attack["statuses"]
                verdicts[name].unannounced = attack["unannounced"]
                self.say(
                    f"{name}: {attack['connections']:,} connections in {attack['seconds']:.0f} s"
                )
        for name, verdict in verdicts.items():
            verdict.growth = self.peaks[name] - before[name]
            self._judge(verdict, answers[name], processes[name])
        await self._judge_count(verdicts["ingest"], answers["ingest"])
        return list(verdicts.values())

    async def _attack(self, name: str, process: Process, size: Size, seed: int) -> dict[str, Any]:
        plan = {"service": name, "port": _port(process), "seed": seed, **vars(size)}
        strangers = await _helper("attack", plan)
        output, _ = await asyncio.wait_for(
            strangers.communicate(b""), 120 + size.seconds + size.fuzz / 10
        )
        assert strangers.returncode == 0, f"the strangers ended with {strangers.returncode}"
        return dict(json.loads(output.splitlines()[-1]))

    @contextlib.asynccontextmanager
    async def _watched(self, processes: dict[str, Process]) -> AsyncIterator[None]:
        async def watch() -> None:
            while True:
                for name, process in processes.items():
                    self.peaks[name] = max(self.peaks[name], _mebibytes(process))
                await asyncio.sleep(0.25)

        watching = asyncio.create_task(watch())
        try:
            yield
        finally:
            watching.cancel()

    @contextlib.asynccontextmanager
    async def _honest_reader(self, processes: dict[str, Process]) -> AsyncIterator[dict[str, Any]]:
        """Filled when it is over."""
        page = (await self.system.page("honest")).url.path  # type: ignore[union-attr]
        read = (
            "POST /reads?referrer=https%3A%2F%2Fwww.example.org HTTP/1.1\r\nHost: x\r\n"
            f"User-Agent: {BROWSER}\r\nContent-Length: 21\r\n\r\n"
        )
        asked: dict[str, tuple[str, int, str]] = {
            "ingest": (read + '{"article": "honest"}', 204, "luotdoc-read: counted"),
            "render": (f"GET {page} HTTP/1.1\r\nHost: x\r\n\r\n", 200, "Bài honest"),
            "counter": ("GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n", 200, '"ready":true'),
            "stats": ("GET /stats/site HTTP/1.1\r\nHost: x\r\n\r\n", 200, '"counted":'),
        }
        plan = {
            name: {"port": _port(processes[name]), "request": request, "expect": [status, text]}
            for name, (request, status, text) in asked.items()
        }
        reader = await _helper("honest", plan)
        answers: dict[str, Any] = {}
        try:
            yield answers
        finally:
            output, _ = await asyncio.wait_for(reader.communicate(b""), 60)
        answers.update(json.loads(output.splitlines()[-1]))

    def _judge(self, verdict: Verdict, honest: dict[str, Any], process: Process) -> None:
        verdict.p99, verdict.worst, verdict.asked = honest["p99"], honest["worst"], honest["asked"]
        complaints = verdict.complaints
        complaints += [f"an honest reader got {wrong}" for wrong in honest["wrong"][:5]]
        complaints += [f"5xx: {each}" for each in verdict.unannounced[:5]]
        if process.popen.poll() is not None:
            complaints.append(f"it ended with {process.popen.returncode}")
        if verdict.growth >= MOST_GROWTH:
            complaints.append(f"memory grew by {verdict.growth:.1f} MiB")
        text = process.text()
        if "Traceback" in text or '"level":"ERROR"' in text.replace(" ", ""):
            at = max(text.find("Traceback"), 0)
            complaints.append(
                f"its log has a traceback or an error: {text[max(0, at - 500) : at + 1500]}"
            )

    async def _judge_count(self, verdict: Verdict, honest: dict[str, Any]) -> None:
        """Each honest read that was acknowledged is counted once."""

        async def counted() -> bool:
            return (await self.system.by_article()).get("honest", 0) >= int(honest["right"])

        with contextlib.suppress(AssertionError):
            await until(counted, 20, "the count")
        reads = (await self.system.by_article()).get("honest", 0)
        if not honest["right"] <= reads <= honest["asked"] + honest["again"]:
            verdict.complaints.append(
                f"{honest['right']} honest reads were acknowledged, {reads} are counted"
            )


async def _helper(module: str, plan: dict[str, Any]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        f"tests.siege.{module}",
        json.dumps(plan),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 24,
    )


def _port(process: Process) -> int:
    return int(process.url.rpartition(":")[2])


def _mebibytes(process: Process) -> float:
    return float(psutil.Process(process.pid).memory_info().rss) / (1 << 20)
