"""The fast path: answers the small request that every page view sends without ASGI.

In uvicorn an ASGI request costs a scope, an event, a task and two messages, more than the read
itself (docs/performance.md, ADR 0014). On the fast path a POST to a registered path, with any
query, goes to a plain function as soon as its body is complete, and is answered 204 when the
function calls back. A GET goes to another one, for what is in memory.

Every other request goes through ASGI as if this module did not exist: other methods, large bodies,
pipelined requests, `Expect: 100-continue`, targets with a fragment, requests during a drain, and
those that the function refuses.

A fast request takes the place of uvicorn's cycle (`protocol.cycle`),
so uvicorn still handles pipelining, keep-alive, its stop and lost connections.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import uvicorn

from shared.web.answering import BODY
from shared.web.headers import RawHeaders
from shared.web.problems import as_problem, problem_answer
from shared.web.protocol import HttpProtocol
from shared.web.uvicorn_protocol import STATUS_LINE, ServerState

MAX_FAST_BODY = 1024
"""Upper bound for the bytes of a body on the fast path."""


class FastRequest:
    """A request in flight, to be answered once: by `no_content` or by `refuse`."""

    __slots__ = (
        "_protocol",
        "body",
        "disconnected",
        "headers",
        "keep_alive",
        "message_event",
        "path",
        "peer",
        "query",
        "response_complete",
    )

    def __init__(
        self, protocol: "FastPathProtocol", path: bytes, query: bytes, body: bytes
    ) -> None:
        self.headers: RawHeaders = protocol.headers
        self.path, self.query, self.body = path, query, body
        self.peer = protocol.client[0] if protocol.client else ""
        self._protocol = protocol
        # The attributes that uvicorn reads from a cycle.
        self.keep_alive = True
        self.response_complete = False
        self.disconnected = False
        self.message_event = _NOBODY

    def no_content(self, head: bytes) -> None:
        """Answer 204. `head` has header lines with line ends."""
        self._answer(STATUS_LINE[204], head, b"")

    def content(self, head: bytes, body: bytes) -> None:
        """Answer 200. `head` has header lines with line ends, among them the length."""
        self._answer(STATUS_LINE[200], head, body)

    def refuse(self, error: Exception) -> None:
        """Answer the problem document for `error`, as ASGI would."""
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
        """Does nothing: no task waits for a fast request."""


_NOBODY = _Nobody()

FastHandler = Callable[[FastRequest], bool]
"""Takes a request and returns True, or returns False without answering it:
then it goes through ASGI."""


class FastPathProtocol(HttpProtocol):
    """The HTTP protocol with the fast path.
    The application has `fast`, a handler for each path, `fast_get` and `leaving`.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._handlers: Mapping[bytes, FastHandler] = config.app.fast  # type: ignore[union-attr]
        self._application: Any = config.app
        self._getter: FastHandler | None = config.app.fast_get  # type: ignore[union-attr]
        self._handler: FastHandler | None = None
        self._path = self._query = self._body = b""

    def on_headers_complete(self) -> None:
        """Choose between the fast path and ASGI."""
        path, _, query = self.url.partition(b"?")
        handler = self._handler_of(path)
        # Of a target with a fragment, ASGI's query ends before the fragment.
        if handler is not None and b"#" not in self.url and self._is_plain():
            self._check_size()
            self._handler, self._path, self._query = handler, path, query
            self._body, self._reading = b"", BODY
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Collect a small body; hand a larger one to ASGI."""
        if self._handler is None:
            super().on_body(body)
            return
        self._body += body
        if len(self._body) > MAX_FAST_BODY:
            self._go_through_asgi()

    def on_message_complete(self) -> None:
        """The request is complete: call its handler."""
        handler = self._handler
        if handler is None:
            super().on_message_complete()
            return
        self._message_ended()
        before = self.cycle
        request = FastRequest(self, self._path, self._query, self._body)
        self.cycle = request  # type: ignore[assignment]
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
        """True while the process drains."""
        return bool(self._application.leaving)

    def _handler_of(self, path: bytes) -> FastHandler | None:
        method = self.parser.get_method()
        if method == b"GET":
            return self._getter
        return self._handlers.get(path) if method == b"POST" else None

    def _is_plain(self) -> bool:
        return (
            getattr(self.cycle, "response_complete", True)
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
