"""The processes of a run: they are killed, and start again."""

import asyncio
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from tests.oracle.clock import EVERYBODY, NOBODY, WRITERS, SharedClock
from tests.oracle.doom import STAGES, WRITE
from tests.support.system import Process, System

STATS, COUNTER, MOVER = "stats", "counter", "mover"
CREW = (STATS, STATS, COUNTER, COUNTER, MOVER)
KEEP_DAYS = 100
LOOK_SECONDS = 0.05
REST_SECONDS = 1.6
"""Mean time between two kills by the reaper."""
CALM = 4
"""How many times longer that is while stats must live."""
DOOMED = 0.6
"""Share of the processes that end themselves at a step, unless the reaper comes first."""
STEPS = 250
"""Number of writes after which the steps begin anew."""


class UnexpectedEndError(Exception):
    """A process ended that nobody killed."""


@dataclass
class Member:
    """A place in the crew, and the process that is there now."""

    role: str
    process: Process


@dataclass
class Fleet:
    """The crew of one site. The clock says who may be killed (`SharedClock.mortal`)."""

    system: System
    clock: SharedClock
    random: random.Random
    zone: str
    steps: Counter[str]
    """By role: how many were to end at a step; those of the sites before, too."""
    members: list[Member] = field(default_factory=list)
    killed: Counter[str] = field(default_factory=Counter)
    """By role: how often one was killed, by the reaper or at its step."""
    at_steps: int = 0
    _reaped: set[int] = field(default_factory=set)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The crew works while inside; then it is killed."""
        for role in CREW:
            self.members.append(Member(role, await self._start(role)))
        tending = [asyncio.create_task(each) for each in (self._tend(), self._reap())]
        try:
            yield
        finally:
            for task in tending:
                task.cancel()
            await asyncio.gather(*tending, return_exceptions=True)
            for member in self.members:
                member.process.send(signal.SIGKILL)
            for member in self.members:
                await member.process.ended()
            for task in tending:  # such an end is why anything else has failed
                if not task.cancelled() and (error := task.exception()):
                    raise error

    def of(self, role: str) -> list[Process]:
        """The processes of a role."""
        return [member.process for member in self.members if member.role == role]

    async def answers(self) -> bool:
        """Whether every stats is ready."""
        try:
            for process in self.of(STATS):
                if (await self.system.http.get(f"{process.url}/readyz")).status_code != 200:
                    return False
        except httpx.TransportError:
            return False
        return True

    def restart(self, role: str) -> None:
        """Kill all of a role, which start again."""
        for process in self.of(role):
            self._kill(process)

    def _kill(self, process: Process) -> None:
        self._reaped.add(process.pid)
        process.send(signal.SIGKILL)

    async def _start(self, role: str) -> Process:
        return await self.system.start(
            STATS if role == STATS else COUNTER,
            module=f"tests.oracle.{role}_program",
            wait=False,
            time_zone=self.zone,
            keep_buckets_days=KEEP_DAYS,
            flush_interval=0.1,
            oracle_clock=self.clock.path,
            oracle_doom=self._doom(role),
        )

    def _doom(self, role: str) -> str:
        """The step at which the next process of a role ends; each one gets a step further."""
        if self.random.random() > DOOMED:
            return ""
        if role == COUNTER and self.random.random() < 0.5:
            self.steps["stage"] += 1
            return f"{STAGES[self.steps['stage'] % len(STAGES)]} {self.random.randrange(4)}"
        self.steps[role] += 1
        return f"{WRITE} {(self.steps[role] - 1) % STEPS}"

    async def _tend(self) -> None:
        """For ever: start again what was killed. Raises `UnexpectedEndError`."""
        while True:
            for member in self.members:
                status = member.process.popen.poll()
                if status is None:
                    continue
                if status != -signal.SIGKILL:
                    raise UnexpectedEndError(
                        f"{member.process.name} ended with {status}:\n"
                        f"{member.process.text()[-3000:]}"
                    )
                self.killed[member.role] += 1
                self.at_steps += member.process.pid not in self._reaped
                member.process = await self._start(member.role)
            await asyncio.sleep(LOOK_SECONDS)

    async def _reap(self) -> None:
        while True:
            await asyncio.sleep(self.random.expovariate(1 / REST_SECONDS))
            if self.clock.mortal == WRITERS and self.random.random() > 1 / CALM:
                continue
            allowed = {NOBODY: (), WRITERS: (COUNTER, MOVER), EVERYBODY: CREW}[self.clock.mortal]
            if mortal := [each for each in self.members if each.role in allowed]:
                self._kill(self.random.choice(mortal).process)
