"""How to stop listening without resetting a connection that waits to be accepted."""

import asyncio
import ctypes
import logging
import select
import socket
import struct
import time
from collections.abc import Iterable

log = logging.getLogger(__name__)

CLOSING_SECONDS = 0.3
"""Between the last handshake that may begin and the end of listening, for those under way."""
EMPTYING_SECONDS = 1.0
"""Then, at most, for the connections that still wait to be accepted."""

SO_ATTACH_FILTER = 26
"""Linux' number, from asm-generic/socket.h; Python's `socket` does not name it."""

NO_SYN = ((0x30, 0, 0, 13), (0x45, 0, 1, 0x02), (0x06, 0, 0, 0), (0x06, 0, 0, 0xFFFFFFFF))
"""A classic BPF program, as (code, jump if true, jump if false, constant): load the TCP header's flags, look for SYN,
drop the packet if it is there, else let it through."""


async def stop_listening(servers: Iterable[asyncio.Server]) -> None:
    """Close the servers' sockets once they are empty: the kernel resets connections that wait to be accepted."""
    waiting = select.poll()
    for server in servers:
        for listening in server.sockets:
            refuse_new(listening)
            waiting.register(listening.fileno(), select.POLLIN)
    await asyncio.sleep(CLOSING_SECONDS)
    # The loop takes one in each of its rounds, and this task may have come back late.
    deadline = time.monotonic() + EMPTYING_SECONDS
    while waiting.poll(0) and time.monotonic() < deadline:  # noqa: ASYNC110  (the kernel has no event)
        await asyncio.sleep(0)
    for server in servers:
        server.close()


def refuse_new(listening: socket.socket) -> None:
    """Let no further handshake begin; who waits to be accepted goes on waiting.

    A client that begins one meanwhile repeats it after a second, as if the packet had been lost, and finds the socket
    closed. Where the system has no such filter, it is logged, and connections go on being taken.
    """
    instructions = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *each) for each in NO_SYN))
    program = struct.pack("HP", len(NO_SYN), ctypes.addressof(instructions))
    try:
        listening.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)
    except OSError as error:
        log.warning("new connections may be reset at the end: no filter on the listening socket: %s", error)
