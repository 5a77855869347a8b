"""The read beacon: raw ASGI, because every page view comes through here.

    POST /reads      {"article": id} as JSON or, from sendBeacon, as text/plain
    GET  /reads.gif  ?article=id, for pages without JavaScript

204 (or the picture) means that the read is durable, or was filtered; `Luotdoc-Read` says which.
"""

import re
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from services.ingest.batcher import Batcher
from services.ingest.known import KnownArticles
from services.ingest.visitors import Network, ReloadWindow, client_address, is_bot, visitor
from shared import metrics
from shared.errors import Problem, Unavailable
from shared.events import ARTICLE_ID
from shared.http import RawHeaders, Receive, Scope, Send, query_value, read_body, respond, respond_problem

MAX_BODY = 1024
_ID = re.compile(ARTICLE_ID.replace("$", r"\Z"))
_PIXEL = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")

COUNTED, RELOAD, BOT = b"counted", b"filtered; reason=reload", b"filtered; reason=bot"


@dataclass
class Beacon:
    """Takes one read at a time. `salt` answers today's secret, `seconds` a monotonic time."""

    batcher: Batcher
    known: KnownArticles
    window: ReloadWindow
    salt: Callable[[], bytes]
    filter_bots: bool
    trusted: tuple[Network, ...]

    def __post_init__(self) -> None:
        # Those that are counted are noted by the batch.
        self._reload, self._bot, self._unknown, self._invalid, self._unavailable = (
            metrics.READS.labels(outcome) for outcome in ("reload", "bot", "unknown", "invalid", "unavailable")
        )

    async def post(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer `POST /reads`."""
        try:
            if scope["method"] != "POST":
                raise Problem(405, "reads are posted", headers=[("allow", "POST")])
            outcome, batch = await self._take(_article(await read_body(scope, receive, MAX_BODY)), scope)
        except (Problem, Unavailable) as error:
            await self._refuse(send, error)
        else:
            headers = [(b"luotdoc-read", outcome), (b"cache-control", b"no-store"), (b"x-correlation-id", batch)]
            await send({"type": "http.response.start", "status": 204, "headers": headers})
            await send({"type": "http.response.body", "body": b""})

    async def pixel(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer `GET /reads.gif`."""
        try:
            if scope["method"] != "GET":  # HEAD would count what nobody has seen
                raise Problem(405, "the picture is read with GET", headers=[("allow", "GET")])
            outcome, batch = await self._take(_checked(query_value(scope, "article")), scope)
        except (Problem, Unavailable) as error:
            await self._refuse(send, error)
        else:
            headers: RawHeaders = [
                (b"content-type", b"image/gif"),
                (b"cache-control", b"no-store"),
                (b"luotdoc-read", outcome),
                (b"x-correlation-id", batch),
            ]
            await respond(send, 200, _PIXEL, headers)

    async def _take(self, article: str, scope: Scope) -> tuple[bytes, bytes]:
        """The outcome of a read and its batch's id; returns once it is durable. Raises `Problem` 404 or `Unavailable`.

        A filtered read has no batch of its own: it is accounted for in the next one.
        """
        if article not in self.known and not await self.known.look_up(article):
            raise Problem(404, "there is no such article, or it is not public")
        agent, forwarded = b"", None
        for name, value in scope["headers"]:
            if name == b"user-agent":
                agent = value
            elif name == b"x-forwarded-for":
                forwarded = value.decode("latin-1")
        user_agent = agent.decode("latin-1")
        if self.filter_bots and is_bot(user_agent):
            self.batcher.filtered("bot")
            self._bot.inc()
            return BOT, b"-"
        if not self.window.window:
            batch = await self.batcher.add(article, "reader", "")
            return COUNTED, batch.encode()
        peer = scope["client"][0] if scope.get("client") else ""
        address = client_address(peer, forwarded, self.trusted) if forwarded and self.trusted else peer
        return await self._once(article, visitor(self.salt(), address, user_agent))

    async def _once(self, article: str, reader: str) -> tuple[bytes, bytes]:
        key = f"{reader}{article}"
        if self.window.holds(key):
            return self._reloaded()
        if (pending := self.window.pending(key)) is not None:
            await pending
            return self._reloaded()
        outcome = self.batcher.add(article, "reader", reader)
        self.window.begin(key, outcome)
        durable = False
        try:
            batch = await outcome
            durable = True
        finally:
            self.window.end(key, durable)
        return COUNTED, batch.encode()

    def _reloaded(self) -> tuple[bytes, bytes]:
        self.batcher.filtered("reload")
        self._reload.inc()
        return RELOAD, b"-"

    async def _refuse(self, send: Send, error: Problem | Unavailable) -> None:
        if isinstance(error, Unavailable):
            self._unavailable.inc()
            headers = [("retry-after", str(error.retry_after))]
            await respond_problem(send, Problem(503, str(error), headers=headers))
            return
        (self._unknown if error.status == 404 else self._invalid).inc()
        await respond_problem(send, error)


def _article(body: bytes) -> str:
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _invalid("body", f"must be JSON: {error}") from None
    if type(content) is not dict:
        raise _invalid("body", 'must be an object, {"article": id}')
    if "article" not in content:
        raise _invalid("article", "is missing")
    if len(content) > 1:
        raise _invalid(next(name for name in content if name != "article"), "is not a field of a read")
    return _checked(content["article"])


def _checked(article: Any) -> str:
    if type(article) is not str or not _ID.match(article):
        raise _invalid("article", "must be 1-32 of a-z and 0-9")
    return article


def _invalid(path: str, message: str) -> Problem:
    return Problem(422, "the request is not valid", [{"path": path, "message": message}])
