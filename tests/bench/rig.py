"""What a run stands on: the private broker and database, services on their cores, helpers, and what
all of it uses.
"""

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from typing import Any, TypeVar

import aio_pika
from prometheus_client.parser import text_string_to_metric_families as families

from shared.rabbit import topology
from tests.bench import machine
from tests.bench.figures import Figure
from tests.bench.questions import Question, paths
from tests.bench.traffic import AGENTS, ARTICLES, SPREAD, article
from tests.support.system import ROOT, Process, System

T = TypeVar("T")
LUA = Path(__file__).with_name("reads.lua")


@dataclass
class Rig:
    """`quick` asks for short runs, whose figures are rough; `long` for those that take hours.

    `tell` takes figures before the measure has ended, because a long one may be interrupted.
    """

    system: System
    cores: machine.Cores
    tell: Callable[[Sequence[Figure]], None]
    quick: bool
    long: bool = False
    _next_read: int = field(default=0, init=False)

    async def reset(self) -> None:
        """Nothing runs, nothing is stored, and `ARTICLES` articles are public."""
        await self.stop(*(p for p in self.system.processes if p.popen.poll() is None))
        await self.system.reset()
        public = [{"_id": article(n), "v": 1, "state": "published"} for n in range(ARTICLES)]
        await self.system.db.articles.insert_many(public)

    async def start(
        self, *services: str, cores: frozenset[int] | None = None, **settings: str | int
    ) -> list[Process]:
        """Start services (a name with a dot is a module) on the server's core, or on `cores`, and
        wait until ready.
        """
        started = []
        with machine.pinned(cores or self.cores.server):
            for name in services:
                module = name if "." in name else None
                started.append(
                    await self.system.start(
                        name, module=module, wait=False, log_level="WARNING", **settings
                    )
                )
        for process in started:
            await self.system.ready(process)
        return started

    async def stop(self, *processes: Process) -> None:
        """SIGTERM, and wait."""
        await asyncio.gather(*(process.stop() for process in processes))

    async def run(
        self,
        *command: str,
        cores: frozenset[int] | None = None,
        seconds: float,
        told: str | None = None,
    ) -> dict[str, Any]:
        """Run a helper on the load generator's core, or on `cores`; the JSON in its last line.
        `told` is its standard input.

        Raises TimeoutError when it takes longer than `seconds`, RuntimeError when it fails.
        """
        with machine.pinned(cores or self.cores.load):
            pipe = asyncio.subprocess.PIPE
            helper = await asyncio.create_subprocess_exec(
                *command, cwd=ROOT, stdin=None if told is None else pipe, stdout=pipe, stderr=pipe
            )
        try:
            async with asyncio.timeout(seconds):
                output, errors = await helper.communicate(None if told is None else told.encode())
        finally:
            if helper.returncode is None:
                helper.kill()
                await helper.wait()
        if helper.returncode:
            raise RuntimeError(
                f"{' '.join(command[:4])} ended with {helper.returncode}: {errors.decode()[-2000:]}"
            )
        return dict(json.loads(output.decode().strip().splitlines()[-1]))

    async def wrk(
        self,
        process: Process,
        connections: int,
        seconds: float,
        kind: str = "readers",
        articles: int = ARTICLES,
    ) -> dict[str, Any]:
        """A closed loop for `seconds`, rounded up: requests a second, microseconds at the median
        and at 99 %.

        `kind` is one of `reads.lua`. Raises RuntimeError if any request failed; of a `crowd`, many
        are refused.
        """
        wrk = [
            "wrk",
            "-t1",
            f"-c{connections}",
            f"-d{ceil(seconds)}s",
            "--timeout",
            "10s",
            "-s",
            str(LUA),
            process.url,
        ]
        wrk += ["--", str(self._next_read), str(AGENTS), str(articles), kind]
        answer = await self.run(*wrk, seconds=seconds + 30)
        # Those in hand at the end were sent, too, and wrk makes one request only to look at it.
        self._next_read += answer["requests"] + connections + 1
        if answer["errors"] or (answer["statuses"] and kind != "crowd"):
            raise RuntimeError(f"{process.name}: {answer}\n{process.text()[-2000:]}")
        return answer | {"rate": answer["requests"] / answer["microseconds"] * 1e6}

    async def open_loop(
        self,
        process: Process,
        rate: float,
        seconds: float,
        connections: int = 512,
        *,
        spread: bool = False,
    ) -> dict[str, Any]:
        """A constant rate, see `openloop`. With `spread` each read is of another article; else some
        seconds of them are of one.
        """
        port = process.url.rpartition(":")[2]
        load = [
            sys.executable,
            "-m",
            "tests.bench.openloop",
            port,
            str(rate),
            str(seconds),
            str(connections),
        ]
        load += [str(self._next_read), str(SPREAD if spread else 1)]
        answer = await self.run(*load, seconds=seconds + 60)
        self._next_read += answer["requests"]
        return answer

    async def ask(
        self,
        process: Process,
        questions: Sequence[Question],
        seconds: float,
        connections: int,
        rate: float = 0,
        cores: frozenset[int] | None = None,
    ) -> dict[str, Any]:
        """Ask stats `questions`, see `getting`."""
        port = process.url.rpartition(":")[2]
        asker = [sys.executable, "-m", "tests.bench.getting", port]
        asker += [str(seconds), str(connections), str(rate)]
        return await self.run(*asker, told=paths(questions), seconds=seconds + 60, cores=cores)

    async def purge(self) -> int:
        """Empty the counter's queue; answers how many messages were in it."""
        async with await aio_pika.connect(self.system.broker.url) as connection:
            channel = await connection.channel()
            queue = await channel.get_queue(topology.COUNTER_READS.name)
            return int((await queue.purge()).message_count or 0)

    async def metrics(self, process: Process) -> dict[str, float]:
        """A service's metrics; a labelled one is called `name{value}`."""
        text = (await self.system.http.get(f"{process.url}/metrics")).text
        samples = (sample for family in families(text) for sample in family.samples)
        return {_name(sample.name, sample.labels): sample.value for sample in samples}

    async def used(
        self, pids: Mapping[str, int], work: Coroutine[Any, Any, T]
    ) -> tuple[T, machine.Seconds]:
        """Do `work`; its answer, and the CPU seconds that the processes used meanwhile."""
        before = machine.cpu(pids)
        answer = await work
        return answer, machine.spent(before, machine.cpu(pids))

    async def written(self) -> int:
        """Documents that MongoDB has inserted and updated since its start."""
        documents = (await self.system.db.command("serverStatus"))["metrics"]["document"]
        return int(documents["inserted"] + documents["updated"])

    def pids(self, *processes: Process) -> dict[str, int]:
        """Process ids by name, with those of broker and database."""
        servers = {"rabbitmq": self.system.broker.pid, "mongod": self.system.database.pid}
        return {process.name.partition("-")[0]: process.pid for process in processes} | servers


def _name(name: str, labels: Mapping[str, str]) -> str:
    return f"{name}{{{','.join(labels.values())}}}" if labels else name
