"""The articles API, for CMSs: thin handlers over `article` and `store`."""

import secrets
import string
from typing import Annotated

import anyio.to_thread
from fastapi import APIRouter, Header, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.ingest import article as articles
from services.ingest.answers import ArticleAnswer, ArticleList, WithdrawnArticle, view
from services.ingest.content import MAX_BODY_BYTES, ArticleInput
from services.ingest.service import ANONYMOUS_TOO, Articles, Editor, SeesAll, Service
from services.ingest.settings import IngestSettings
from services.ingest.store import Page
from shared.clock import from_millis, to_millis
from shared.errors import Problem
from shared.events import ARTICLE_ID
from shared.http import json_body, validated
from shared.openapi import answered, body, problems, text_header

ArticleId = Annotated[
    str, Path(pattern=ARTICLE_ID, description="1-32 of a-z and 0-9, chosen by the client", examples=["hello1"])
]
IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        description='the revision that you change, such as `"3"`, or `*` for any; else 412',
        json_schema_extra={"pattern": articles.IF_MATCH},
    ),
]
IfNoneMatch = Annotated[
    str | None,
    Header(alias="If-None-Match", description="`*` to create only; else 412", json_schema_extra={"enum": ["*"]}),
]

_ALPHABET = string.ascii_lowercase + string.digits
_HEADERS = {
    "ETag": text_header('the revision, such as `"3"`', pattern=r'^"[1-9][0-9]*"$'),
    "Location": text_header("the article's path in this API"),
}
_MAX_JSON = IngestSettings.model_fields["max_article_bytes"].default
_SAID = (
    f"The JSON may have {_MAX_JSON:,} bytes (`LUOTDOC_MAX_ARTICLE_BYTES`), its `body_html` {MAX_BODY_BYTES:,} bytes. "
    "Unknown fields are refused."
)
_EXAMPLES = {
    "least": {"title": "Xin chào", "section": "thoi-su", "body_html": "<p>Bài đầu tiên.</p>"},
    "scheduled": {
        "title": "Lễ hội cầu ngư",
        "section": "van-hoa",
        "lead": "Sáng mai, làng chài mở hội.",
        "body_html": "<p>Nội dung</p>",
        "tags": ["lễ hội"],
        "byline": "Minh Anh",
        "image": {"url": "/media/0123456789abcdef0123456789abcdef.webp", "alt": "Thuyền rồng"},
        "published_at": "2030-02-01T07:00:00+07:00",
    },
}
_BODY = body(ArticleInput, examples=_EXAMPLES, description=_SAID)
_TOO_LARGE = {413: f"The body has more than {_MAX_JSON:,} bytes; the connection is closed."}
_NO_ARTICLE = {404: "There is no such article, or it is not public and the token does not show it."}
_WRITTEN = answered(201, "The article was created.", model=ArticleAnswer, headers=_HEADERS)
_KEPT = answered(200, "It was changed, or held this content already.", model=ArticleAnswer, headers=_HEADERS)

routes = APIRouter(tags=["articles"])


class Listing(BaseModel):
    """The parameters of `GET /articles`."""

    model_config = ConfigDict(extra="forbid")
    section: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,100}$")] | None = Field(
        None, description="articles of this section only"
    )
    limit: Annotated[int, Field(ge=1, le=100)] = Field(20, description="how many, 1 to 100")
    after: Annotated[str, Field(pattern=r"^-?[0-9]{1,13}-[a-z0-9]{1,32}$")] | None = Field(
        None, description="`next` of the page before"
    )


def _answered(service: Articles, article: articles.Article, status: int = 200, full: bool = True) -> Response:
    """The article as JSON with its `ETag` and `Location`."""
    return Response(
        view(article, service.base_url, full).model_dump_json(),
        status,
        {"etag": article.etag, "location": f"/articles/{article.id}", "cache-control": "no-store"},
        media_type="application/json",
    )


async def _put(service: Articles, request: Request, article_id: str, wanted: articles.Preconditions) -> Response:
    """Create or replace an article from the request's body."""
    given = validated(ArticleInput, await json_body(request, service.max_article_bytes))
    # Sanitising a megabyte takes long enough to hold up every beacon; nh3 works without the interpreter's lock.
    body_html = await anyio.to_thread.run_sync(articles.clean, given, limiter=service.sanitising)
    now, created = service.clock(), False

    def decide(current: articles.Article | None) -> articles.Change:
        nonlocal created
        created = current is None
        content = articles.fill(given, body_html, current, now)
        return articles.put(article_id, content, current, wanted, now, service.base_url)

    change = await service.change(article_id, decide)
    return _answered(service, change.article, 201 if created else 200)


@routes.put(
    "/articles/{article_id}",
    status_code=201,
    openapi_extra=_BODY,
    responses=_WRITTEN | _KEPT | problems(401, 403, 412, 415, 422, 429, also=_TOO_LARGE),
)
async def put_article(
    request: Request,
    service: Service,
    _editor: Editor,
    article_id: ArticleId,
    if_match: IfMatch = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Create or replace an article. The same content again is a no-op; a withdrawn article is revived."""
    return await _put(service, request, article_id, articles.preconditions(if_match, if_none_match))


@routes.post(
    "/articles",
    status_code=201,
    openapi_extra=_BODY,
    responses=_WRITTEN | problems(401, 403, 415, 422, 429, also=_TOO_LARGE),
)
async def post_article(request: Request, service: Service, _editor: Editor) -> Response:
    """Create an article under a new id. Repeated, it creates another one: PUT under an id of your own is safer."""
    minted = "".join(secrets.choice(_ALPHABET) for _ in range(12))
    return await _put(service, request, minted, articles.Preconditions(create_only=True))


@routes.get(
    "/articles/{article_id}",
    openapi_extra=ANONYMOUS_TOO,
    responses=answered(200, "The article.", model=ArticleAnswer | WithdrawnArticle, headers=_HEADERS)
    | problems(422, 429, also=_NO_ARTICLE),
)
async def get_article(service: Service, sees_all: SeesAll, article_id: ArticleId) -> Response:
    """An article. Without a token: a scheduled one is not found, of a withdrawn one only the state is told."""
    article = await service.store.get(article_id)
    if article is None or (article.state == "scheduled" and not sees_all):
        raise Problem(404, "there is no such article")
    return _answered(service, article, full=sees_all)


@routes.get("/articles", openapi_extra=ANONYMOUS_TOO, responses=problems(422, 429))
async def list_articles(service: Service, sees_all: SeesAll, wanted: Annotated[Listing, Query()]) -> ArticleList:
    """Articles, newest first; `next` is the `after` of the following page. Without a token: the public ones."""
    after = None
    if wanted.after:
        moment, _, last = wanted.after.rpartition("-")
        after = Page(from_millis(int(moment)), last)
    found = await service.store.listing(wanted.section, not sees_all, wanted.limit, after)
    following = None
    if len(found) == wanted.limit:
        following = f"{to_millis(found[-1].content.published_at)}-{found[-1].id}"
    return ArticleList(items=[view(article, service.base_url, sees_all) for article in found], next=following)


@routes.delete(
    "/articles/{article_id}",
    status_code=204,
    responses=answered(204, "The article is withdrawn.")
    | problems(401, 403, 412, 422, 429, also={404: "There never was such an article."}),
)
async def delete_article(
    service: Service, _editor: Editor, article_id: ArticleId, if_match: IfMatch = None
) -> Response:
    """Withdraw an article: its page answers 410. Again is a no-op. It can still be read here, and be revived."""
    wanted, now = articles.preconditions(if_match, None), service.clock()
    await service.change(article_id, lambda current: articles.withdraw(current, wanted, now, service.base_url))
    return Response(status_code=204)
