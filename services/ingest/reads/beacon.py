"""The read beacon, which answers each page view's read.
A plain new read takes the fast path (`Beacon.take`).

    POST /reads      {"article": id} as JSON or, from sendBeacon, as text/plain
    GET  /reads.gif  ?article=id, for pages without JavaScript

204, or the picture, means that the read is durable or was filtered; `Luotdoc-Read` says which.
"""

import asyncio
import math
import re
import time
from base64 import b64decode
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson

from luotdoc_events.events import ARTICLE_ID
from services.ingest.metrics import IngestMetrics
from services.ingest.reads.addresses import Addresses
from services.ingest.reads.agents import is_bot
from services.ingest.reads.batcher import Batcher
from services.ingest.reads.known import KnownArticles
from services.ingest.reads.limit import ReadLimit
from services.ingest.reads.signs import read_signs
from services.ingest.reads.visitors import ReloadWindow, visitor
from shared.base.errors import Problem, Unavailable
from shared.web.asgi import (
    RawHeaders,
    Receive,
    Scope,
    Send,
    check_query,
    query_value,
    read_body,
    respond,
)
from shared.web.fastpath import FastRequest
from shared.web.headers import OPEN, lines
from shared.web.problems import respond_problem

MAX_BODY = 1024
_ID = re.compile(ARTICLE_ID.replace("$", r"\Z"))
_PIXEL = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")

COUNTED = b"counted"
FILTERED = {
    reason: b"filtered; reason=" + reason.encode()
    for reason in ("reload", "bot", "prefetch", "origin")
}
NOT_COUNTED = b"not counted"
"""`Luotdoc-Read` in the answer to HEAD."""


@dataclass
class Beacon:
    """Judges reads: known article, limit, filters, reload window; then adds them to a batch.

    `salts` answers (day since 1970, its salt,
    the previous day's salt during one window after the turn, else None).
    """

    batcher: Batcher
    known: KnownArticles
    window: ReloadWindow
    salts: Callable[[], tuple[int, bytes, bytes | None]]
    filter_bots: bool
    addresses: Addresses
    origins: Collection[str]
    limit: ReadLimit
    metrics: IngestMetrics

    def __post_init__(self) -> None:
        # Without `counted`: the batcher counts those.
        self._unknown, self._invalid, self._unavailable, self._limited = (
            self.metrics.reads.labels("reader", outcome)
            for outcome in ("unknown", "invalid", "unavailable", "limit")
        )
        self._filtered = {
            reason: self.metrics.reads.labels("reader", reason) for reason in FILTERED
        }
        self._heads = {
            reason: lines([*_answer(outcome, b"-"), *OPEN]) for reason, outcome in FILTERED.items()
        }
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
                outcome, batch = await self._take(
                    _article(await read_body(scope, receive, MAX_BODY)), scope
                )
            except (Problem, Unavailable) as error:
                await self._refuse(send, error)
            else:
                await respond(send, 204, headers=_answer(outcome, batch), policy=OPEN)

    async def pixel(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer `GET /reads.gif`."""
        with self._measured():
            try:
                if scope["method"] not in ("GET", "HEAD"):
                    raise Problem(
                        405, "the picture is read with GET", headers=[("allow", "GET, HEAD")]
                    )
                check_query(scope)
                article = _checked(query_value(scope, "article"))
                if scope["method"] == "HEAD":  # not a view of the page
                    await self._need(article)
                    outcome, batch = NOT_COUNTED, b"-"
                else:
                    outcome, batch = await self._take(article, scope)
            except (Problem, Unavailable) as error:
                await self._refuse(send, error)
            else:
                await respond(
                    send,
                    200,
                    _PIXEL,
                    [(b"content-type", b"image/gif"), *_answer(outcome, batch)],
                    OPEN,
                )

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
        """Handle a read on the fast path:
        a new one is answered once it is durable, a filtered one at once.

        False leaves the request to `post`:
        unknown article, malformed body, or no batch can be sent.
        """
        started = time.perf_counter()
        try:
            article = _article(request.body)
        except Problem:
            return False
        if article not in self.known:
            return False
        agent, reason = read_signs(request.headers, self.origins)
        address = self.addresses.reader(request.peer, request.headers)
        if self.limit.per_minute and (wait := self.limit.wait(address)):
            self._limited.inc()
            self.batcher.filtered("limit", article)
            self._took(time.perf_counter() - started)
            request.refuse(_too_many(wait))
            return True
        if reason or (reason := "bot" if self.filter_bots and is_bot(agent) else ""):
            self._answer_filtered(request, article, reason, started)
            return True
        day, reader, before = self._visitor(address, agent) if self.window.window else (0, "", "")
        key = self._key(reader, before, article)
        if reader:
            if self.window.holds(key):
                self._answer_filtered(request, article, "reload", started)
                return True
            if (pending := self.window.pending(key)) is not None:
                self._in_flight += 1
                pending.add_done_callback(partial(self._joined, request, article, started))
                return True
        try:
            outcome = self.batcher.add(article, day, reader)
        except Unavailable:
            return False
        if reader:
            self.window.begin(key, outcome)
        self._in_flight += 1
        outcome.add_done_callback(partial(self._settled, request, key if reader else None, started))
        return True

    def _answer_filtered(
        self, request: FastRequest, article: str, reason: str, started: float
    ) -> None:
        self._note_filtered(reason, article)
        self._took(time.perf_counter() - started)
        request.no_content(self._heads[reason])

    def _joined(
        self, request: FastRequest, article: str, started: float, outcome: asyncio.Future[str]
    ) -> None:
        """Answer a read that waited for an equal one in flight:
        a reload if that is durable, else 503.
        """
        self._in_flight -= 1
        if outcome.cancelled() or (error := outcome.exception()) is not None:
            self._unavailable.inc()
            self._took(time.perf_counter() - started)
            request.refuse(Unavailable("ingest is stopping" if outcome.cancelled() else str(error)))
        else:
            self._answer_filtered(request, article, "reload", started)

    def _settled(
        self, request: FastRequest, key: str | None, started: float, outcome: asyncio.Future[str]
    ) -> None:
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
        self._took(self._answered_at - started)  # one clock reading for all reads of a batch
        request.no_content(self._head)

    async def _take(self, article: str, scope: Scope) -> tuple[bytes, bytes]:
        """(value of `Luotdoc-Read`, batch id) of a read, once it is durable.

        A filtered read has no batch id: the next batch accounts for it.
        Raises `Problem` 404 or 429, `Unavailable`.
        """
        await self._need(article)
        headers: RawHeaders = scope["headers"]
        agent, reason = read_signs(headers, self.origins)
        address = self.addresses.reader(scope["client"][0] if scope.get("client") else "", headers)
        if self.limit.per_minute and (wait := self.limit.wait(address)):
            self.batcher.filtered("limit", article)
            raise _too_many(wait)
        if reason or (reason := "bot" if self.filter_bots and is_bot(agent) else ""):
            return self._note_filtered(reason, article)
        if not self.window.window:
            batch = await asyncio.shield(self.batcher.add(article, 0, ""))
            return COUNTED, batch.encode()
        return await self._once(article, *self._visitor(address, agent))

    async def _need(self, article: str) -> None:
        if article not in self.known and not await self.known.look_up(article):
            raise Problem(404, "there is no such article, or it is not public")

    def _visitor(self, address: bytes, agent: bytes) -> tuple[int, str, str]:
        day, salt, before = self.salts()
        return day, visitor(salt, address, agent), visitor(before, address, agent) if before else ""

    def _key(self, reader: str, before: str, article: str) -> str:
        """The read's key in the window,
        with the previous salt if the visitor read the article before the turn.
        """
        if before and (
            self.window.holds(before + article) or self.window.pending(before + article) is not None
        ):
            return before + article
        return reader + article

    async def _once(self, article: str, day: int, reader: str, before: str) -> tuple[bytes, bytes]:
        key = self._key(reader, before, article)
        if self.window.holds(key):
            return self._note_filtered("reload", article)
        if (pending := self.window.pending(key)) is not None:
            await asyncio.shield(
                pending
            )  # other reads wait for it too: this request's end must not cancel it
            return self._note_filtered("reload", article)
        outcome = self.batcher.add(article, day, reader)
        self.window.begin(key, outcome)
        durable = False
        try:
            batch = await asyncio.shield(outcome)
            durable = True
        finally:
            self.window.end(key, durable)
        return COUNTED, batch.encode()

    def _note_filtered(self, reason: str, article: str) -> tuple[bytes, bytes]:
        self.batcher.filtered(reason, article)
        self._filtered[reason].inc()
        return FILTERED[reason], b"-"

    async def _refuse(self, send: Send, error: Problem | Unavailable) -> None:
        if isinstance(error, Unavailable):
            self._unavailable.inc()
            headers = [("retry-after", str(error.retry_after))]
            await respond_problem(send, Problem(503, str(error), headers=headers))
            return
        {404: self._unknown, 429: self._limited}.get(error.status, self._invalid).inc()
        await respond_problem(send, error)


def _answer(outcome: bytes, batch: bytes) -> RawHeaders:
    return [
        (b"luotdoc-read", outcome),
        (b"cache-control", b"no-store"),
        (b"x-correlation-id", batch),
    ]


def _too_many(wait: float) -> Problem:
    headers = [("retry-after", str(max(1, math.ceil(round(wait, 2)))))]
    return Problem(429, "too many reads from this address, try again later", headers=headers)


def _article(body: bytes) -> str:
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Problem.invalid("body", f"must be JSON: {error}") from None
    if type(content) is not dict:
        raise Problem.invalid("body", 'must be an object, {"article": id}')
    if "article" not in content:
        raise Problem.invalid("article", "is missing")
    if len(content) > 1:
        raise Problem.invalid(
            next(name for name in content if name != "article"), "is not a field of a read"
        )
    return _checked(content["article"])


def _checked(article: Any) -> str:
    if type(article) is not str or not _ID.match(article):
        raise Problem.invalid("article", "must be 1-32 of a-z and 0-9")
    return article
