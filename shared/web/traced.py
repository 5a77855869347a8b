"""Spans of an API's requests."""

from collections.abc import Callable, MutableMapping
from typing import Any

from luotdoc_events.traceparent import TRACEPARENT, valid_traceparent
from luotdoc_subscriber.base.metrics import OTHER
from luotdoc_subscriber.base.tracing import Tracer
from shared.base import metrics
from shared.web.asgi import App, Receive, Scope, Send

MAX_SHOWN = 200
"""Upper bound for the characters of a path in a span."""

_HEADER = TRACEPARENT.encode()


def traced(app: App, tracer: Tracer, trusted: Callable[[Scope], bool] = lambda _: False) -> App:
    """`app`, with a span for each request; `app` itself if nothing is traced.

    The trace of a caller is continued if it is `trusted`. Otherwise a new one begins: a stranger
    decides neither what is recorded nor which trace it is shown in.
    """
    if not tracer.on:
        return app

    async def wrapper(scope: Scope, receive: Receive, send: Send) -> None:
        method = scope["method"] if scope["method"] in metrics.METHODS else OTHER
        offered = offered_traceparent(scope)
        attributes = {"http.request.method": method, "url.path": scope["path"][:MAX_SHOWN]}
        if offered and trusted(scope):
            span = tracer.start(method, "server", offered, attributes=attributes)
        else:
            span = tracer.begin(method, attributes=attributes)

        async def sending(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                span.note({"http.response.status_code": message["status"]})
                if message["status"] >= 500:
                    span.fail(str(message["status"]))
            await send(message)

        with span:
            try:
                await app(scope, receive, sending if span.recorded else send)
            finally:
                if route := getattr(scope.get("route"), "path", ""):
                    span.rename(f"{method} {route}")
                    span.note({"http.route": route})

    return wrapper


def offered_traceparent(scope: Scope) -> str:
    """The caller's trace context. "" if it is absent, malformed, or given twice."""
    offered = [value for name, value in scope["headers"] if name == _HEADER]
    return valid_traceparent(offered[0].decode("latin-1").strip()) if len(offered) == 1 else ""
