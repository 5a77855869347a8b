"""Cross-origin reading of public answers, by an allow-list. Without credentials: no answer depends on who asks.

Starlette's middleware answers a refused preflight with plain text, and says `Vary: Origin` only where an Origin came,
so a shared cache could give one site's answer to another.
"""

from collections.abc import MutableMapping
from typing import Any

from shared.web.asgi import App, RawHeaders, Receive, Scope, Send, header, respond

ANY = "*"
_VARY = (b"vary", b"Origin")


def readable(app: App, origins: tuple[str, ...]) -> App:
    """`app`, whose answers scripts of `origins` may read; `*` means every site's. Without any, no script may."""
    allowed = {origin.encode() for origin in origins}
    anybody = ANY in origins

    def grant(scope: Scope) -> RawHeaders:
        if anybody:
            return [(b"access-control-allow-origin", b"*")]
        origin = header(scope, b"origin")
        return [(b"access-control-allow-origin", origin), _VARY] if origin in allowed and origin else [_VARY]

    async def wrapper(scope: Scope, receive: Receive, send: Send) -> None:
        granted = grant(scope)
        if scope["method"] == "OPTIONS" and header(scope, b"access-control-request-method"):
            told = granted
            if len(granted) > 1 or anybody:
                told = [
                    *granted,
                    (b"access-control-allow-methods", b"GET, HEAD"),
                    (b"access-control-allow-headers", b"accept, x-correlation-id"),
                    (b"access-control-max-age", b"600"),
                ]
            await respond(send, 204, headers=told)
            return

        async def watched(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *granted]
            await send(message)

        await app(scope, receive, watched)

    return wrapper if origins else app
