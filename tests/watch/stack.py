"""The stack that is watched: RabbitMQ with its metrics, MongoDB, the services under load, and a
Prometheus whose series have the labels that the PodMonitors of deploy/k8s give them.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local import ports, processes
from deploy.local.broker import Node
from deploy.local.database import Database
from deploy.local.gateway import Gateway
from deploy.local.plan import SITE_FILE
from tests.chaos.fleet import Fleet, Replica
from tests.support.prometheus import Prometheus, Target
from tests.support.replica_set import ReplicaSet
from tests.support.system import System
from tests.watch.exporter import Exporter, exporters

START_SECONDS = 300.0
"""For RabbitMQ and MongoDB on a machine that has much else to do."""
REPLICAS = {"ingest": 2, "render": 2, "counter": 2, "stats": 1}
SITE = {"HOST": ports.HOST, "SITE": str(SITE_FILE)}
SETTINGS: dict[str, str | int] = {
    "READ_WINDOW": 1800,
    "BOT_FILTER": "on",
    "READ_LIMIT": 30,
    "READ_ORIGINS": "http://127.0.0.1:8000",
    "TRUSTED_PROXIES": "127.0.0.0/8",
    "CONFIRM_TIMEOUT": "2",
    "FLUSH_INTERVAL": "0.5",
    "HOLD": "30",
    "PREFETCH": 20,
    "LOG_LEVEL": "WARNING",
}
"""As the services run by default, but for small limits: of an address's reads, and of the batches
that a counter takes ahead, so that some wait in the queue.
"""


@dataclass
class Stack:
    """Everything that runs. `say` prints progress."""

    system: System
    fleet: Fleet
    metrics_port: int
    say: Callable[[str], None]
    exporters: list[Exporter] = field(default_factory=list)
    """One beside each member, if MongoDB is a set of three."""
    gateway: Gateway | None = None
    """Started after the services, if `prepare` has made one."""
    prometheus: Prometheus = field(init=False)

    def targets(self) -> list[Target]:
        """Every replica under its name, as a pod has one, RabbitMQ, MongoDB's members, and the
        gateway.
        """
        ours = [
            Target(f"{ports.HOST}:{replica.port}", replica.service, replica.name)
            for replica in self.fleet.replicas.values()
        ]
        members = [
            Target(f"{ports.HOST}:{exporter.port}", "mongodb", f"mongodb-{number}")
            for number, exporter in enumerate(self.exporters)
        ]
        broker = Target(f"{ports.HOST}:{self.metrics_port}", "rabbitmq", "rabbitmq-1")
        if self.gateway is None:
            return [*ours, broker, *members]
        address = self.gateway.health.removeprefix("http://")
        return [*ours, broker, *members, Target(address, "gateway", "gateway-1")]

    def replica(self, name: str) -> Replica:
        """The replica of this name, such as `ingest-1`."""
        return self.fleet.replicas[name]

    def add_gateway(self, reached: Mapping[str, int] | None = None) -> None:
        """Put a gateway in front of the replicas; not started yet. `reached` has the port by which
        it reaches each, if that is not the replica's own.
        """
        taken = [replica.port for replica in self.fleet.replicas.values()]
        port = ports.choose_port(None, taken)
        health = ports.choose_port(None, [*taken, port])
        own = {name: replica.port for name, replica in self.fleet.replicas.items()}
        backends = {
            service: [
                (replica.name, f"{ports.HOST}:{(reached or own)[replica.name]}")
                for replica in self.fleet.of(service)
            ]
            for service in REPLICAS
        }
        self.gateway = Gateway(self.system.folder / "gateway", port, health, backends)

    def watched_from(self, folder: Path, rules: Sequence[Path]) -> Prometheus:
        """A Prometheus for the targets; not started yet."""
        self.prometheus = Prometheus(folder, self.targets(), rules)
        return self.prometheus


@asynccontextmanager
async def stack(
    folder: Path,
    rules: Sequence[Path],
    say: Callable[[str], None],
    settings: Mapping[str, str | int] | None = None,
    prepare: Callable[[Stack], Awaitable[None]] | None = None,
    replicated: bool = False,
) -> AsyncIterator[Stack]:
    """Everything runs and is scraped inside the block; nothing of it is left afterwards.

    `settings` are settings without their prefix, beside `SETTINGS`. `prepare` is called before the
    services start. `replicated`: MongoDB has three members, and each an exporter.
    """
    port = ports.choose_port()
    broker = Node(folder / "rabbitmq", metrics_port=port)
    database = (ReplicaSet if replicated else Database)(folder / "mongodb")
    try:
        say("starting RabbitMQ, MongoDB and the services")
        servers = (broker, database)
        await asyncio.gather(
            *(asyncio.to_thread(server.start, START_SECONDS) for server in servers)
        )
        system = System(broker, database, folder, environment=dict(SITE))
        fleet = Fleet(system, SETTINGS | dict(settings or {}))
        one = Stack(system, fleet, port, say)
        try:
            if isinstance(database, ReplicaSet):
                for exporter in await asyncio.to_thread(exporters, database):
                    exporter.start()
                    one.exporters.append(exporter)
            await system.reset()
            for service, number in REPLICAS.items():
                for _ in range(number):
                    fleet.add(service)
            compare(fleet)
            if prepare:
                await prepare(one)
            for replica in fleet.replicas.values():
                fleet.start(replica)
            await fleet.ready(START_SECONDS)
            if one.gateway:
                await asyncio.to_thread(one.gateway.start)
            prometheus = one.watched_from(folder / "prometheus", rules)
            await asyncio.to_thread(prometheus.start)
            try:
                yield one
            finally:
                await asyncio.to_thread(prometheus.stop)
        finally:
            for exporter in one.exporters:
                exporter.stop()
            if one.gateway:
                await asyncio.to_thread(one.gateway.stop)
            await fleet.down()
            await system.close()
    finally:
        await asyncio.to_thread(processes.sweep, folder)


def compare(fleet: Fleet) -> None:
    """Let each ingest compare render and stats with the articles."""
    listings = [f"{name}={fleet.of(name)[0].url}/state" for name in ("render", "stats")]
    for ingest in fleet.of("ingest"):
        ingest.settings["RECONCILE"] = ",".join(listings)
