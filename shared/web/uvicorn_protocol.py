"""The only module that reaches below uvicorn's public interface: its HTTP protocol.

uvicorn documents `Config` and `Server`. The classes and attributes used here may change with any
release, so `requirements.in` has an upper bound, and tests/unit/test_reached.py fails if one of
them changes.
"""

import fcntl
import struct
import termios
from collections import deque
from socket import SO_SNDBUF, SOL_SOCKET
from typing import Any

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)
from uvicorn.server import ServerState

from shared.web.asgi import Receive

__all__ = [
    "STATUS_LINE",
    "EndlessAnswer",
    "FlowControl",
    "ServerState",
    "UvicornProtocol",
    "break_off",
    "endless_answer",
    "has_left",
]


class UvicornProtocol(HttpToolsProtocol):
    """uvicorn's protocol. A cycle is a request with its answer: `cycle` is the newest one, and
    `pipeline` has those that wait for an earlier answer.
    """

    parser: Any
    pipeline: deque[tuple[RequestResponseCycle, Any]]
    _in_hand_cycle: RequestResponseCycle | None = None
    """The cycle whose application runs."""

    def in_flight(self) -> bool:
        """True if a request is in flight on this connection."""
        return bool(self.pipeline) or not getattr(self.cycle, "response_complete", True)

    def start_next(self) -> None:
        """Start the request that waits the longest."""
        cycle, app = self.pipeline.pop()
        self._start_asgi_task(cycle, app)

    def is_waiting(self, cycle: Any) -> bool:
        """True if `cycle` is the newest request and waits for an earlier answer."""
        return bool(self.pipeline) and self.pipeline[0][0] is cycle

    def forget_cycles(self) -> None:
        """Drop all requests. The application that runs sees a client that has disconnected.

        uvicorn tells only the newest cycle. Without this an older one waits or writes for ever.
        """
        running = self._in_hand_cycle
        if running is not None and running is not self.cycle:
            disconnect(running)
        self.pipeline.clear()
        self._in_hand_cycle = None
        self.cycle = None  # type: ignore[assignment]

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._in_hand_cycle = cycle
        super()._start_asgi_task(cycle, app)


def disconnect(cycle: Any) -> None:
    """Tell the application of `cycle` that the client has disconnected."""
    cycle.disconnected = True
    cycle.message_event.set()


class EndlessAnswer:
    """An answer that has begun and has no end, such as a stream of events.

    It is written past ASGI: what many clients get is encoded once, and costs each one call.
    """

    __slots__ = ("_connection", "_cycle")

    def __init__(self, cycle: Any) -> None:
        """`cycle` is a uvicorn cycle whose transport is a connection of ours."""
        self._cycle, self._connection = cycle, cycle.transport

    def hold(self) -> bool:
        """Take a place among the endless answers of this process. False if there is none."""
        return bool(self._connection.hold())

    def write(self, chunk: bytes) -> None:
        """Send a part of the body that is encoded as a chunk."""
        self._connection.write(chunk)

    def unsent(self) -> int:
        """Bytes that the system has not taken, because the client reads too slowly."""
        return int(self._connection.transport.get_write_buffer_size())

    def unconfirmed(self) -> int:
        """Bytes that the system has taken and the client's has not confirmed."""
        socket = self._connection.transport.get_extra_info("socket")
        if socket is None or socket.fileno() < 0:
            return 0
        (waiting,) = struct.unpack("i", fcntl.ioctl(socket.fileno(), termios.TIOCOUTQ, b"\0" * 4))
        return int(waiting)

    def keep_small(self, size: int) -> None:
        """Let the system keep about `size` bytes for the client, not megabytes."""
        if (socket := self._connection.transport.get_extra_info("socket")) is not None:
            socket.setsockopt(SOL_SOCKET, SO_SNDBUF, size)

    def wake(self) -> None:
        """Let a `receive` that waits for the client return."""
        self._cycle.message_event.set()

    def close_after(self) -> None:
        """Close the connection after the end of the answer."""
        self._cycle.keep_alive = False

    def abort(self) -> None:
        """Close the connection now. What the client did not take is thrown away."""
        disconnect(self._cycle)
        self._connection.end_silently("unread")


def endless_answer(receive: Receive) -> EndlessAnswer | None:
    """The answer to the request with the ASGI callable `receive`; None if the server is not
    ours.
    """
    cycle = getattr(receive, "__self__", None)
    ours = hasattr(getattr(cycle, "transport", None), "hold")
    return EndlessAnswer(cycle) if ours else None


def has_left(receive: Receive) -> bool:
    """True if the client of the request with the ASGI callable `receive` has disconnected."""
    cycle = getattr(receive, "__self__", None)  # `receive` is a method of uvicorn's cycle
    return bool(getattr(cycle, "disconnected", False))


def break_off(receive: Receive, stalled: bool = False) -> bool:
    """Close the connection of the request with the ASGI callable `receive` before its answer is
    complete, so that the client does not take the part that it got for the whole. What a client
    that has `stalled` did not take is thrown away.

    False if the server is not ours: then the application must raise.
    """
    cycle = getattr(receive, "__self__", None)
    end = getattr(getattr(cycle, "transport", None), "end_silently", None)
    if cycle is None or end is None:
        return False
    disconnect(cycle)  # else uvicorn logs an answer that is not complete
    if stalled:
        end("unread")
    else:
        cycle.transport.close()
    return True
