"""The output of a connection: refusals, waits, and the end.

After a refusal the connection is closed in two steps: our side first, the other when the client has
closed or a little later. If it were closed at once, the kernel would reset it, and the client might
not see the answer.
"""

import asyncio
import select
from collections.abc import Callable
from typing import Any

import uvicorn

from shared.base.errors import Problem
from shared.web.bounds import DISCARDED
from shared.web.connections import Connections
from shared.web.headers import RawHeaders
from shared.web.problems import problem_answer
from shared.web.uvicorn_protocol import STATUS_LINE, ServerState, UvicornProtocol, disconnect

CLOSING_SECONDS = 2.0
"""Time for a client to close its side after ours."""

BETWEEN, HEAD, BODY = range(3)
"""State of reading: between requests, in a request's line and headers, or in its body and
trailers."""


class AnsweringProtocol(UvicornProtocol):
    """One connection, without its input, which `shared.web.protocol` reads.
    The application has the attribute `connections`.

    uvicorn's cycles get `self` as their transport: `write`, `close`, `is_closing`.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._connections: Connections = config.app.connections  # type: ignore[union-attr]
        self._fresh, self._idle = self._connections.fresh, self._connections.idle
        self._keep_alive = self._connections.limits.keep_alive_seconds
        self._reading = BETWEEN
        self._deaf = False
        """True: input is discarded, not parsed."""
        self._closed = False
        """True: output is discarded."""
        self._discard = DISCARDED
        self._body_bytes, self._body_since = 0, 0.0
        """Bytes of the body being read, and when it began on the clock of `Connections`."""
        self._defaults: RawHeaders = []
        self._default_head = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Admit the connection, or answer 503 at the limit."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self.write: Callable[[bytes], None] = self.transport.write
        connections = self._connections
        if connections.admit(self):
            self._fresh[self] = connections.now + connections.limits.head_seconds
        else:
            detail = "there are too many connections, try again"
            self._refuse(Problem(503, detail, headers=[("retry-after", "1")]), "full")

    def connection_lost(self, exc: Exception | None) -> None:
        """Clean up after the connection."""
        super().connection_lost(exc)
        self._deaf = self._closed = True
        self.write = _to_nobody
        self.forget_cycles()
        self._connections.open.discard(self)
        self._connections.forget(self)

    def is_closing(self) -> bool:
        """True if output is discarded."""
        return self._closed or self.transport.is_closing()

    def close(self) -> None:
        """Close after the written data.
        If the client may be sending, its input is read for a moment longer.
        """
        if self.is_closing():
            return
        self._closed = self._deaf = True
        self.write = _to_nobody
        connections = self._connections
        connections.forget(self)
        waiting = self.transport.get_write_buffer_size()
        connections.closing[self] = (
            connections.now + CLOSING_SECONDS + waiting / connections.limits.transfer_rate
        )
        if self._reading == BETWEEN:
            self.transport.close()
        else:
            self.transport.write_eof()
            self.flow.resume_reading()

    def shutdown(self) -> None:
        """Close now, or after the answer to the request in flight."""
        if self.in_flight():
            self.cycle.keep_alive = False
        else:
            self.transport.close()

    def end_silently(self, reason: str) -> None:
        """Close at once, without an answer."""
        self._connections.ended(reason)
        self._deaf = self._closed = True
        self.write = _to_nobody
        self._connections.forget(self)
        self.transport.abort()

    def hold(self) -> bool:
        """Take a place among the connections with an answer that has no end. False if there is
        none.
        """
        return self._connections.hold(self)

    def has_unread(self) -> bool:
        """True if bytes wait in the kernel and the client has not closed its side."""
        socket = self.transport.get_extra_info("socket")
        if socket is None or socket.fileno() < 0:
            return False
        poll = select.poll()
        poll.register(socket.fileno(), select.POLLIN | select.POLLRDHUP)
        return poll.poll(0) == [(socket.fileno(), select.POLLIN)]

    def time_out(self, reason: str) -> None:
        """Answer 408, because `reason` (head or body) did not arrive in time, and close."""
        self._refuse(Problem(408, f"the request's {reason} did not arrive in time"), reason)

    def body_is_late(self, now: float, paused: float) -> bool:
        """True if the body arrives too slowly. Time in which reading was paused doesn't count."""
        if self.flow.read_paused:
            self._body_since += paused
        limits = self._connections.limits
        return (
            now > self._body_since + limits.transfer_grace + self._body_bytes / limits.transfer_rate
        )

    def pause_writing(self) -> None:
        """The client reads more slowly than we write."""
        super().pause_writing()
        self._connections.wait_for_reader(self, self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        """The client has caught up."""
        super().resume_writing()
        self._connections.has_read(self)
        self._become_idle()

    def default_head(self) -> bytes:
        """The header lines that uvicorn adds to every answer.
        It rebuilds them each second, so they are cached.
        """
        if self._defaults is not self.server_state.default_headers:
            self._defaults = self.server_state.default_headers
            self._default_head = b"".join(b"%b: %b\r\n" % pair for pair in self._defaults)
        return self._default_head

    def _become_idle(self) -> None:
        """Wait for the next request, unless the current one or its answer is not complete."""
        if self._reading or self.flow.write_paused or self._closed or self.in_flight():
            return
        self._idle[self] = self._connections.now + self._keep_alive

    def _throw_away(self, size: int) -> None:
        self._discard -= size
        if self._discard < 0:
            self.end_silently("discarded")
        elif not self.flow.read_paused:
            # Without a pause a client that sends fast takes all of the event loop's time.
            self.flow.pause_reading()
            self._connections.paused.append(self.flow)

    def _own_cycle(self) -> Any:
        """The cycle that waits for the rest of the request being read; None if there is none."""
        return self.cycle if self._reading == BODY else None

    def _refuse(self, problem: Problem, reason: str) -> None:
        """Answer `problem` unless an earlier request is in flight; close after the last answer."""
        if self.is_closing():
            return
        self._connections.ended(reason)
        self._deaf = True
        self._connections.expect_nothing(self)
        cycle = self._own_cycle()
        if cycle is None:
            if self.in_flight():
                return
        elif self.is_waiting(cycle):
            self.pipeline.popleft()
            return
        else:
            answered = cycle.response_started
            disconnect(cycle)
            if answered:
                self.close()
                return
        self._reading = HEAD  # the client may be sending
        status, head, body = problem_answer(problem)
        closing = b"connection: close\r\n\r\n"
        self.write(b"".join((STATUS_LINE[status], self.default_head(), head, closing, body)))
        self.close()


def _to_nobody(_data: bytes) -> None:
    """Discard output for a closed connection."""
