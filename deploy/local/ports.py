"""Free TCP ports on the loopback address."""

import random
import socket
from collections.abc import Callable, Collection

HOST = "127.0.0.1"

# Below 32768, from where on Linux takes ports for outgoing connections: a server that is started
# again must find its port free.
RANGE = range(20_000, 32_768)
# Left free for other nodes of RabbitMQ and MongoDB, which use these ports by default.
_STANDARD = frozenset({25_672, 27_017, 27_018, 27_019})


def is_free(port: int) -> bool:
    """True if a server could listen on `port` of the loopback address now."""
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
    """`preferred` if it is free and not in `taken`, else another such port.

    Raises OSError if a thousand random ports are in use.
    """
    if preferred is not None and preferred not in taken and free(preferred):
        return preferred
    for port in random.sample(RANGE, 1_000):
        if port not in _STANDARD and port not in taken and free(port):
            return port
    raise OSError(f"no free port found between {RANGE.start} and {RANGE.stop}")
