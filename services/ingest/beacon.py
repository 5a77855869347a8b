"""The read beacon. Every page view comes through here, so a plain new read takes the way past ASGI (`Beacon.take`).

    POST /reads      {"article": id} as JSON or, from sendBeacon, as text/plain
    GET  /reads.gif  ?article=id, for pages without JavaScript

204 (or the picture) means that the read is durable, or was filtered; `Luotdoc-Read` says which.
"""

import asyncio
import re
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson

from services.ingest.addresses import Addresses
from services.ingest.agents import is_bot
from services.ingest.batcher import Batcher
from services.ingest.known import KnownArticles
from services.ingest.visitors import ReloadWindow, visitor
from shared.errors import Problem, Unavailable
from shared.events import ARTICLE_ID
from shared.fastpath import FastRequest
from shared.headers import OPEN, lines
from shared.http import RawHeaders, Receive, Scope, Send, check_query, query_value, read_body, respond, respond_problem
from shared.metrics import Ingest

MAX_BODY = 1024
_ID = re.compile(ARTICLE_ID.replace("$", r"\Z"))
_PIXEL = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")

COUNTED, RELOAD, BOT = b"counted", b"filtered; reason=reload", b"filtered; reason=bot"
NOT_COUNTED = b"not counted"
"""The answer to HEAD."""


@dataclass
class Beacon:
    """Takes one read at a time. `salt` answers today's secret."""

    batcher: Batcher
    known: KnownArticles
    window: ReloadWindow
    salt: Callable[[], bytes]
    filter_bots: bool
    addresses: Addresses
    metrics: Ingest

    def __post_init__(self) -> None:
        # Those that are counted are noted by the batch.
        self._reload, self._bot, self._unknown, self._invalid, self._unavailable = (
            self.metrics.reads.labels("reader", outcome)
            for outcome in ("reload", "bot", "unknown", "invalid", "unavailable")
        )
        self._answered, self._answered_at, self._head = "", 0.0, b""
        self._took = self.metrics.read_answered
        self._in_flight = 0
        self.metrics.reads_in_flight.read(lambda: self._in_flight)

    async def post(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer `POST /reads`."""
        with self._measured():
            try:
                if scope["method"] != "POST":
                    raise Problem(405, "reads are posted", headers=[("allow", "POST")])
                outcome, batch = await self._take(_article(await read_body(scope, receive, MAX_BODY)), scope)
            except (Problem, Unavailable) as error:
                await self._refuse(send, error)
            else:
                await respond(send, 204, headers=_answer(outcome, batch), policy=OPEN)

    async def pixel(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer `GET /reads.gif`."""
        with self._measured():
            try:
                if scope["method"] not in ("GET", "HEAD"):
                    raise Problem(405, "the picture is read with GET", headers=[("allow", "GET, HEAD")])
                check_query(scope)
                article = _checked(query_value(scope, "article"))
                if scope["method"] == "HEAD":  # nobody has seen the page
                    await self._need(article)
                    outcome, batch = NOT_COUNTED, b"-"
                else:
                    outcome, batch = await self._take(article, scope)
            except (Problem, Unavailable) as error:
                await self._refuse(send, error)
            else:
                await respond(send, 200, _PIXEL, [(b"content-type", b"image/gif"), *_answer(outcome, batch)], OPEN)

    @contextmanager
    def _measured(self) -> Iterator[None]:
        started = time.perf_counter()
        self._in_flight += 1
        try:
            yield
        finally:
            self._in_flight -= 1
            self._took(time.perf_counter() - started)

    def take(self, request: FastRequest) -> bool:
        """Take a new read of a public article, to be answered once it is durable.

        False leaves the request to `post`: whatever is filtered, unknown, malformed or has to wait for another.
        """
        started = time.perf_counter()
        try:
            article = _article(request.body)
        except Problem:
            return False
        if article not in self.known:
            return False
        agent = _user_agent(request.headers)
        if self.filter_bots and is_bot(agent):
            return False
        reader = self._reader(request.peer, request.headers, agent) if self.window.window else ""
        key = reader + article
        if reader and (self.window.holds(key) or self.window.pending(key) is not None):
            return False
        try:
            outcome = self.batcher.add(article, "reader", reader)
        except Unavailable:
            return False
        if reader:
            self.window.begin(key, outcome)
        self._in_flight += 1
        outcome.add_done_callback(partial(self._settled, request, key if reader else None, started))
        return True

    def _settled(self, request: FastRequest, key: str | None, started: float, outcome: asyncio.Future[str]) -> None:
        self._in_flight -= 1
        try:
            batch = outcome.result()
        except (Unavailable, asyncio.CancelledError) as error:
            self._unavailable.inc()
            self._took(time.perf_counter() - started)
            if key is not None:
                self.window.end(key, durable=False)
            request.refuse(Unavailable(str(error) or "ingest is stopping"))
            return
        if key is not None:
            self.window.end(key, durable=True)
        if batch is not self._answered:
            self._answered, self._answered_at = batch, time.perf_counter()
            self._head = lines([*_answer(COUNTED, batch.encode()), *OPEN])
        self._took(self._answered_at - started)  # one look at the clock for all reads of a batch
        request.no_content(self._head)

    async def _take(self, article: str, scope: Scope) -> tuple[bytes, bytes]:
        """The outcome of a read and its batch's id; returns once it is durable. Raises `Problem` 404 or `Unavailable`.

        A filtered read has no batch of its own: it is accounted for in the next one.
        """
        await self._need(article)
        agent = _user_agent(scope["headers"])
        if self.filter_bots and is_bot(agent):
            self.batcher.filtered("bot")
            self._bot.inc()
            return BOT, b"-"
        if not self.window.window:
            batch = await asyncio.shield(self.batcher.add(article, "reader", ""))
            return COUNTED, batch.encode()
        peer = scope["client"][0] if scope.get("client") else ""
        return await self._once(article, self._reader(peer, scope["headers"], agent))

    async def _need(self, article: str) -> None:
        if article not in self.known and not await self.known.look_up(article):
            raise Problem(404, "there is no such article, or it is not public")

    def _reader(self, peer: str, headers: RawHeaders, agent: bytes) -> str:
        return visitor(self.salt(), self.addresses.reader(peer, headers), agent)

    async def _once(self, article: str, reader: str) -> tuple[bytes, bytes]:
        key = f"{reader}{article}"
        if self.window.holds(key):
            return self._reloaded()
        if (pending := self.window.pending(key)) is not None:
            await asyncio.shield(pending)  # others wait for it, too: it must not end with this request
            return self._reloaded()
        outcome = self.batcher.add(article, "reader", reader)
        self.window.begin(key, outcome)
        durable = False
        try:
            batch = await asyncio.shield(outcome)
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


def _answer(outcome: bytes, batch: bytes) -> RawHeaders:
    return [(b"luotdoc-read", outcome), (b"cache-control", b"no-store"), (b"x-correlation-id", batch)]


def _user_agent(headers: RawHeaders) -> bytes:
    for name, value in headers:
        if name == b"user-agent":
            return value
    return b""


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
