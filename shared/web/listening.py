"""Accepts many connections in a turn of the loop,
and stops listening without resetting waiting connections.
"""

import asyncio
import ctypes
import logging
import os
import select
import socket
import struct
import time
from collections.abc import Callable, Iterable

log = logging.getLogger(__name__)

CLOSING_SECONDS = 0.3
"""Time for handshakes under way, between the last one that may begin and the end of listening."""
ACCEPTED_AT_ONCE = 32
EMPTYING_SECONDS = 1.0
"""Upper bound for the time in which waiting connections are accepted after that."""

SO_ATTACH_FILTER = 26
"""Linux's constant from asm-generic/socket.h, which Python's `socket` lacks."""

NO_SYN = ((0x30, 0, 0, 13), (0x45, 0, 1, 0x02), (0x06, 0, 0, 0), (0x06, 0, 0, 0xFFFFFFFF))
"""A classic BPF program as (code, jump if true, jump if false, constant):
drops TCP packets with the flag SYN."""


class Acceptor:
    """Accepts up to `ACCEPTED_AT_ONCE` connections in each turn of the loop,
    in addition to uvloop's one.

    One is too few under a flood of short connections:
    the queue fills with connections that are already closed, and a reader waits in it for seconds.
    """

    def __init__(self, listening: socket.socket, protocol: Callable[[], asyncio.Protocol]) -> None:
        """`listening` is a server's non-blocking socket."""
        self._loop, self._protocol = asyncio.get_running_loop(), protocol
        self._socket = socket.socket(fileno=os.dup(listening.fileno()))
        self._opening: set[asyncio.Task[object]] = set()
        self._loop.add_reader(self._socket, self._accept)

    def close(self) -> None:
        """Stop accepting. The server's own socket stays open."""
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _accept(self) -> None:
        for _ in range(ACCEPTED_AT_ONCE):
            try:
                connection, _ = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                # Such as no descriptors left:
                # `shared.web.connections` reserves some, so another part has used them up.
                log.error("a connection cannot be accepted: %s", error)
                return
            connection.setblocking(False)
            task = self._loop.create_task(self._open(connection))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def _open(self, connection: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._protocol, connection)
        except OSError as error:  # the client has already closed it
            log.debug("an accepted connection could not be opened: %s", error)
            connection.close()


async def stop_listening(
    servers: Iterable[asyncio.Server], acceptors: Iterable[Acceptor] = ()
) -> None:
    """Close the listening sockets once their queues are empty:
    the kernel would reset waiting connections.
    """
    waiting = select.poll()
    for server in servers:
        for listening in server.sockets:
            refuse_new(listening)
            waiting.register(listening.fileno(), select.POLLIN)
    await asyncio.sleep(CLOSING_SECONDS)
    # Each turn of the loop accepts some, and this task may have been resumed late.
    deadline = time.monotonic() + EMPTYING_SECONDS
    while waiting.poll(0) and time.monotonic() < deadline:  # noqa: ASYNC110  (the kernel has no event)
        await asyncio.sleep(0)
    for acceptor in acceptors:
        acceptor.close()
    for server in servers:
        server.close()


def refuse_new(listening: socket.socket) -> None:
    """Drop new handshakes; connections that wait to be accepted stay.

    A client that starts a handshake repeats it after a second, as if the packet had been lost, and
    finds the socket closed. On a system without such filters a warning is logged, and new
    connections are still accepted.
    """
    instructions = ctypes.create_string_buffer(
        b"".join(struct.pack("HBBI", *each) for each in NO_SYN)
    )
    program = struct.pack("HP", len(NO_SYN), ctypes.addressof(instructions))
    try:
        listening.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)
    except OSError as error:
        log.warning(
            "new connections may be reset at the end: no filter on the listening socket: %s", error
        )
