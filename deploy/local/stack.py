"""Starts and stops the system on this machine: broker, database, services, gateway."""

import asyncio
import secrets
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx

from deploy.local import plan, ports, processes
from deploy.local.broker import Node
from deploy.local.console import Console
from deploy.local.database import Database
from deploy.local.endpoints import endpoints
from deploy.local.files import keep_private, tail, write_private
from deploy.local.gateway import BACKENDS, Gateway
from deploy.local.server import Server, StartError

ROOT = Path(__file__).parents[2]
_SERVERS_SECONDS = 120.0
_SETUP_SECONDS = 60.0
_SERVICES_SECONDS = 60.0
_STOP_SECONDS = 12.0  # a service stops within 10


class Stack:
    """The processes and data under `folder`. `up` may be cancelled at any await, and `down` cleans
    up from any state.
    """

    def __init__(self, folder: Path, environ: Mapping[str, str], console: Console) -> None:
        self.folder = folder.resolve()
        self._environ = environ
        self._console = console
        self._counts = plan.counts(environ)
        self._servers: list[Server] = []
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self.replicas: list[plan.Replica] = []
        self.gateway: Gateway | None = None
        self.token = ""
        self._amqp = ""

    async def up(self) -> None:
        """Start everything and write `endpoints.json`. Raises StartError."""
        (self.folder / "endpoints.json").unlink(missing_ok=True)
        if stale := processes.sweep(self.folder):
            self._console.step(f"ended {stale} processes that an earlier run left behind")
        self.token = keep_private(self.folder / "token", lambda: secrets.token_urlsafe(32))
        amqp, amqp_of = self._urls("LUOTDOC_AMQP_URL", Node, "rabbitmq")
        mongo, mongo_of = self._urls("LUOTDOC_MONGO_URL", Database, "mongodb")
        self._amqp = amqp.partition("://")[2].rstrip("/")
        shared = plan.Shared(amqp, mongo, self.token, amqp_of, mongo_of)
        await self._start_servers()
        await self._set_up(shared)
        self.replicas = plan.lay_out(self._counts, ports.choose_port)
        if plan.needs_gateway(self._counts):
            self.gateway = self._make_gateway()
            shared = replace(shared, gateway=self.gateway.url)
        for replica in self.replicas:
            spool = self.folder / "spool"
            environment = plan.environment(replica, self.replicas, shared, self._environ, spool)
            self._spawn(replica.name, f"services.{replica.service}", environment)
        async with httpx.AsyncClient(trust_env=False, timeout=2) as client:
            await asyncio.gather(*(self._wait_for(replica, client) for replica in self.replicas))
        if self.gateway is not None:
            self.gateway.launch()
            await self._wait_for_server(self.gateway)
        self._write_endpoints(shared)

    def public(self, service: str) -> str:
        """The base URL of `service` for readers: that of the gateway, or of the only replica."""
        return self.gateway.url if self.gateway is not None else self.url(service)

    @property
    def amqp_place(self) -> str:
        """RabbitMQ's address, without a user."""
        return f"amqp://{self._amqp.rpartition('@')[2]}"

    def url(self, service: str) -> str:
        """The base URL of the first replica of `service`."""
        return plan.first(self.replicas, service).url

    def check(self) -> None:
        """Raise StartError if a process has ended, with its name and the end of its log."""
        codes = [(server.name, server.exit_code(), server.log) for server in self._servers]
        codes += [(name, child.poll(), self._log(name)) for name, child in self._children.items()]
        for name, code, log in codes:
            if code is not None:
                raise StartError(
                    f"{name} ended with exit code {code}; the end of {log}:\n{tail(log)}"
                )

    def down(self) -> None:
        """Stop the services, then the other servers. No process is left."""
        (self.folder / "endpoints.json").unlink(missing_ok=True)
        processes.terminate(processes.owned(self.folder / "services"), _STOP_SECONDS)
        with ThreadPoolExecutor() as threads:
            list(threads.map(lambda server: server.stop(), self._servers))
        processes.sweep(self.folder)

    def _urls(
        self, setting: str, kind: type[Node] | type[Database], folder: str
    ) -> tuple[str, dict[str, str]]:
        """A server's URL, and those of the services' own users if the server is ours: `setting`
        names no other.
        """
        if given := self._environ.get(setting, ""):
            return given, {}
        server = kind(self.folder / folder)
        self._servers.append(server)
        return server.url, {user: server.url_of(user) for user in (*plan.PORTS, "setup")}

    def _write_endpoints(self, shared: plan.Shared) -> None:
        write_private(
            self.folder / "endpoints.json",
            endpoints(
                shared,
                self.replicas,
                {server.name: server.pid for server in self._servers},
                {replica.name: self._children[replica.name].pid for replica in self.replicas},
            ),
        )

    def _make_gateway(self) -> Gateway:
        taken = {*plan.PORTS.values(), *(replica.port for replica in self.replicas)}
        port = ports.choose_port(plan.GATEWAY_PORT, taken)
        backends = {
            service: [
                (one.name, f"{ports.HOST}:{one.port}")
                for one in self.replicas
                if one.service == service
            ]
            for service in BACKENDS.values()
        }
        health = ports.choose_port(None, {*taken, port})
        gateway = Gateway(self.folder / "gateway", port, health, backends, plan.TRUSTED)
        self._servers.append(gateway)
        return gateway

    async def _start_servers(self) -> None:
        for server in self._servers:
            server.launch()
        await asyncio.gather(*(self._wait_for_server(server) for server in self._servers))

    async def _wait_for_server(self, server: Server) -> None:
        deadline = time.monotonic() + _SERVERS_SECONDS
        while not await asyncio.to_thread(server.ready):
            if time.monotonic() > deadline:
                raise StartError(f"{server.name} was not ready in time:\n{tail(server.log)}")
            await asyncio.sleep(0.1)
        self._console.step(f"{server.name} is ready")

    async def _set_up(self, shared: plan.Shared) -> None:
        environment = {
            **self._environ,
            "LUOTDOC_AMQP_URL": shared.amqp_of.get("setup", shared.amqp),
            "LUOTDOC_MONGO_URL": shared.mongo_of.get("setup", shared.mongo),
        }
        self._spawn("setup", "shared.setup", environment)
        deadline = time.monotonic() + _SETUP_SECONDS
        while (code := self._children["setup"].poll()) is None:
            if time.monotonic() > deadline:
                raise StartError(f"setup did not end in time:\n{tail(self._log('setup'))}")
            await asyncio.sleep(0.05)
        if code:
            self.check()
        del self._children["setup"]
        self._console.step("exchanges, queues and indexes are in place")

    async def _wait_for(self, replica: plan.Replica, client: httpx.AsyncClient) -> None:
        deadline = time.monotonic() + _SERVICES_SECONDS
        reason = "it does not answer"
        while time.monotonic() < deadline:
            self.check()
            try:
                answer = await client.get(f"{replica.url}/readyz")
                if answer.status_code == httpx.codes.OK:
                    self._console.step(f"{replica.name} is ready at {replica.url}")
                    return
                reason = answer.text
            except httpx.HTTPError:
                pass  # it does not listen yet
            await asyncio.sleep(0.1)
        raise StartError(
            f"{replica.name} was not ready in time: {reason}\n{tail(self._log(replica.name))}"
        )

    def _spawn(self, name: str, module: str, environment: Mapping[str, str]) -> None:
        self._log(name).unlink(missing_ok=True)  # each run begins a new log
        self._children[name] = processes.spawn(
            [sys.executable, "-m", module],
            environment,
            self.folder / "services",
            self._log(name),
            ROOT,
        )

    def _log(self, name: str) -> Path:
        return self.folder / "logs" / f"{name}.log"
