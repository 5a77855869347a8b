"""CORS for public answers, by an allow-list of origins, without credentials.

Not Starlette's middleware: it answers a refused preflight with plain text, and sends `Vary: Origin`
only if the request has an Origin, so that a shared cache could give one site's answer to another.
"""

from collections.abc import MutableMapping
from typing import Any

from shared.web.asgi import App, Receive, Scope, Send, header, respond
from shared.web.headers import RawHeaders

ANY_ORIGIN = "*"
_VARY = (b"vary", b"Origin")
_ANYBODY = (b"access-control-allow-origin", b"*")
_SHOWN = (b"access-control-expose-headers", b"etag, retry-after, x-correlation-id")
_PREFLIGHT: RawHeaders = [
    (b"access-control-allow-methods", b"GET, HEAD"),
    (b"access-control-allow-headers", b"accept, if-none-match, last-event-id, x-correlation-id"),
    (b"access-control-max-age", b"600"),
]


def _is_granted(given: RawHeaders) -> bool:
    """True for an answer that says itself that every page may read it, as a badge does."""
    return any(name == b"access-control-allow-origin" for name, _ in given)


def granted_to_all(origins: tuple[str, ...], given: RawHeaders) -> RawHeaders:
    """The headers that `readable_by` adds to an answer with the headers `given` to a request
    without an Origin.
    """
    if not origins or _is_granted(given):
        return []
    return [_ANYBODY, _SHOWN] if ANY_ORIGIN in origins else [_VARY]


def readable_by(app: App, origins: tuple[str, ...]) -> App:
    """Let scripts of `origins` read the answers of `app`; `*` is every origin.
    Without origins no script may.
    """
    allowed = {origin.encode() for origin in origins}
    anybody = ANY_ORIGIN in origins

    def grant(scope: Scope) -> RawHeaders:
        if anybody:
            return [_ANYBODY]
        origin = header(scope, b"origin")
        return (
            [(b"access-control-allow-origin", origin), _VARY]
            if origin in allowed and origin
            else [_VARY]
        )

    def may_read(granted: RawHeaders) -> bool:
        return anybody or len(granted) > 1

    async def wrapper(scope: Scope, receive: Receive, send: Send) -> None:
        granted = grant(scope)
        if scope["method"] == "OPTIONS" and header(scope, b"access-control-request-method"):
            told = granted
            if may_read(granted):
                told = [*granted, *_PREFLIGHT]
            await respond(send, 204, headers=told)
            return
        shown = [_SHOWN] if may_read(granted) else []

        async def watched(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                given = list(message.get("headers", ()))
                if not _is_granted(given):
                    message["headers"] = [*given, *granted, *shown]
            await send(message)

        await app(scope, receive, watched)

    return wrapper if origins else app
