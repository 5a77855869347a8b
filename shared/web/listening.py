"""How to accept many connections in a turn of the loop, and how to stop listening without resetting those who wait."""

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
"""Between the last handshake that may begin and the end of listening, for those under way."""
ACCEPTED_AT_ONCE = 32
EMPTYING_SECONDS = 1.0
"""Then, at most, for the connections that still wait to be accepted."""

SO_ATTACH_FILTER = 26
"""Linux' number, from asm-generic/socket.h; Python's `socket` does not name it."""

NO_SYN = ((0x30, 0, 0, 13), (0x45, 0, 1, 0x02), (0x06, 0, 0, 0), (0x06, 0, 0, 0xFFFFFFFF))
"""A classic BPF program, as (code, jump if true, jump if false, constant): load the TCP header's flags, look for SYN,
drop the packet if it is there, else let it through."""


class Acceptor:
    """Accepts beside uvloop, which takes one connection in each turn of the loop.

    Under a flood of short connections that is too few: the queue fills with those that have gone away already, and a
    reader waits in it for seconds.
    """

    def __init__(self, listening: socket.socket, protocol: Callable[[], asyncio.Protocol]) -> None:
        """`listening` is a server's socket that doesn't block."""
        self._loop, self._protocol = asyncio.get_running_loop(), protocol
        self._socket = socket.socket(fileno=os.dup(listening.fileno()))
        self._opening: set[asyncio.Task[object]] = set()
        self._loop.add_reader(self._socket, self._accept)

    def close(self) -> None:
        """Stop; the server's own socket is left alone."""
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _accept(self) -> None:
        for _ in range(ACCEPTED_AT_ONCE):
            try:
                connection, _ = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                # Such as no descriptors left: `shared.web.connections` keeps some, so another part has taken them.
                log.error("a connection cannot be accepted: %s", error)
                return
            connection.setblocking(False)
            task = self._loop.create_task(self._open(connection))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def _open(self, connection: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._protocol, connection)
        except OSError as error:  # it has gone away
            log.debug("an accepted connection could not be opened: %s", error)
            connection.close()


async def stop_listening(servers: Iterable[asyncio.Server], acceptors: Iterable[Acceptor] = ()) -> None:
    """Close the sockets once they are empty: the kernel resets connections that wait to be accepted."""
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
    for acceptor in acceptors:
        acceptor.close()
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
