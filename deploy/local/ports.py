"""TCP ports on the loopback address for what runs on this machine."""

import random
import socket
from collections.abc import Callable, Collection

HOST = "127.0.0.1"

# Below 32768, where Linux starts to take the ports of outgoing connections: a server that is
# stopped and started again must find its port still free.
RANGE = range(20_000, 32_768)
# The standard ports of RabbitMQ's and MongoDB's own nodes stay theirs.
_STANDARD = frozenset({25_672, 27_017, 27_018, 27_019})


def is_free(port: int) -> bool:
    """True when a server could listen on `port` of the loopback address now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def choose_port(
    preferred: int | None = None, taken: Collection[int] = (), free: Callable[[int], bool] = is_free
) -> int:
    """`preferred` when it is free and not `taken`, else some other such port.

    Raises OSError when a thousand ports in a row are in use.
    """
    if preferred is not None and preferred not in taken and free(preferred):
        return preferred
    for port in random.sample(RANGE, 1_000):
        if port not in _STANDARD and port not in taken and free(port):
            return port
    raise OSError(f"no free port found between {RANGE.start} and {RANGE.stop}")
