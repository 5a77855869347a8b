"""A private cluster of RabbitMQ nodes on one machine, and the one address that leads to it."""

import asyncio
import contextlib
import json
import secrets
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

from deploy.local import ports, processes
from deploy.local.broker import Node, NodeAccess
from deploy.local.files import write_private

PIECE = 1 << 16


class PeerNode(Node):
    """A node with a name of its own, which shares users, cookie and port mapper with the others."""

    def __init__(
        self, folder: Path, peer: str, shared: NodeAccess, cookie: str, taken: list[int]
    ) -> None:
        """`peer` is its name in the cluster."""
        self.peer, self._shared, self._taken = peer, shared, taken
        super().__init__(folder)
        kept = self.folder / ".erlang.cookie"
        write_private(kept, cookie)
        kept.chmod(0o400)

    def _keep_access(self, path: Path) -> NodeAccess:
        own = []
        for _ in range(3):
            own.append(ports.choose_port(None, self._taken))
            self._taken.append(own[-1])
        amqp, distribution, control = own
        return replace(self._shared, amqp=amqp, distribution=distribution, control=control)

    @property
    def port(self) -> int:
        """Where it listens for AMQP."""
        return self._access.amqp

    def environment(self) -> dict[str, str]:
        return super().environment() | {"RABBITMQ_NODENAME": self.peer}

    def join(self, other: "PeerNode") -> None:
        """Make this running node a member of the cluster of `other`. Blocks."""
        self.control("stop_app")
        self.control("join_cluster", other.peer)
        self.control("start_app")


class Cluster:
    """Nodes that are started one after the other; each joins the first that is given."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._cookie = secrets.token_hex(16)
        self._taken = [mapper := ports.choose_port()]
        self._shared = NodeAccess("luotdoc", secrets.token_urlsafe(24), 0, 0, mapper, 0)
        self.nodes: list[PeerNode] = []
        self._mapper: subprocess.Popen[bytes] | None = None

    def start_mapper(self) -> None:
        """Start the port mapper. The first node would else start it, and take it along when it is
        killed.
        """
        folder = self.folder / "epmd"
        program = shutil.which("epmd")
        assert program, "Erlang's epmd is not installed"
        mapper = str(self._shared.mapper)
        command = [program, "-address", ports.HOST, "-port", mapper]
        self._mapper = processes.spawn(command, {}, folder, folder / "output.log")

    def start_node(self, seconds: float, instead: PeerNode | None = None) -> PeerNode:
        """Start one more node, alone, with the name of the one that it is there `instead` of, or
        with a new name; `join` makes it a member. Blocks.
        """
        folder = self.folder / f"node{len(self.nodes) + 1}"
        folder.mkdir(parents=True)
        peer = instead.peer if instead else f"rabbit{len(self.nodes) + 1}@localhost"
        node = PeerNode(folder, peer, self._shared, self._cookie, self._taken)
        self.nodes.append(node)
        node.start(seconds)
        return node

    def stop(self) -> None:
        """End all nodes and the port mapper. Blocks."""
        for node in self.nodes:
            node.kill()
        processes.sweep(self.folder)
        if self._mapper is not None:
            self._mapper.wait()


class Balancer:
    """One address that leads to the first node of `nodes` that accepts a connection."""

    def __init__(self, nodes: list[PeerNode]) -> None:
        self.nodes = nodes
        self.port = ports.choose_port()
        self.led: dict[str, int] = {}
        """Connections that each node has got so far."""
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Accept connections."""
        self._server = await asyncio.start_server(self._accept, ports.HOST, self.port)

    async def close(self) -> None:
        """End everything."""
        if self._server is not None:
            self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    def url(self, user: str) -> str:
        """The address of RabbitMQ for `user`."""
        first = self.nodes[0]
        return first.url_of(user).replace(f":{first.port}/", f":{self.port}/")

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for node in self.nodes:
                with contextlib.suppress(ConnectionRefusedError):
                    there, back = await asyncio.open_connection(ports.HOST, node.port)
                    self.led[node.peer] = self.led.get(node.peer, 0) + 1
                    await _join(reader, back, there, writer)
                    return
        finally:
            writer.transport.abort()


async def _join(
    reader: asyncio.StreamReader,
    back: asyncio.StreamWriter,
    there: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    """Copy in both directions until both have ended."""
    try:
        await asyncio.gather(_copy(reader, back), _copy(there, writer))
    finally:
        back.transport.abort()


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Until either side ends: then neither direction is of use any more."""
    with contextlib.suppress(OSError):
        while piece := await source.read(PIECE):
            sink.write(piece)
            await sink.drain()
    sink.transport.abort()


Queues = dict[str, dict[str, str | list[str]]]


def queues_with_members(node: PeerNode) -> Queues:
    """`leader`, `members` and `online` of each quorum queue and stream, as `node` knows them.
    Blocks.
    """
    listed = node.control(
        "list_queues", "--formatter=json", "name", "type", "leader", "members", "online"
    )
    return {queue["name"]: queue for queue in json.loads(listed) if queue["type"] != "classic"}
