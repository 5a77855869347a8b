"""Carries out the faults of a round on real processes."""

import asyncio
import contextlib
import signal
from collections import defaultdict

from deploy.local.server import Server
from tests.chaos.fleet import Fleet
from tests.chaos.plan import CUT, ROLL, Fault

ROLL_READY_SECONDS = 60.0
FROZEN_SECONDS = 0.3
"""Less than ingest waits for a confirm: it has reads in hand that are neither confirmed nor
spooled.
"""


class Faults:
    """Hits the fleet and its servers. Faults of one target wait for one another."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        system = fleet.system
        self._servers: dict[str, Server] = {
            server.name: server for server in (system.broker, system.database)
        }
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def carry_out(self, fault: Fault) -> None:
        """Wait for its moment, do it, and undo it: afterwards the target runs again, ready or
        not.
        """
        await asyncio.sleep(fault.at)
        if fault.kind == ROLL:
            await self.roll()
            return
        if fault.kind == CUT:
            await self.cut()
            return
        async with self._locks[fault.target]:
            if fault.target in self._servers:
                await self._hit_server(self._servers[fault.target], fault)
            else:
                await self._hit_replica(fault)

    async def roll(self) -> None:
        """Restart every service, one replica after the other, each ready before the next goes."""
        for replica in self._fleet.replicas.values():
            async with self._locks[replica.name]:
                await self._fleet.stop(replica)
                self._fleet.start(replica)
                await self._fleet.ready_one(replica, ROLL_READY_SECONDS)

    async def cut(self) -> None:
        """Kill everything, with reads on their way that RabbitMQ will never get to see; then start
        everything.
        """
        fleet, servers = self._fleet, list(self._servers.values())
        async with contextlib.AsyncExitStack() as stack:
            for name in (*self._servers, *fleet.replicas):
                await stack.enter_async_context(self._locks[name])
            fleet.system.broker.pause()
            await asyncio.sleep(FROZEN_SECONDS)
            await asyncio.gather(*(fleet.kill(replica) for replica in fleet.replicas.values()))
            for server in servers:
                await asyncio.to_thread(server.kill)
            await asyncio.gather(*(asyncio.to_thread(server.start) for server in servers))
            for replica in fleet.replicas.values():
                fleet.start(replica)

    async def _hit_replica(self, fault: Fault) -> None:
        fleet, replica = self._fleet, self._fleet.replicas[fault.target]
        if fault.kind == "freeze":
            fleet.signal(replica, signal.SIGSTOP)
            try:
                await asyncio.sleep(fault.seconds)
            finally:
                fleet.signal(replica, signal.SIGCONT)
            return
        await (fleet.kill(replica) if fault.kind == "kill" else fleet.stop(replica))
        await asyncio.sleep(fault.seconds)
        fleet.start(replica)

    async def _hit_server(self, server: Server, fault: Fault) -> None:
        if fault.kind == "freeze":
            server.pause()
            try:
                await asyncio.sleep(fault.seconds)
            finally:
                server.resume()
            return
        await asyncio.to_thread(server.kill if fault.kind == "kill" else server.stop)
        try:
            await asyncio.sleep(fault.seconds)
        finally:
            await asyncio.to_thread(server.start)
