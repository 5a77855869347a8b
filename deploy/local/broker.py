"""A private RabbitMQ node with a folder of its own. It leaves other nodes on the machine alone."""

import asyncio
import base64
import hashlib
import json
import os
import secrets
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import aio_pika

from deploy.local import ports
from deploy.local.files import write_private
from deploy.local.server import Server

# Not the wrapper in /usr/sbin, which switches to the user of the system's own node.
_SERVER = "/usr/lib/rabbitmq/bin/rabbitmq-server"
_CONFIGURATION = """\
listeners.tcp.1 = {host}:{amqp}
load_definitions = {definitions}
# Only tests set alarms; a laptop that is short of memory or disk must not.
vm_memory_high_watermark.relative = {watermark}
disk_free_limit.absolute = 50MB
# The default write-ahead log grows to 512 MB before it is cut.
raft.wal_max_size_bytes = 64000000
log.console = false
"""
_METRICS = """\
prometheus.tcp.ip = {host}
prometheus.tcp.port = {port}
"""
_WATERMARK = 0.8  # of the machine's memory
_PERMISSIONS = Path(__file__).parents[1] / "rabbitmq/services.json"


@dataclass(frozen=True)
class NodeAccess:
    """How to reach a node: its administrator, and the ports for AMQP, for Erlang's distribution and
    port mapper, and for rabbitmqctl.
    """

    user: str
    password: str
    amqp: int
    distribution: int
    mapper: int
    control: int

    def url(self, user: str) -> str:
        return f"amqp://{user}:{self.password}@{ports.HOST}:{self.amqp}/"


class Node(Server):
    """A RabbitMQ node. `url` logs in as its administrator, with a password that is kept in the
    folder.

    `server` is the path of rabbitmq-server; the default is LUOTDOC_RABBITMQ_SERVER, else Debian's.
    With a `metrics_port` its plugin rabbitmq_prometheus answers there.
    """

    name = "rabbitmq"

    def __init__(self, folder: Path, server: str | None = None, metrics_port: int = 0) -> None:
        super().__init__(folder)
        self._metrics_port = metrics_port
        self.server = str(
            Path(server or os.environ.get("LUOTDOC_RABBITMQ_SERVER") or _SERVER).absolute()
        )
        self._access = self._keep_access(self.folder / "node.json")
        self.url = self._access.url(self._access.user)

    @classmethod
    def running(cls, folder: Path) -> "Node":
        """The node of `folder` while another process runs it. It must not be started or stopped
        from here.
        """
        return _Running(folder)

    @property
    def pid(self) -> int:
        """The process id of the Erlang machine; while it starts, that of the script around it."""
        try:
            return int((self.folder / "rabbitmq.pid").read_text())
        except (FileNotFoundError, ValueError):
            return super().pid

    def _keep_access(self, path: Path) -> NodeAccess:
        return _keep_access(path)

    def launch(self) -> None:
        (self.folder / "rabbitmq.pid").unlink(missing_ok=True)
        plugins = "rabbitmq_prometheus" if self._metrics_port else ""
        (self.folder / "enabled_plugins").write_text(f"[{plugins}].\n")
        definitions = self.folder / "definitions.json"
        write_private(definitions, _definitions(self._access))
        configuration = _CONFIGURATION.format(
            host=ports.HOST, watermark=_WATERMARK, definitions=definitions, amqp=self._access.amqp
        )
        if self._metrics_port:
            configuration += _METRICS.format(host=ports.HOST, port=self._metrics_port)
        write_private(self.folder / "rabbitmq.conf", configuration)
        super().launch()

    def command(self) -> list[str]:
        return [self.server]

    def environment(self) -> dict[str, str]:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("RABBITMQ_", "ERL_"))}
        return inherited | {
            "HOME": str(self.folder),
            "LC_ALL": "C.UTF-8",
            "ERL_CRASH_DUMP": str(self.folder / "erl_crash.dump"),
            "ERL_EPMD_ADDRESS": ports.HOST,
            "ERL_EPMD_PORT": str(self._access.mapper),
            "RABBITMQ_NODENAME": "luotdoc@localhost",
            "RABBITMQ_DIST_PORT": str(self._access.distribution),
            "RABBITMQ_CTL_DIST_PORT_MIN": str(self._access.control),
            "RABBITMQ_CTL_DIST_PORT_MAX": str(self._access.control + 10),
            # A release may not start with the data of another one, so each server has its own.
            "RABBITMQ_MNESIA_BASE": str(
                self.folder / "mnesia" / self.server.strip("/").replace("/", "-")
            ),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "enabled_plugins"),
            "RABBITMQ_PID_FILE": str(self.folder / "rabbitmq.pid"),
            # Two schedulers, which sleep when idle, and no port that is open to other machines.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none"
            " -kernel inet_dist_use_interface {127,0,0,1}",
        }

    def answers(self) -> bool:
        try:
            socket.create_connection((ports.HOST, self._access.amqp), timeout=1).close()
        except OSError:
            return False
        # In a thread: a caller with a running event loop could not use `asyncio.run`.
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, _logs_in(self.url)).result()

    def url_of(self, user: str) -> str:
        """The address that logs in as `user`: a service, or setup, with only that user's rights."""
        return self._access.url(user)

    def set_memory_alarm(self, on: bool) -> None:
        """Set or clear the memory alarm, which blocks every connection that publishes. Takes 1 to
        3 s.
        """
        self.control("set_vm_memory_high_watermark", "0" if on else str(_WATERMARK))

    def controller(self) -> list[str]:
        """The command line that runs rabbitmqctl on the node, in `environment()`."""
        beside = Path(self.server).with_name("rabbitmqctl")
        if beside.exists():
            return [str(beside)]
        # The server runs in a root file system of its own, which only root can enter.
        inside = f"{Path(_SERVER).parent}/rabbitmqctl"
        return ["nsenter", f"--target={self.pid}", "--mount", "--root", "--wd", inside]

    def url_with(self, user: str, password: str) -> str:
        """The address that logs in as a user that this module did not make."""
        return f"amqp://{user}:{password}@{ports.HOST}:{self._access.amqp}/"

    def control(self, *arguments: str, stdin: str = "") -> str:
        """Run rabbitmqctl on the node with `stdin` as its standard input. Returns its output.

        Raises CalledProcessError if it fails.
        """
        done = subprocess.run(
            [*self.controller(), "--quiet", *arguments],
            env=self.environment(),
            input=stdin,
            stdout=subprocess.PIPE,
            check=True,
            text=True,
            timeout=180,
        )
        return done.stdout


class _Running(Node):
    """Keeps the ports of the file: they are in use because the node runs."""

    def _keep_access(self, path: Path) -> NodeAccess:
        return NodeAccess(**json.loads(path.read_text()))


def _keep_access(path: Path) -> NodeAccess:
    """The access that the file `path` describes, else a new one. Ports that are no longer free are
    replaced.
    """
    known = json.loads(path.read_text()) if path.exists() else {}
    taken: list[int] = []
    for use in ("amqp", "distribution", "mapper", "control"):
        taken.append(ports.choose_port(known.get(use), taken))
    user, password = (
        known.get("user", "luotdoc"),
        known.get("password") or secrets.token_urlsafe(24),
    )
    access = NodeAccess(user, password, *taken)
    write_private(path, json.dumps(asdict(access)))
    return access


def _definitions(access: NodeAccess) -> str:
    """RabbitMQ's definitions: the administrator, setup and the services, each with the node's
    password and its own rights.
    """
    granted = json.loads(_PERMISSIONS.read_text())
    salt = secrets.token_bytes(4)
    digest = base64.b64encode(
        salt + hashlib.sha256(salt + access.password.encode()).digest()
    ).decode()
    names = [granting["user"] for granting in granted["permissions"]]
    users = [{"name": name, "tags": "", "password_hash": digest} for name in names]
    administrator = {"name": access.user, "tags": "administrator", "password_hash": digest}
    everything = {"user": access.user, "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"}
    return json.dumps(
        granted
        | {
            "vhosts": [{"name": "/"}],
            "users": [administrator, *users],
            "permissions": [everything, *granted["permissions"]],
        }
    )


async def _logs_in(url: str) -> bool:
    try:
        async with await aio_pika.connect(url, timeout=5):
            return True
    except (OSError, aio_pika.exceptions.AMQPError):
        return False
