"""A Docker engine of its own, in a folder and on networks of its own, that leaves nothing behind.

Needs root, Debian's `docker.io` and `iproute2`.
"""

import functools
import http.server
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BRIDGE, GATEWAY = "luotdoc-check0", "172.31.253.1"
POOL = "172.31.0.0/17"
"""Addresses of the networks that compose makes; a /24 each."""
START_SECONDS = 60.0
FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")


@contextmanager
def served(folder: Path, address: str) -> Iterator[int]:
    """Serve `folder` over HTTP; the port."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    handler = functools.partial(Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer((address, 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()


@contextmanager
def bridge() -> Iterator[None]:
    """A network bridge for the engine alone."""
    subprocess.run(["ip", "link", "add", BRIDGE, "type", "bridge"], check=True)
    try:
        subprocess.run(["ip", "address", "add", f"{GATEWAY}/24", "dev", BRIDGE], check=True)
        subprocess.run(["ip", "link", "set", BRIDGE, "up"], check=True)
        yield
    finally:
        subprocess.run(["ip", "link", "delete", BRIDGE], check=True)


@contextmanager
def network_as_before() -> Iterator[None]:
    """Restore the rules of iptables, the switch for forwarding and the set of bridges at the end.

    An engine leaves its rules when it ends, and a compose run that was interrupted its bridges.
    """
    rules = subprocess.run(["iptables-save"], check=True, capture_output=True).stdout
    forwarding, bridges = FORWARDING.read_text(), _bridges()
    try:
        yield
    finally:
        subprocess.run(["iptables-restore"], input=rules or EMPTY, check=True)
        FORWARDING.write_text(forwarding)
        for name in _bridges() - bridges:
            subprocess.run(["ip", "link", "delete", name], check=True)


EMPTY = b"".join(
    b"*%b\n%bCOMMIT\n" % (table, b"".join(b":%b ACCEPT [0:0]\n" % chain for chain in chains))
    for table, chains in (
        (b"filter", (b"INPUT", b"FORWARD", b"OUTPUT")),
        (b"nat", (b"PREROUTING", b"INPUT", b"OUTPUT", b"POSTROUTING")),
    )
)
"""Tables without a rule. `iptables-save` prints nothing while no table was ever made."""


def _bridges() -> set[str]:
    listed = subprocess.run(
        ["ip", "-brief", "link", "show", "type", "bridge"],
        check=True,
        capture_output=True,
        text=True,
    )
    return {line.split()[0] for line in listed.stdout.splitlines()}


@contextmanager
def engine(place: Path) -> Iterator[str]:
    """A Docker engine in `place`; the address of its socket, as `DOCKER_HOST` has it."""
    host = f"unix://{place}/docker.sock"
    options = [
        f"--data-root={place}/data",
        f"--exec-root={place}/exec",
        f"--pidfile={place}/docker.pid",
        f"--host={host}",
        f"--bridge={BRIDGE}",
        f"--default-address-pool=base={POOL},size=24",
    ]
    log = place / "dockerd.log"
    with network_as_before(), bridge():
        with log.open("wb") as output:
            running = subprocess.Popen(["dockerd", *options], stdout=output, stderr=output)
        version = ["docker", f"--host={host}", "version"]
        deadline = time.monotonic() + START_SECONDS
        try:
            while subprocess.run(version, capture_output=True, check=False).returncode:
                if running.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"dockerd does not start:\n{log.read_text()[-2000:]}")
                time.sleep(0.2)
            yield host
        finally:
            running.terminate()
            running.wait(60)
