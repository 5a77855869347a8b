"""The articles API, for CMSs: thin handlers over `article` and `store`."""

import re
import secrets
import string
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

import anyio
import anyio.to_thread
import orjson
from fastapi import FastAPI, Header, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.ingest import article as articles
from services.ingest import read_batches
from services.ingest.content import ArticleInput, input_schema
from services.ingest.known import KnownArticles
from services.ingest.media import identify
from services.ingest.store import ArticleStore, Page
from services.ingest.tokens import Token, find, require
from shared.batch import COUNTED_HOURS, Batch
from shared.clock import from_millis, to_millis
from shared.errors import Problem, Unavailable
from shared.events import ARTICLE_ID
from shared.http import json_body, make_api, read_body, validated
from shared.log import correlation
from shared.metrics import Ingest
from shared.mongo import KEY_HOURS

Authorization = Annotated[str | None, Header(description="Bearer token with the scope `articles`")]
ArticleId = Annotated[str, Path(pattern=ARTICLE_ID)]
IfMatch = Annotated[str | None, Header(description='the revision that you change, such as "3"')]
IfNoneMatch = Annotated[str | None, Header(description="* to create only")]

_ALPHABET = string.ascii_lowercase + string.digits
_BODY = {"requestBody": {"required": True, "content": {"application/json": {"schema": input_schema()}}}}
_PICTURE = {"requestBody": {"required": True, "content": {"image/*": {"schema": {"type": "string"}}}}}
_READS = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": read_batches.body_schema()}},
    }
}
_COUNTED_ONCE = (
    f"Count up to {read_batches.MAX_READS:,} reads, once per key. A request may be repeated for {COUNTED_HOURS} hours, "
    f"then its key is answered 409; {KEY_HOURS} hours after its first use it is forgotten. No visitor filter applies."
)


class Listing(BaseModel):
    """The parameters of `GET /articles`."""

    model_config = ConfigDict(extra="forbid")
    section: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,100}$")] | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    after: Annotated[str, Field(pattern=r"^-?[0-9]{1,13}-[a-z0-9]{1,32}$")] | None = None


@dataclass(frozen=True)
class Articles:
    """What the handlers work with."""

    store: ArticleStore
    known: KnownArticles
    tokens: tuple[Token, ...]
    base_url: str
    clock: Callable[[], datetime]
    changed: Callable[[], None]
    deliver: Callable[[Batch], Awaitable[None]]
    max_article_bytes: int
    max_media_bytes: int
    metrics: Ingest
    sanitising: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(2))
    """Large bodies take memory while they are cleaned: two at once."""

    def editor(self, authorization: str | None) -> None:
        """Raise 401 or 403 unless the token may write articles."""
        require(self.tokens, authorization, "articles")

    def is_editor(self, authorization: str | None) -> bool:
        """Whether unpublished things may be shown."""
        token = find(self.tokens, authorization)
        return token is not None and "articles" in token.scopes

    async def change(self, article_id: str, decide: Callable[[articles.Article | None], articles.Change]) -> Any:
        """Commit a change, and tell the parts of this process that care."""
        change = await self.store.change(article_id, decide, correlation.get())
        self.known.note(article_id, change.article.state == "published")
        if change.changed:
            self.changed()
        return change

    def answer(self, article: articles.Article, status: int = 200, full: bool = True) -> Response:
        """The article as JSON with its `ETag` and `Location`."""
        return Response(
            orjson.dumps(articles.view(article, self.base_url, full)),
            status,
            {"etag": article.etag, "location": f"/articles/{article.id}", "cache-control": "no-store"},
            media_type="application/json",
        )

    async def count(self, batch_id: str, wanted: list[str]) -> list[str]:
        """Make the reads of `wanted` articles durable as one batch; answers the articles of those accepted.

        Raises `Problem` when the key was used for other reads or is too old, and `Unavailable`.
        """
        missing = {article for article in wanted if article not in self.known}
        unknown = frozenset(missing - await self.store.published_among(missing)) if missing else frozenset()
        now = to_millis(self.clock())
        note = read_batches.KeyNote(read_batches.digest_of(wanted), now, unknown)
        batch = read_batches.make_batch(batch_id, wanted, await self.store.remember_key(batch_id, note), now)
        if batch.reads:
            try:
                await self.deliver(batch)
            except Unavailable:
                self.answered("unavailable", len(wanted))
                raise
        self.answered("counted", len(batch.reads))
        self.answered("unknown", len(wanted) - len(batch.reads))
        return [read[0] for read in batch.reads]

    def answered(self, outcome: str, reads: int) -> None:
        """Count reads of `POST /reads/batch` by how they were answered."""
        self.metrics.reads.labels("batch", outcome).inc(reads)

    async def put(self, request: Request, article_id: str, wanted: articles.Preconditions) -> Response:
        """Create or replace an article from the request's body."""
        given = validated(ArticleInput, await json_body(request))
        # Sanitising a megabyte takes long enough to hold up every beacon; nh3 works without the interpreter's lock.
        body_html = await anyio.to_thread.run_sync(articles.clean, given, limiter=self.sanitising)
        now, created = self.clock(), False

        def decide(current: articles.Article | None) -> articles.Change:
            nonlocal created
            created = current is None
            content = articles.fill(given, body_html, current, now)
            return articles.put(article_id, content, current, wanted, now, self.base_url)

        change = await self.change(article_id, decide)
        return self.answer(change.article, 201 if created else 200)


def build_api(service: Articles) -> FastAPI:
    """The API's routes."""
    api = make_api(
        "Lượt Đọc: ingest", "Articles and pictures go in here; reads too, at `/reads`.", service.max_article_bytes
    )

    @api.put("/articles/{article_id}", openapi_extra=_BODY, status_code=201, tags=["articles"])
    async def put_article(
        request: Request,
        article_id: ArticleId,
        authorization: Authorization = None,
        if_match: IfMatch = None,
        if_none_match: IfNoneMatch = None,
    ) -> Response:
        """Create or replace an article. The same content again is a no-op; a withdrawn article is revived."""
        service.editor(authorization)
        return await service.put(request, article_id, articles.preconditions(if_match, if_none_match))

    @api.post("/articles", openapi_extra=_BODY, status_code=201, tags=["articles"])
    async def post_article(request: Request, authorization: Authorization = None) -> Response:
        """Create an article under a new id."""
        service.editor(authorization)
        minted = "".join(secrets.choice(_ALPHABET) for _ in range(12))
        return await service.put(request, minted, articles.Preconditions(create_only=True))

    @api.get("/articles/{article_id}", tags=["articles"])
    async def get_article(article_id: ArticleId, authorization: Authorization = None) -> Response:
        """An article. Without a token: a scheduled one is not found, of a withdrawn one only the state is told."""
        article, editor = await service.store.get(article_id), service.is_editor(authorization)
        if article is None or (article.state == "scheduled" and not editor):
            raise Problem(404, "there is no such article")
        return service.answer(article, full=editor)

    @api.get("/articles", tags=["articles"])
    async def list_articles(wanted: Annotated[Listing, Query()], authorization: Authorization = None) -> Response:
        """Articles, newest first; `next` is the `after` of the following page. Without a token: the public ones."""
        after = None
        if wanted.after:
            moment, _, last = wanted.after.rpartition("-")
            after = Page(from_millis(int(moment)), last)
        editor = service.is_editor(authorization)
        found = await service.store.listing(wanted.section, not editor, wanted.limit, after)
        following = None
        if len(found) == wanted.limit:
            following = f"{to_millis(found[-1].content.published_at)}-{found[-1].id}"
        items = [articles.view(article, service.base_url, editor) for article in found]
        return Response(orjson.dumps({"items": items, "next": following}), media_type="application/json")

    @api.delete("/articles/{article_id}", status_code=204, tags=["articles"])
    async def delete_article(
        article_id: ArticleId, authorization: Authorization = None, if_match: IfMatch = None
    ) -> Response:
        """Withdraw an article: its page answers 410. Again is a no-op."""
        service.editor(authorization)
        wanted, now = articles.preconditions(if_match, None), service.clock()
        await service.change(article_id, lambda current: articles.withdraw(current, wanted, now, service.base_url))
        return Response(status_code=204)

    @api.put("/media/{name}", openapi_extra=_PICTURE, status_code=201, tags=["media"])
    async def put_media(request: Request, name: str, authorization: Authorization = None) -> Response:
        """Keep a picture; answers its address, which is made from its content. The type is sniffed."""
        service.editor(authorization)
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,100}", name):
            fault = {"path": "name", "message": "must be 1-100 of A-Z, a-z, 0-9, dot, underscore and hyphen"}
            raise Problem(422, "the request is not valid", [fault])
        data = await read_body(request.scope, request.receive, service.max_media_bytes)
        picture = identify(data)
        await service.store.put_media(picture.name, picture.type, name, data)
        path = f"/media/{picture.name}"
        told = {"url": service.base_url + path, "path": path, "type": picture.type, "bytes": len(data)}
        return Response(orjson.dumps(told), 201, media_type="application/json")

    @api.post("/reads/batch", openapi_extra=_READS, tags=["reads"], description=_COUNTED_ONCE)
    async def post_reads(
        request: Request,
        authorization: Annotated[str | None, Header(description="Bearer token with the scope `reads`")] = None,
        idempotency_key: Annotated[str | None, Header(description="repeat it with a repeated request")] = None,
    ) -> Response:
        token = require(service.tokens, authorization, "reads")
        try:
            batch_id = read_batches.keyed_id(token.name, read_batches.checked_key(idempotency_key))
            body = await read_body(request.scope, request.receive, read_batches.MAX_BODY)
            wanted = validated(read_batches.ReadBatchInput, body).articles
            accepted = await service.count(batch_id, wanted)
        except Problem:
            service.answered("invalid", 1)
            raise
        told = {"accepted": len(accepted), "unknown": sorted(set(wanted) - set(accepted))}
        return Response(orjson.dumps(told), media_type="application/json")

    return api
