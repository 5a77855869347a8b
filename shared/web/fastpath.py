"""A way past ASGI for the one small request that every page view sends.

To uvicorn's protocol a request is a scope, an event, a task, and two messages to send: more work than a read itself
(docs/performance.md, ADR 0014). A POST to a registered path is handed to a plain function as soon as its body is
there, and answered 204 when that calls back. Whatever is not as simple as that goes through ASGI, as if this module
were not there: another method, a body that is too large, pipelined requests, a client that waits to be told to go on,
a process that is leaving, and each request that the function doesn't take.

To uvicorn such a request stands in its own cycle's place (`protocol.cycle`), so that pipelining, keep-alive, the
graceful stop and lost connections remain uvicorn's.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE
from uvicorn.server import ServerState

from shared.web.api import as_problem
from shared.web.asgi import RawHeaders, problem_answer
from shared.web.protocol import BODY, HttpProtocol

MAX_BODY = 1024
"""Bytes of a body on this way."""


class FastRequest:
    """A request in hand, to be answered once: by `no_content` or by `refuse`."""

    __slots__ = (
        "_protocol",
        "body",
        "disconnected",
        "headers",
        "keep_alive",
        "message_event",
        "peer",
        "response_complete",
    )

    def __init__(self, protocol: "FastPathProtocol", body: bytes) -> None:
        self.headers: RawHeaders = protocol.headers
        self.body = body
        self.peer = protocol.client[0] if protocol.client else ""
        self._protocol = protocol
        # What uvicorn looks at in a cycle.
        self.keep_alive = True
        self.response_complete = False
        self.disconnected = False
        self.message_event = _NOBODY

    def no_content(self, head: bytes) -> None:
        """Answer 204. `head`: header lines, each ended."""
        self._answer(STATUS_LINE[204], head, b"")

    def refuse(self, error: Exception) -> None:
        """Answer what ASGI would for this error."""
        status, head, body = problem_answer(as_problem(error))
        self._answer(STATUS_LINE[status], head, body)

    def _answer(self, status: bytes, head: bytes, body: bytes) -> None:
        protocol = self._protocol
        self.response_complete = True
        if protocol.is_closing():
            return
        keep = self.keep_alive and not protocol.leaving
        end = b"\r\n" if keep else b"connection: close\r\n\r\n"
        protocol.write(b"".join((status, protocol.default_head(), head, end, body)))
        if not keep:
            protocol.close()
        protocol.on_response_complete()


class _Nobody(asyncio.Event):
    def set(self) -> None:
        """Nobody waits."""


_NOBODY = _Nobody()

Handler = Callable[[FastRequest], bool]
"""Takes a request, or answers False to have it go through ASGI. It must not have answered it, then."""


class FastPathProtocol(HttpProtocol):
    """The protocol with the shortcut. The application has `fast`: a handler by path; and `leaving`."""

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._handlers: Mapping[bytes, Handler] = config.app.fast  # type: ignore[union-attr]
        self._application: Any = config.app
        self._handler: Handler | None = None
        self._body = b""

    def on_headers_complete(self) -> None:
        """Choose the way."""
        handler = self._handlers.get(self.url)
        if handler is not None and self._is_plain():
            self._check_size()
            self._handler, self._body, self._reading = handler, b"", BODY
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Keep a little; hand a large body over to ASGI."""
        if self._handler is None:
            super().on_body(body)
            return
        self._body += body
        if len(self._body) > MAX_BODY:
            self._go_through_asgi()

    def on_message_complete(self) -> None:
        """The request is whole."""
        handler = self._handler
        if handler is None:
            super().on_message_complete()
            return
        self._message_ended()
        before = self.cycle
        self.cycle = request = FastRequest(self, self._body)  # type: ignore[assignment]
        try:
            taken = handler(request)
        except Exception as error:
            self._handler = None
            request.refuse(error)
            return
        if taken:
            self._handler = None
        else:
            self.cycle = before
            self._go_through_asgi()
            super().on_message_complete()

    @property
    def leaving(self) -> bool:
        """Whether the process ends soon."""
        return bool(self._application.leaving)

    def _is_plain(self) -> bool:
        return (
            getattr(self.cycle, "response_complete", True)
            and self.parser.get_method() == b"POST"
            and self.parser.get_http_version() == "1.1"
            and self.parser.should_keep_alive()
            and not self.parser.should_upgrade()
            and not self.expect_100_continue
            and not self.flow.write_paused
            and not self.leaving
        )

    def _own_cycle(self) -> Any:
        return None if self._handler is not None else super()._own_cycle()

    def _go_through_asgi(self) -> None:
        self._handler = None
        super().on_headers_complete()
        super().on_body(self._body)
