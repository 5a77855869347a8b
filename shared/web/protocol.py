"""uvicorn's HTTP protocol with bounds against clients that send endlessly,
slowly or malformed data.

uvicorn relies on a proxy to bound a request before the application sees it. This protocol bounds
each part while it arrives: the request line (414), headers (431), trailers and chunk extensions
(400), pipelined requests, and data sent after an answer. `shared.web.connections` bounds the time.

After a refusal the connection is closed in two steps: our side first, the other when the client has
closed or a little later. If it were closed at once, the kernel would reset it, and the client might
not see the answer.
"""

import asyncio
import select
from collections.abc import Callable
from typing import Any

import httptools
import uvicorn
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)
from uvicorn.server import ServerState

from shared.base.errors import Problem
from shared.web.api import as_problem
from shared.web.asgi import RawHeaders, Receive, problem_answer
from shared.web.connections import Connections

MAX_TARGET = 8 << 10
"""Upper bound for the bytes of a request's target."""
MAX_HEADERS = 100
MAX_HEAD = 32 << 10
"""Upper bound for the bytes of a request's line and headers,
of its trailers, and of its chunk extensions."""
MAX_PIPELINED = 16
"""Upper bound for the requests that wait on a connection; after them the connection is closed."""
MAX_CHUNKS, LEAST_CHUNK = 1000, 16
"""A body of more chunks must have so many bytes per chunk on average:
a chunk costs as much CPU as a small request."""
SLICE = 16 << 10
"""Bytes that are parsed at once.
The parser reports a header only when it is complete; this bounds what it buffers."""
DISCARDED = 16 << 20
"""Upper bound for bytes that are read and discarded after an answer,
for clients that send all before they read."""
CLOSING_SECONDS = 2.0
"""Time for a client to close its side after ours."""

BETWEEN, HEAD, BODY = range(3)
"""State of reading: between requests, in a request's line and headers, or in its body and
trailers."""


class HttpProtocol(HttpToolsProtocol):
    """One connection. The application has the attributes `connections` and `leaving`.

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
        self._in_hand_cycle: RequestResponseCycle | None = None
        self._deaf = False
        """True: input is discarded, not parsed."""
        self._closed = False
        """True: output is discarded."""
        self._split = False
        """True: the head or the body arrives in several segments."""
        self._upgrade = False
        self._silent_bytes = 0
        """Bytes received since the head began, or since the last byte of the body."""
        self._trailers = self._chunks = 0
        self._body_bytes = self._body_bytes_before = 0
        self._body_since = 0.0
        self._discard = DISCARDED
        self._defaults: RawHeaders = []
        self._default_head = b""

    # The connection
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
        in_hand = self._in_hand_cycle
        if in_hand is not None and in_hand is not self.cycle:
            # uvicorn notifies only the newest cycle;
            # without this an older one waits or writes for ever.
            in_hand.disconnected = True
            in_hand.message_event.set()
        super().connection_lost(exc)
        self._deaf = self._closed = True
        self.write = _to_nobody
        self.pipeline.clear()
        self._in_hand_cycle = None
        self.cycle = None  # type: ignore[assignment]
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
        if self._in_hand():
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

    # Input
    def data_received(self, data: bytes) -> None:
        """Parse received data, in slices."""
        if self._deaf:
            self._throw_away(len(data))
            return
        if len(data) > SLICE:
            for start in range(0, len(data), SLICE):
                self.data_received(data[start : start + SLICE])
            return
        upgrade = None
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as stopped:
            upgrade = stopped.args[0]
        except httptools.HttpParserError as error:
            self._refuse_as(error)
        if (
            upgrade is not None
        ):  # outside the except block, else later errors have this exception as their context
            self._go_on_without_upgrade(data[upgrade:])
        if self._reading:
            if not self._deaf:
                self._note_unfinished(len(data))
        elif (self in self._idle or self in self._fresh) and not data.strip(b"\r\n"):
            # Empty lines before a request are allowed, and the parser skips them without a bound.
            self._silent_bytes += len(data)
            if self._silent_bytes > MAX_HEAD:
                self._refuse(self._endless(), "too_large")

    def eof_received(self) -> None:
        """The client has closed its side; the transport closes itself."""

    def _throw_away(self, size: int) -> None:
        self._discard -= size
        if self._discard < 0:
            self.end_silently("discarded")
        elif not self.flow.read_paused:
            # Without a pause a client that sends fast takes all of the event loop's time.
            self.flow.pause_reading()
            self._connections.paused.append(self.flow)

    def _note_unfinished(self, size: int) -> None:
        connections = self._connections
        if self._reading == HEAD:
            if not self._split:
                self._split, self._silent_bytes = True, 0
                connections.wait_for_head(self)
            self._silent_bytes += size
        elif self in connections.bodies:
            progressed, self._body_bytes_before = (
                self._body_bytes > self._body_bytes_before,
                self._body_bytes,
            )
            self._silent_bytes = 0 if progressed else self._silent_bytes + size
        else:
            self._split, self._silent_bytes = True, 0
            self._body_bytes = self._body_bytes_before = 0
            self._body_since = connections.now
            connections.bodies[self] = None
        if self._silent_bytes > MAX_HEAD:
            self._refuse(self._endless(), "too_large")

    def _endless(self) -> Problem:
        if self._reading == BODY:
            return Problem(400, f"trailers and chunk extensions may have at most {MAX_HEAD} bytes")
        return Problem(431, f"the request line and headers may have at most {MAX_HEAD} bytes")

    # The parser's callbacks
    def on_message_begin(self) -> None:
        """A request begins."""
        self._reading, self._split = HEAD, False
        if self._closed or len(self.pipeline) >= MAX_PIPELINED:
            raise Problem(400, f"at most {MAX_PIPELINED} requests may wait on one connection")
        self._fresh.pop(self, None)
        self._idle.pop(self, None)
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """A part of the request's target."""
        self.url += url
        if len(self.url) > MAX_TARGET:
            raise Problem(414, f"the request's target may have at most {MAX_TARGET} bytes")

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer.
        Trailers are discarded, because the application already has the headers.
        """
        if self._reading == BODY:
            self._trailers += 1
            if self._trailers > MAX_HEADERS:
                raise Problem(400, f"a request may have at most {MAX_HEADERS} trailers")
            return
        headers = self.headers
        if len(headers) >= MAX_HEADERS:
            raise Problem(431, f"a request may have at most {MAX_HEADERS} headers")
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The headers are complete: check the request and hand it to the application."""
        self._check_size()
        if self.parser.should_upgrade():
            self._upgrade = True
            return
        self._check_request()
        super().on_headers_complete()
        self.cycle.transport = self  # type: ignore[assignment]
        self._reading = BODY

    def on_chunk_header(self) -> None:
        """A chunk of the body begins."""
        self._chunks += 1
        if self._chunks > MAX_CHUNKS and self._body_bytes < LEAST_CHUNK * self._chunks:
            raise Problem(
                400, f"beyond {MAX_CHUNKS} chunks they must have {LEAST_CHUNK} bytes on average"
            )

    def on_body(self, body: bytes) -> None:
        """A part of the body. It is discarded if the request is already answered."""
        self._body_bytes += len(body)
        if self.cycle.response_complete:
            self._throw_away(len(body))
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is complete."""
        if self._upgrade:
            return
        self._message_ended()
        super().on_message_complete()
        self._become_idle()

    def on_response_complete(self) -> None:
        """The answer is complete: start the next request, wait for one, or close."""
        self.server_state.total_requests += 1
        if self.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
        elif self._deaf or (self._reading == BODY and (self.expect_100_continue or self._chunks)):
            # After `Expect: 100-continue` the client may or may not send the body, so the next
            # bytes are ambiguous. And parsing the rest of a chunked body costs more than a new
            # connection.
            self.close()
        else:
            self._become_idle()

    # Output that the client reads slowly
    def pause_writing(self) -> None:
        """The client reads more slowly than we write."""
        super().pause_writing()
        self._connections.wait_for_reader(self, self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        """The client has caught up."""
        super().resume_writing()
        self._connections.has_read(self)
        self._become_idle()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._in_hand_cycle = cycle
        super()._start_asgi_task(cycle, app)

    # Steps
    def _check_size(self) -> None:
        if self._split:
            self._connections.heads.pop(self, None)
            if (
                len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
                > MAX_HEAD
            ):
                raise self._endless()

    def _check_request(self) -> None:
        """Refuse requests that are not HTTP/1.0 or 1.1,
        and complete an absolute target without a path.
        """
        if self.parser.get_http_version() not in ("1.1", "1.0"):
            raise Problem(400, "this server speaks HTTP/1.1")
        if self.url[:1] != b"/" and httptools.parse_url(self.url).path is None:
            # An absolute target without a path means the root.
            address, mark, query = self.url.partition(b"?")
            self.url = address + b"/" + mark + query

    def _message_ended(self) -> None:
        self._reading, self._trailers, self._chunks, self._silent_bytes = BETWEEN, 0, 0, 0
        if self._split:
            self._connections.bodies.pop(self, None)

    def _become_idle(self) -> None:
        """Wait for the next request, unless the current one or its answer is not complete."""
        if self._reading or self.flow.write_paused or self._closed or self._in_hand():
            return
        self._idle[self] = self._connections.now + self._keep_alive

    def _in_hand(self) -> bool:
        """True if a request is in flight on this connection."""
        return bool(self.pipeline) or not getattr(self.cycle, "response_complete", True)

    def _go_on_without_upgrade(self, rest: bytes) -> None:
        """Parse the request again without its `Upgrade` header,
        with its body, which the parser has skipped.

        Java's HTTP client asks for HTTP/2 by `Upgrade` with each first request.
        """
        self._upgrade = False
        method, version = self.parser.get_method(), self.parser.get_http_version().encode()
        if method == b"CONNECT":
            self._refuse(Problem(400, "this server is not a proxy"), "malformed")
            return
        lines = [b"%b %b HTTP/%b" % (method, self.url, version)]
        for name, value in self.headers:
            if name == b"connection":
                value = b", ".join(
                    part for part in value.split(b",") if part.strip().lower() != b"upgrade"
                )
            if name != b"upgrade":
                lines.append(name + b": " + value)
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self.data_received(b"\r\n".join([*lines, b"", b""]) + rest)

    def _refuse_as(self, error: httptools.HttpParserError) -> None:
        cause = error.__context__
        if isinstance(cause, Problem):
            self._refuse(cause, "malformed" if cause.status == 400 else "too_large")
        elif cause is None or isinstance(cause, httptools.HttpParserError | UnicodeDecodeError):
            self._refuse(
                Problem(400, f"this is no HTTP/1.1 request: {str(error).lower()}"), "malformed"
            )
        else:
            self._refuse(
                as_problem(cause) if isinstance(cause, Exception) else Problem(500, "stopping"),
                "malformed",
            )

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
            if self._in_hand():
                return
        elif self.pipeline and self.pipeline[0][0] is cycle:
            self.pipeline.popleft()
            return
        else:
            answered, cycle.disconnected = cycle.response_started, True
            cycle.message_event.set()
            if answered:
                self.close()
                return
        self._reading = HEAD  # the client may be sending
        status, head, body = problem_answer(problem)
        self.write(
            b"".join(
                (STATUS_LINE[status], self.default_head(), head, b"connection: close\r\n\r\n", body)
            )
        )
        self.close()

    def default_head(self) -> bytes:
        """The header lines that uvicorn adds to every answer.
        It rebuilds them each second, so they are cached.
        """
        if self._defaults is not self.server_state.default_headers:
            self._defaults = self.server_state.default_headers
            self._default_head = b"".join(b"%b: %b\r\n" % pair for pair in self._defaults)
        return self._default_head


def has_left(receive: Receive) -> bool:
    """True if the client of the request with the ASGI callable `receive` has disconnected."""
    cycle = getattr(receive, "__self__", None)  # `receive` is a method of uvicorn's cycle
    return bool(getattr(cycle, "disconnected", False))


def _to_nobody(_data: bytes) -> None:
    """Discard output for a closed connection."""
