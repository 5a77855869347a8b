"""Answers that many clients want within a moment are made once, and kept as they are sent."""

import time
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from shared.web.asgi import App, Receive, Scope, Send, header
from shared.web.headers import RawHeaders
from shared.web.revalidated import CONDITION, takes_gzip, unless_held

MOST, MOST_BYTES = 256, 256 * 1024
"""Number of answers that are remembered, and the size up to which one is."""
STILL_KEY = "luotdoc.still"
"""Key of an ASGI message that begins an answer, for a function that says whether the answer would
still be the same: then it is remembered so long, whatever its path."""
Message = MutableMapping[str, Any]
MemoryKey = tuple[str, bytes, bytes | None, bool]
"""What equal questions have in common: path, query, `Accept` header, and whether gzip is taken."""


@dataclass(slots=True, eq=False)
class Kept:
    """A whole answer with status 200, as it is sent."""

    headers: RawHeaders
    body: bytes
    until: float
    still: Callable[[], bool] | None
    head: tuple[bytes, bytes] | None = None
    """Its header lines past ASGI (`shared.web.fast_answers`), once they are made."""


class Remembered:
    """Answers GET requests as an equal one was answered up to `seconds` ago, if `may_be` is true of
    the path.

    Concerns answers with status 200 that are sent in one piece; others pass unchanged.
    """

    def __init__(
        self,
        seconds: float,
        may_be: Callable[[str], bool],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seconds, self._may_be, self._monotonic = seconds, may_be, monotonic
        self._made: dict[MemoryKey, Kept] = {}

    def get(self, asked: MemoryKey) -> Kept | None:
        """The answer that is remembered; None if there is none."""
        kept = self._made.get(asked)
        if kept and (self._monotonic() < kept.until or (kept.still and kept.still())):
            return kept
        return None

    def around(self, app: App) -> App:
        """`app`, whose answers have their tag and coding, with a memory."""

        async def wrapper(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["method"] != "GET":
                await app(scope, receive, send)
                return
            accept, gzip = header(scope, b"accept"), takes_gzip(header(scope, b"accept-encoding"))
            asked = (scope["path"], scope["query_string"], accept, gzip)
            if kept := self.get(asked):
                await _send_kept(scope, send, kept)
                return
            await app(_whole(scope), receive, _Keeping(self, scope, asked, send).send)

        return wrapper

    def keep(self, asked: MemoryKey, start: Message, body: bytes) -> Kept:
        """Remember an answer if it may be."""
        still, until = start.get(STILL_KEY), 0.0
        if self._may_be(asked[0]):
            until = self._monotonic() + self._seconds
        kept = Kept(list(start.get("headers", ())), body, until, still)
        if len(body) <= MOST_BYTES and (still or until):
            made = self._made
            made.pop(asked, None)
            while len(made) >= MOST:
                del made[next(iter(made))]  # the oldest, which is the first to end
            made[asked] = kept
        return kept


class _Keeping:
    """An answer on its way, which is remembered once it is complete."""

    def __init__(self, memory: Remembered, scope: Scope, asked: MemoryKey, send: Send) -> None:
        self._memory, self._scope, self._asked, self._send = memory, scope, asked, send
        self._begun: Message | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 200:
            self._begun = message
            return
        begun, self._begun = self._begun, None
        if begun is not None and not message.get("more_body"):
            kept = self._memory.keep(self._asked, begun, message.get("body", b""))
            await _send_kept(self._scope, self._send, kept)
            return
        if begun is not None:
            await self._send(begun)
        await self._send(message)


async def _send_kept(scope: Scope, send: Send, kept: Kept) -> None:
    status, headers, body = unless_held(scope, kept.headers, kept.body)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _whole(scope: Scope) -> Scope:
    """`scope` without its condition, so that a whole answer is made for others too."""
    if header(scope, CONDITION) is None:
        return scope
    return {**scope, "headers": [each for each in scope["headers"] if each[0] != CONDITION]}
