"""Around every API: counts and times the answers, adds headers, and answers bugs and HEAD."""

import time
from collections.abc import MutableMapping
from typing import Any

from luotdoc_subscriber.base.log import correlate
from luotdoc_subscriber.base.metrics import OTHER
from shared.base import metrics
from shared.web import headers as security
from shared.web.asgi import (
    HEAD_KEY,
    App,
    Disconnected,
    Receive,
    Scope,
    Send,
    check_query,
    header,
)
from shared.web.headers import RawHeaders
from shared.web.problems import as_problem, respond_problem


def observed(app: App, requests: metrics.Requests, policy: RawHeaders = security.STRICT) -> App:
    """Count the answers of an API, time them until they begin, and answer its bugs with 500.

    Each answer gets a correlation id and the security headers of `policy` that it lacks.
    HEAD is answered as GET, without the body.
    """

    async def wrapper(scope: Scope, receive: Receive, send: Send) -> None:
        offered = header(scope, b"x-correlation-id")
        chosen = correlate(offered.decode("latin-1") if offered else None)
        started, method = time.perf_counter(), scope["method"]
        answer = _Answer(send, method, policy, chosen)
        try:
            check_query(scope)
            asked = {**scope, "method": "GET", HEAD_KEY: True} if method == "HEAD" else scope
            await app(asked, receive, answer.send)
        except Disconnected:
            return
        except Exception as error:
            if answer.ended:  # FastAPI has answered the bug by `on_error`, and raises it again
                return
            if answer.status:
                raise
            await respond_problem(answer.send, as_problem(error))
        finally:
            known = method if method in metrics.METHODS else OTHER  # a client may invent any
            requests.answers.labels(known, str(answer.status)).inc()
            requests.seconds.observe((answer.begun_at or time.perf_counter()) - started)

    return wrapper


class _Answer:
    """The answer to one request on its way to the client."""

    def __init__(self, send: Send, method: str, policy: RawHeaders, correlation: str) -> None:
        self._send, self._head = send, method == "HEAD"
        self._policy, self._correlation = policy, correlation
        self.status = 0
        """0 until the answer has begun."""
        self.begun_at = 0.0
        self.ended = False

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """Send an ASGI message, with the headers that it lacks, and without a body for HEAD."""
        if message["type"] == "http.response.start":
            self.status, self.begun_at = message["status"], time.perf_counter()
            message["headers"] = self._completed(list(message.get("headers", ())))
        elif self._head and message.get("body"):
            message = {**message, "body": b""}
        await self._send(message)
        self.ended = message["type"] == "http.response.body" and not message.get("more_body")

    def _completed(self, given: RawHeaders) -> RawHeaders:
        if self.status == 405:
            given = [
                (name, _with_head(value) if name == b"allow" else value) for name, value in given
            ]
        return [
            *given,
            *security.missing(given, self._policy),
            (b"x-correlation-id", self._correlation.encode()),
        ]


def _with_head(allowed: bytes) -> bytes:
    """An `Allow` header, with HEAD added if it has GET."""
    methods = {method.strip() for method in allowed.split(b",")}
    return b", ".join(sorted(methods | {b"HEAD"} if b"GET" in methods else methods))
