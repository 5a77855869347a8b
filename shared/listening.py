"""How to stop listening without resetting a connection that waits to be accepted."""

import ctypes
import logging
import socket
import struct

log = logging.getLogger(__name__)

SO_ATTACH_FILTER = 26
"""Linux' number, from asm-generic/socket.h; Python's `socket` does not name it."""

NO_SYN = ((0x30, 0, 0, 13), (0x45, 0, 1, 0x02), (0x06, 0, 0, 0), (0x06, 0, 0, 0xFFFFFFFF))
"""A classic BPF program, as (code, jump if true, jump if false, constant): load the TCP header's flags, look for SYN,
drop the packet if it is there, else let it through."""


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
