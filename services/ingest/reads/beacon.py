"""The read beacon, which answers each page view's read.

    POST /reads      ?referrer=<scheme>://<host>, which may be missing; the body is
                     {"article": id} as JSON or, from sendBeacon, as text/plain
    GET  /reads.gif  ?article=id, for pages without JavaScript

204, or the picture, means that the read is durable or was filtered; `Luotdoc-Read` says which.
`pipeline` judges the read. `Beacon.take` answers on the fast path, `post` and `pixel` through ASGI.
"""

import asyncio
import time
from asyncio import Future
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager

from services.ingest.metrics import IngestMetrics
from services.ingest.reads.known import KnownArticles
from services.ingest.reads.pipeline import LIMIT, UNKNOWN, IncomingRead, Pipeline, too_many
from services.ingest.reads.read_request import MAX_BODY, article_of, checked_article, referrer_of
from services.ingest.reads.read_traces import ReadTraces
from shared.base.errors import Problem, Unavailable
from shared.rabbit.batch import RELOAD
from shared.web.asgi import Receive, Scope, Send, check_query, query_value, read_body, respond
from shared.web.fastpath import FastRequest
from shared.web.headers import OPEN, RawHeaders, header_lines
from shared.web.problems import respond_problem

_PIXEL = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")

COUNTED = b"counted"
FILTERED = {
    reason: b"filtered; reason=" + reason.encode()
    for reason in ("reload", "bot", "prefetch", "origin")
}
NOT_COUNTED = b"not counted"
"""`Luotdoc-Read` in the answer to HEAD."""


class Beacon:
    """Answers reads by the pipeline's verdict, and measures them."""

    def __init__(
        self,
        *,
        pipeline: Pipeline,
        known: KnownArticles,
        metrics: IngestMetrics,
        traces: ReadTraces | None = None,
    ) -> None:
        """Reads that enter a batch are offered to `traces`; None if nothing is traced."""
        self.pipeline, self._known, self._traces = pipeline, known, traces
        # Without `counted`: the batcher counts those.
        outcomes = ("unknown", "invalid", "unavailable", LIMIT, *FILTERED)
        self._outcomes = {name: metrics.reads.labels("reader", name) for name in outcomes}
        self._heads = {
            reason: header_lines([*_answer(outcome, b"-"), *OPEN])
            for reason, outcome in FILTERED.items()
        }
        self._waiting: dict[Future[str], list[tuple[IncomingRead, FastRequest, float]]] = {}
        """Reads on the fast path, with request and start, by the outcome that they wait for."""
        self._took = metrics.read_answered
        self._in_flight = 0
        metrics.reads_in_flight.read(lambda: self._in_flight)

    # The fast path
    def take(self, request: FastRequest) -> bool:
        """Handle a read on the fast path:
        a new one is answered once it is durable, a dropped one at once.

        False leaves the request to `post`:
        unknown article, malformed body or referrer, or no batch can be sent.
        """
        started = time.perf_counter()
        try:
            article, referrer = article_of(request.body), referrer_of(request.query)
            read = IncomingRead(article, referrer, request.peer, request.headers)
            outcome = self.pipeline.judge(read)
        except (Problem, Unavailable):
            return False
        if outcome is None:
            return self._drop(read, request, started)
        if self._traces is not None and not read.reason:
            self._traces.follow(outcome, started)
        self._in_flight += 1
        waiting = self._waiting.get(outcome)
        if waiting is None:
            # One callback for all reads of a batch: one each would cost as much as the batch.
            self._waiting[outcome] = waiting = []
            outcome.add_done_callback(self._ended)
        waiting.append((read, request, started))
        return True

    def _drop(self, read: IncomingRead, request: FastRequest, started: float) -> bool:
        if read.reason == UNKNOWN:
            return False
        self._outcomes[read.reason].inc()
        self._took(time.perf_counter() - started)
        if read.reason == LIMIT:
            request.refuse(too_many(read.wait))
        else:
            request.no_content(self._heads[read.reason])
        return True

    def _ended(self, outcome: Future[str]) -> None:
        """Answer the reads that waited for `outcome`."""
        reads = self._waiting.pop(outcome)
        self._in_flight -= len(reads)
        failed: BaseException | None = None
        head = b""
        if outcome.cancelled():
            failed = Unavailable("ingest is stopping")
        elif (failed := outcome.exception()) is None:
            head = header_lines([*_answer(COUNTED, outcome.result().encode()), *OPEN])
        took, now = self._took, time.perf_counter()
        for read, request, started in reads:
            took(now - started)
            if failed is not None:
                self._outcomes["unavailable"].inc()
                request.refuse(Unavailable(str(failed)))
            elif read.reason:
                self.pipeline.note_reload(read)
                self._outcomes[RELOAD].inc()
                request.no_content(self._heads[RELOAD])
            else:
                request.no_content(head)

    # ASGI
    async def post(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer `POST /reads`."""
        with self._measured():
            try:
                if scope["method"] != "POST":
                    raise Problem(405, "reads are posted", headers=[("allow", "POST")])
                article = article_of(await read_body(scope, receive, MAX_BODY))
                referrer = referrer_of(scope.get("query_string", b""))
                answer = await self._judged(article, referrer, scope)
            except (Problem, Unavailable) as error:
                await self._refuse(send, error)
            else:
                await respond(send, 204, headers=answer, policy=OPEN)

    async def pixel(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer `GET /reads.gif`."""
        with self._measured():
            try:
                if scope["method"] not in ("GET", "HEAD"):
                    raise Problem(
                        405, "the picture is read with GET", headers=[("allow", "GET, HEAD")]
                    )
                check_query(scope)
                article = checked_article(query_value(scope, "article"))
                if scope["method"] == "HEAD":  # not a view of the page
                    await self._need(article)
                    answer = _answer(NOT_COUNTED, b"-")
                else:
                    answer = await self._judged(article, None, scope)
            except (Problem, Unavailable) as error:
                await self._refuse(send, error)
            else:
                picture = [(b"content-type", b"image/gif"), *answer]
                await respond(send, 200, _PIXEL, picture, OPEN)

    @contextmanager
    def _measured(self) -> Iterator[None]:
        started = time.perf_counter()
        self._in_flight += 1
        try:
            yield
        finally:
            self._in_flight -= 1
            self._took(time.perf_counter() - started)

    async def _judged(self, article: str, referrer: str | None, scope: Scope) -> RawHeaders:
        """The answer's headers, once the read is durable or dropped.
        Raises `Problem` 404 or 429, `Unavailable`.
        """
        await self._need(article)
        peer, started = scope["client"][0] if scope.get("client") else "", time.perf_counter()
        read = IncomingRead(article, referrer, peer, scope["headers"])
        outcome = self.pipeline.judge(read)
        if outcome is not None:
            if self._traces is not None and not read.reason:
                route = f"{scope['method']} {scope['path']}"
                self._traces.follow(outcome, started, route)
            # Other reads wait for it too: this request's end must not cancel it.
            batch = await asyncio.shield(outcome)
            if not read.reason:
                return _answer(COUNTED, batch.encode())
            self.pipeline.note_reload(read)
        if read.reason == UNKNOWN:
            raise _not_found()
        if read.reason == LIMIT:
            raise too_many(read.wait)
        self._outcomes[read.reason].inc()
        return _answer(FILTERED[read.reason], b"-")

    async def _need(self, article: str) -> None:
        """Raise `Problem` 404 if the article is not public, `Unavailable` if that is not known."""
        if not self._known.loaded:
            raise Unavailable("starting, try again")
        if article not in self._known and not await self._known.look_up(article):
            raise _not_found()

    async def _refuse(self, send: Send, error: Problem | Unavailable) -> None:
        if isinstance(error, Unavailable):
            self._outcomes["unavailable"].inc()
            headers = [("retry-after", str(error.retry_after))]
            await respond_problem(send, Problem(503, str(error), headers=headers))
            return
        self._outcomes[{404: UNKNOWN, 429: LIMIT}.get(error.status, "invalid")].inc()
        await respond_problem(send, error)


def _not_found() -> Problem:
    return Problem(404, "there is no such article, or it is not public")


def _answer(outcome: bytes, batch: bytes) -> RawHeaders:
    return [
        (b"luotdoc-read", outcome),
        (b"cache-control", b"no-store"),
        (b"x-correlation-id", batch),
    ]
