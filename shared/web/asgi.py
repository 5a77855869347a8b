"""Helpers for raw ASGI handlers and the API:
bounded bodies, queries, answers.
"""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import parse_qs, parse_qsl

from shared.base.errors import Problem
from shared.web import headers as security
from shared.web.headers import RawHeaders

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_PATH = 100
"""Upper bound for the characters of a field's path in an answer to bad input."""
UNCHOSEN_TYPES = frozenset(
    {"", "application/octet-stream", "application/x-www-form-urlencoded", "text/plain"}
)
"""Content types that clients such as curl, fetch and aiohttp send by default.
They say nothing about the body."""
MAX_PARAMETERS = 20
HEAD_KEY = "luotdoc.head"
"""Key of a scope that was made from a HEAD request."""
TURN_KEY = "luotdoc.turn"
"""Key of a scope, for a function that waits for a turn (`shared.web.turnstile`). Long answers call
it between their parts."""
_PLAIN = (b"", b"identity")


class Disconnected(Exception):
    """The client disconnected before its request was complete, so no answer can be sent."""


def header(scope: Scope, name: bytes) -> bytes | None:
    """The first header called `name` (lower case), or None."""
    for key, value in scope["headers"]:
        if key == name:
            return bytes(value)
    return None


def asked_by_head(scope: Scope) -> bool:
    """True if the request is HEAD, although an API's handlers get it as GET
    (`shared.web.observed`).
    """
    return bool(scope.get(HEAD_KEY))


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """The request's body. Raises `Problem` 413 beyond `limit` bytes,
    without reading on, or 415 if it is compressed.
    """
    if any(
        name == b"content-encoding" and value.strip().lower() not in _PLAIN
        for name, value in scope["headers"]
    ):
        raise Problem(
            415, "the body may not be compressed", headers=[("accept-encoding", "identity")]
        )
    declared = header(scope, b"content-length")
    if declared and declared.isdigit() and int(declared[:20]) > limit:
        raise too_large(limit)
    message = await receive()
    body: bytes = message.get("body", b"")
    if message.get("more_body"):
        parts, size = [body], len(body)
        while message.get("more_body") and size <= limit:
            message = await receive()
            parts.append(message.get("body", b""))
            size += len(parts[-1])
        body = b"".join(parts)
    if message["type"] == "http.disconnect":
        raise Disconnected
    if len(body) > limit:
        raise too_large(limit)
    return body


def too_large(limit: int) -> Problem:
    """`Problem` 413, which closes the connection, because the rest of the body stays unread."""
    return Problem(
        413, f"the body may have at most {limit} bytes", headers=[("connection", "close")]
    )


def query_value(scope: Scope, name: str) -> str | None:
    """The first value of a query parameter;
    None if it is absent, or the query has too many parameters.
    """
    return next(iter(query_values(scope, name)), None)


def query_values(scope: Scope, name: str) -> list[str]:
    """All values of a query parameter; none if the query has too many parameters."""
    try:
        query: str = scope["query_string"].decode("latin-1")
        return parse_qs(query, keep_blank_values=True, max_num_fields=MAX_PARAMETERS).get(name, [])
    except ValueError:
        return []


def check_query(scope: Scope) -> None:
    """Raises `Problem` 422 for a parameter that is given twice: one of the values would be
    ignored.
    """
    if not (query := scope.get("query_string", b"")):
        return
    try:
        pairs = parse_qsl(
            query.decode("latin-1"), keep_blank_values=True, max_num_fields=MAX_PARAMETERS
        )
    except ValueError:
        raise Problem.invalid("query", f"may have at most {MAX_PARAMETERS} parameters") from None
    seen = set[str]()
    for name, _ in pairs:
        if name in seen:
            raise Problem.invalid(name[:MAX_PATH], "is given twice")
        seen.add(name)


async def respond(
    send: Send,
    status: int,
    body: bytes = b"",
    headers: Iterable[tuple[bytes, bytes]] = (),
    policy: RawHeaders = security.STRICT,
) -> None:
    """Send a complete answer. `policy` has its security headers, beyond those of every answer."""
    fields = [*headers, *policy]
    if status not in (204, 304):
        fields.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": body})


def check_content_type(scope: Scope, wanted: str, hint: str) -> None:
    """Raises `Problem` 415 unless the content type is `wanted` (`image/*`:
    any picture) or a client's default.
    """
    declared = (
        (header(scope, b"content-type") or b"").decode("latin-1").partition(";")[0].strip().lower()
    )
    family = wanted.removesuffix("*")
    fits = (
        declared.startswith(family)
        if wanted.endswith("/*")
        else declared == wanted or declared.endswith("+json")
    )
    if not fits and declared not in UNCHOSEN_TYPES:
        raise Problem(415, f"the body must be {hint}", headers=[("accept", wanted)])
