"""Answers that many clients want within a moment are made once."""

import time
from collections.abc import Callable, MutableMapping
from typing import Any

from shared.web.asgi import App, Receive, Scope, Send, header

MOST, MOST_BYTES = 256, 256 * 1024
"""Number of answers that are remembered, and the size up to which one is."""
Message = MutableMapping[str, Any]


def remembered(
    app: App,
    seconds: float,
    may_be: Callable[[str], bool],
    monotonic: Callable[[], float] = time.monotonic,
) -> App:
    """Answer GET requests of paths for which `may_be` is true as an equal one was answered up to
    `seconds` ago. Equal are those with the same path, query and `Accept` header.

    Concerns answers with status 200 that are sent in one piece; others pass unchanged.
    """
    made: dict[tuple[Any, ...], tuple[float, Message, Message]] = {}

    async def wrapper(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "GET" or not may_be(scope["path"]):
            await app(scope, receive, send)
            return
        key = (scope["path"], scope["query_string"], header(scope, b"accept"))
        held = made.get(key)
        if held and monotonic() < held[0]:
            for message in held[1:]:
                await send(dict(message))
            return
        begun: Message | None = None

        async def told(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = dict(message) if message["status"] == 200 else None
            elif begun and not message.get("more_body") and len(message["body"]) <= MOST_BYTES:
                _forget_old(made, monotonic())
                made[key] = (monotonic() + seconds, begun, dict(message))
            else:
                begun = None
            await send(message)

        await app(scope, receive, told)

    return wrapper


def _forget_old(made: dict[Any, tuple[float, Message, Message]], now: float) -> None:
    if len(made) >= MOST:
        for key in [key for key, held in made.items() if held[0] <= now]:
            del made[key]
    while len(made) >= MOST:
        del made[next(iter(made))]
