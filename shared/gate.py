"""A few questions at a time, so that a flood of costly ones delays neither the loop's other work nor cheap answers."""

import asyncio
from collections.abc import Collection, MutableMapping
from typing import Any

from shared.errors import Problem
from shared.http import App, Receive, Scope, Send

AT_ONCE = 4
"""Questions that are worked on; more would wait for each other, and all for the loop."""
MOST_WAITING = 200
"""Questions that wait; the next ones are told to come again."""


def gated(app: App, cheap: Collection[str], at_once: int = AT_ONCE, most_waiting: int = MOST_WAITING) -> App:
    """`app` behind a gate. Paths in `cheap` go past it. Raises `Problem` 503 when too many wait.

    A question leaves the gate when its answer begins, for a client may read slowly.
    """
    gate = asyncio.Semaphore(at_once)
    waiting = 0

    async def through(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal waiting
        if scope["path"] in cheap:
            await app(scope, receive, send)
            return
        if waiting >= most_waiting:
            raise Problem(503, "too many questions are being answered, try again", headers=[("retry-after", "1")])
        waiting += 1
        try:
            await gate.acquire()
        finally:
            waiting -= 1
        inside = True

        async def leaving(message: MutableMapping[str, Any]) -> None:
            nonlocal inside
            if inside:
                inside = False
                gate.release()
            await send(message)

        try:
            await app(scope, receive, leaving)
        finally:
            if inside:
                gate.release()

    return through
