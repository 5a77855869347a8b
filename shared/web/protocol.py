"""uvicorn's HTTP protocol with bounds against clients that send endlessly,
slowly or malformed data: the input of a connection.

`shared.web.bounds` has the bounds, `shared.web.answering` the output and the end of a connection,
and `shared.web.connections` bounds the time.
"""

import asyncio
from typing import Any

import httptools
import uvicorn

from shared.base.errors import Problem
from shared.web.answering import BETWEEN, BODY, HEAD, AnsweringProtocol
from shared.web.bounds import (
    LEAST_CHUNK,
    MAX_CHUNKS,
    MAX_HEAD,
    MAX_HEADERS,
    MAX_PIPELINED,
    MAX_TARGET,
    SLICE,
    endless,
    head_size,
    refusal_of,
    too_many_chunks,
    too_many_headers,
    too_many_trailers,
    with_path,
    without_upgrade,
)
from shared.web.uvicorn_protocol import ServerState


class HttpProtocol(AnsweringProtocol):
    """One connection. The application has the attributes `connections` and `leaving`."""

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._split = False
        """True: the head or the body arrives in several segments."""
        self._upgrade = False
        self._silent_bytes = 0
        """Bytes received since the head began, or since the last byte of the body."""
        self._trailers = self._chunks = 0
        self._body_bytes_before = 0

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
            self._refuse(*refusal_of(error))
        if upgrade is not None:
            # Outside the except block, else later errors have this exception as their context.
            self._go_on_without_upgrade(data[upgrade:])
        if self._reading:
            if not self._deaf:
                self._note_unfinished(len(data))
        elif (self in self._idle or self in self._fresh) and not data.strip(b"\r\n"):
            # Empty lines before a request are allowed, and the parser skips them without a bound.
            self._silent_bytes += len(data)
            if self._silent_bytes > MAX_HEAD:
                self._refuse(endless(self._reading == BODY), "too_large")

    def eof_received(self) -> None:
        """The client has closed its side; the transport closes itself."""

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
            self._refuse(endless(self._reading == BODY), "too_large")

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
                raise too_many_trailers()
            return
        headers = self.headers
        if len(headers) >= MAX_HEADERS:
            raise too_many_headers()
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
            raise too_many_chunks()

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
            self.start_next()
        elif self._deaf or (self._reading == BODY and (self.expect_100_continue or self._chunks)):
            # After `Expect: 100-continue` the client may or may not send the body, so the next
            # bytes are ambiguous. And parsing the rest of a chunked body costs more than a new
            # connection.
            self.close()
        else:
            self._become_idle()

    def _check_size(self) -> None:
        if self._split:
            self._connections.heads.pop(self, None)
            if head_size(self.url, self.headers) > MAX_HEAD:
                raise endless(in_body=False)

    def _check_request(self) -> None:
        """Refuse requests that are not HTTP/1.0 or 1.1,
        and complete an absolute target without a path.
        """
        if self.parser.get_http_version() not in ("1.1", "1.0"):
            raise Problem(400, "this server speaks HTTP/1.1")
        if self.url[:1] != b"/":
            self.url = with_path(self.url)

    def _message_ended(self) -> None:
        self._reading, self._trailers, self._chunks, self._silent_bytes = BETWEEN, 0, 0, 0
        if self._split:
            self._connections.bodies.pop(self, None)

    def _go_on_without_upgrade(self, rest: bytes) -> None:
        """Parse the request again without its `Upgrade` header,
        with its body, which the parser has skipped.

        Java's HTTP client asks for HTTP/2 by `Upgrade` with each first request.
        """
        self._upgrade = False
        method, version = self.parser.get_method(), self.parser.get_http_version()
        if method == b"CONNECT":
            self._refuse(Problem(400, "this server is not a proxy"), "malformed")
            return
        head = without_upgrade(method, self.url, version, self.headers)
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self.data_received(head + rest)
