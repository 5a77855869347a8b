"""The service object of the HTTP API's handlers, and their authentication by token."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase

from luotdoc_subscriber.base.clock import to_millis
from luotdoc_subscriber.base.log import correlation
from luotdoc_subscriber.base.tracing import UNTRACED, Tracer
from services.ingest.articles.article import StoredArticle
from services.ingest.articles.changes import Decision
from services.ingest.articles.cleaning import Offload
from services.ingest.metrics import IngestMetrics
from services.ingest.reads import read_batches
from services.ingest.reads.known import KnownArticles
from services.ingest.store import ArticleStore
from services.ingest.tokens import Token, find, require
from shared.base.errors import Unavailable
from shared.rabbit.batch import Batch


@dataclass(frozen=True, kw_only=True)
class Articles:
    """The service object of the HTTP API's handlers: stores, settings and operations."""

    store: ArticleStore
    known: KnownArticles
    tokens: tuple[Token, ...]
    base_url: str
    clock: Callable[[], datetime]
    changed: Callable[[], None]
    deliver: Callable[[Batch], Awaitable[None]]
    max_article_bytes: int
    max_media_bytes: int
    metrics: IngestMetrics
    tracer: Tracer = UNTRACED
    sections: Callable[[], Mapping[str, str]] = dict
    """The site's sections of now: names by slug; empty if nothing names them."""
    offload: Offload = field(default_factory=Offload)

    async def change(
        self, article_id: str, decide: Callable[[StoredArticle | None], Decision]
    ) -> Decision:
        """Commit a change, and update this process: the known articles and the relay."""
        with self.tracer.start("transaction"):
            change = await self.store.change(article_id, decide, correlation.get())
        self.known.note(article_id, change.article.state == "published")
        if change.changed:
            self.changed()
        return change

    async def count(self, batch_id: str, wanted: list[str]) -> list[str]:
        """Make reads of the articles `wanted` durable as one batch.
        Answers the articles of the accepted reads.

        Raises `Problem` if the key was used with other reads or is too old, and `Unavailable`.
        """
        missing = {article for article in wanted if article not in self.known}
        unknown = (
            frozenset(missing - await self.store.published_among(missing))
            if missing
            else frozenset()
        )
        now = to_millis(self.clock())
        note = read_batches.KeyNote(read_batches.digest_of_batch(wanted), now, unknown)
        note = await self.store.remember_key(batch_id, note)
        batch = read_batches.make_batch(batch_id, wanted, note, now)
        if batch.reads:
            try:
                await self.deliver(batch)
            except Unavailable:
                self.answered("unavailable", len(wanted))
                raise
        self.answered("counted", batch.reads)
        self.answered("unknown", len(wanted) - batch.reads)
        return [article for article in wanted if article not in note.unknown]

    def answered(self, outcome: str, reads: int) -> None:
        """Count reads of `POST /reads/batch` in the metrics, by outcome."""
        self.metrics.reads.labels("batch", outcome).inc(reads)


async def _service(request: Request) -> Articles:
    service: Articles = request.app.state.service
    return service


RequestService = Annotated[Articles, Depends(_service)]


class _Bearer(SecurityBase):
    """The raw `Authorization` header, described as a security scheme in the OpenAPI document."""

    scheme_name = "token"
    model = HTTPBearer(
        description="`Authorization: Bearer …`. A token has scopes: `articles` writes articles "
        "and pictures and sees what is not public, `reads` sends reads from a "
        "server or an app. `python -m services.ingest token` makes one; "
        "`LUOTDOC_TOKENS` holds its SHA-256."
    )

    async def __call__(self, request: Request) -> str | None:
        """The header, or None."""
        return request.headers.get("authorization")


Authorization = Annotated[str | None, Security(_Bearer())]


async def _may_write(service: RequestService, authorization: Authorization) -> Token:
    return require(service.tokens, authorization, "articles")


async def _may_send_reads(service: RequestService, authorization: Authorization) -> Token:
    return require(service.tokens, authorization, "reads")


async def _sees_all(service: RequestService, authorization: Authorization) -> bool:
    token = find(service.tokens, authorization)
    return token is not None and "articles" in token.scopes


Editor = Annotated[Token, Security(_may_write, scopes=["articles"])]
"""Raises 401 or 403 unless the token may write articles."""
ReadSender = Annotated[Token, Security(_may_send_reads, scopes=["reads"])]
"""Raises 401 or 403 unless the token may send reads."""
SeesAll = Annotated[bool, Security(_sees_all, scopes=["articles"])]
"""True if the request has a token that may see articles that are not public. No token is
required."""
ANONYMOUS_TOO: dict[str, Any] = {"security": [{}]}
"""`openapi_extra` for a route that also works without a token."""
