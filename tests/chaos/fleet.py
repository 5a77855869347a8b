"""The services' processes: killed, stopped, frozen, and started again in their old place with their
old spool.
"""

import asyncio
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from deploy.local import ports, processes
from tests.chaos.plan import REPLICAS
from tests.support.starter import Child
from tests.support.system import ROOT, System

END_SECONDS = 20.0
"""For a stop. A service promises 10; this one may have been frozen, or its servers may be away."""

START_SECONDS = 5.0

SETTINGS: dict[str, str | int] = {
    "READ_WINDOW": 0,
    "BOT_FILTER": "off",
    "CONFIRM_TIMEOUT": "1",
    "FLUSH_INTERVAL": "0.2",
    "HOLD": "3",
}
"""No filters, so that every read counts; short waits, so that a round meets what comes after them.
"""


@dataclass
class Life:
    """One start of a replica; times in seconds since 1970."""

    started: float
    ended: float | None = None
    killed: bool = False
    logged: int = 0
    """Bytes in its log before."""


@dataclass
class Replica:
    """A service's process under one name and one port, however often it is started."""

    service: str
    name: str
    port: int
    log: Path
    settings: dict[str, str | int] = field(default_factory=dict)
    module: str = ""
    """What is run instead of the service itself."""
    popen: subprocess.Popen[bytes] | Child | None = None
    lives: list[Life] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{ports.HOST}:{self.port}"

    @property
    def running(self) -> subprocess.Popen[bytes] | Child:
        """Its process."""
        assert self.popen is not None
        return self.popen


class Fleet:
    """Every replica; `manners` collects what a service did that it should not, whatever the count
    says.
    """

    def __init__(
        self, system: System, settings: dict[str, str | int] | None = None, forked: bool = False
    ) -> None:
        """`forked`: start services by a fork, as a test does; it costs a twentieth."""
        self.system, self.manners, self._forked = system, list[str](), forked
        self._settings = SETTINGS | (settings or {})
        self._folder = system.folder / "services"
        self.replicas: dict[str, Replica] = {}

    def add(self, service: str, **settings: str | int) -> Replica:
        """One more replica, not started yet; keyword arguments are settings without their
        prefix.
        """
        name = f"{service}-{len(self.of(service)) + 1}"
        port = ports.choose_port(None, [replica.port for replica in self.replicas.values()])
        replica = Replica(
            service, name, port, self.system.folder / "logs" / f"{name}.log", settings
        )
        self.replicas[name] = replica
        return replica

    async def up(self, wanted: dict[str, int] | None = None) -> None:
        """Start so many of each service, and wait until they are ready."""
        for service, number in (wanted or REPLICAS).items():
            for _ in range(number):
                self.start(self.add(service))
        await self.ready()
        await self.system.written_down()

    def of(self, service: str) -> list[Replica]:
        """The replicas of a service."""
        return [replica for replica in self.replicas.values() if replica.service == service]

    def start(self, replica: Replica) -> None:
        """Start it in its old place."""
        settings = self._settings | {key.upper(): value for key, value in replica.settings.items()}
        environment = self.system.environment_of(replica.name, replica.port, settings)
        module = replica.module or f"services.{replica.service}"
        before = replica.log.stat().st_size if replica.log.exists() else 0
        replica.lives.append(Life(time.time(), logged=before))
        if self._forked:
            replica.popen = Child(module, environment, replica.log)
        else:
            command = [sys.executable, "-m", module]
            replica.popen = processes.spawn(command, environment, self._folder, replica.log, ROOT)

    async def kill(self, replica: Replica) -> None:
        """SIGKILL."""
        replica.lives[-1].killed = True
        replica.running.kill()
        await self._ended(replica)

    async def stop(self, replica: Replica) -> None:
        """SIGTERM, and wait for its end."""
        began = time.monotonic()
        replica.running.send_signal(signal.SIGTERM)
        try:
            status = await self._ended(replica)
        except subprocess.TimeoutExpired:
            self.manners.append(f"{replica.name} did not end within {END_SECONDS:g} s of SIGTERM")
            await self.kill(replica)
            return
        took, age = time.monotonic() - began, time.time() - replica.lives[-1].started
        # It had not come to catch the signal: on a busy machine it may import for long, and then
        # has logged nothing.
        mute = replica.log.stat().st_size == replica.lives[-1].logged
        young = status == -signal.SIGTERM and (age < START_SECONDS or mute)
        if (status and not young) or took > 11:
            self.manners.append(
                f"{replica.name} ended {took:.1f} s after SIGTERM with status {status}"
            )

    def signal(self, replica: Replica, number: signal.Signals) -> None:
        """Send a signal."""
        replica.running.send_signal(number)

    async def ready(self, seconds: float = 60.0) -> None:
        """Wait until every replica is ready; one that has ended by itself is noted and started
        again.
        """
        await asyncio.gather(
            *(self.ready_one(replica, seconds) for replica in self.replicas.values())
        )

    async def ready_one(self, replica: Replica, seconds: float) -> bool:
        """Wait until it is ready; False, and a note, if it was not in time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if (status := replica.running.poll()) is not None:
                self.manners.append(
                    f"{replica.name} ended by itself with status {status}, see {replica.log.name}"
                )
                replica.lives[-1].ended, replica.lives[-1].killed = time.time(), True
                self.start(replica)
            try:
                if (
                    await self.system.http.get(f"{replica.url}/readyz", timeout=2)
                ).status_code == 200:
                    return True
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)
        self.manners.append(
            f"{replica.name} was not ready within {seconds:g} s, see {replica.log.name}"
        )
        return False

    async def down(self) -> None:
        """Stop all at once; leaves no process behind."""
        alive = [
            r for r in self.replicas.values() if r.popen is not None and r.popen.poll() is None
        ]
        for replica in alive:
            self.signal(replica, signal.SIGCONT)
        try:
            await asyncio.gather(*(self.stop(replica) for replica in alive))
        finally:
            processes.sweep(self._folder)

    async def _ended(self, replica: Replica) -> int:
        status = await asyncio.to_thread(replica.running.wait, END_SECONDS)
        replica.lives[-1].ended = time.time()
        return status
