"""The articles API, for CMSs: thin handlers over `article` and `store`."""

import secrets
from codecs import BOM_UTF8
from collections.abc import Callable
from hashlib import sha256
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from luotdoc_events.events import ARTICLE_ID
from services.ingest.articles import article as articles
from services.ingest.articles import cursors
from services.ingest.articles.answers import (
    ArticleAnswer,
    ArticleList,
    Notice,
    WithdrawnArticle,
    WrittenArticle,
    view,
)
from services.ingest.articles.body.clean import Body
from services.ingest.articles.body.limits import MAX_ATTRIBUTES, MAX_TAGS
from services.ingest.articles.content import (
    MAX_BODY_BYTES,
    ArticleInput,
    Moment,
    distinct,
    given_twice,
    slug_of,
)
from services.ingest.reads.read_batches import checked_key
from services.ingest.service import ANONYMOUS_TOO, Articles, Editor, SeesAll, Service
from services.ingest.settings import IngestSettings
from services.ingest.store import Place
from services.ingest.tokens import CHALLENGE
from shared.base.errors import INVALID, Problem
from shared.web.api import json_body, validated
from shared.web.openapi import answered, body, problems, text_header
from shared.web.paths import article_path
from shared.web.problems import MAX_FAULTS

ArticleId = Annotated[
    str,
    Path(
        pattern=ARTICLE_ID,
        description="the article's id: 1-32 of a-z and 0-9, chosen by you",
        examples=["hello1"],
    ),
]
IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        description=(
            'write only if the article is at this revision, such as `"3"`, or exists '
            "(`*`); otherwise 412"
        ),
        json_schema_extra={"pattern": articles.IF_MATCH},
    ),
]
IfNoneMatch = Annotated[
    str | None,
    Header(
        alias="If-None-Match",
        description="`*`: write only if the article does not exist; otherwise 412",
        json_schema_extra={"enum": ["*"]},
    ),
]

Strict = Annotated[bool, Query(description="answer 422 instead of 200 or 201 with `warnings`")]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="1-255 printable ASCII characters; a repeated request with the same key "
        "creates no second article and answers the first one",
    ),
]

_HEADERS = {
    "ETag": text_header('the article\'s revision, such as `"3"`', pattern=r'^"[1-9][0-9]*"$'),
    "Location": text_header("the article's path in this API"),
}
_MAX_JSON = IngestSettings.model_fields["max_article_bytes"].default
_SAID = (
    f"At most {_MAX_JSON:,} bytes of JSON (`LUOTDOC_MAX_ARTICLE_BYTES`). Its "
    f"`body_html` may have {MAX_BODY_BYTES:,} "
    f"bytes in UTF-8, {MAX_TAGS:,} tags and {MAX_ATTRIBUTES} attributes in a tag; "
    "elements without an end tag are "
    "bounded too. Unknown fields are refused."
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
_NO_ARTICLE = {
    404: "There is no such article, or it is not public and the request has no token that may "
    "see it."
}
_WRITTEN = answered(201, "The article was created.", model=WrittenArticle, headers=_HEADERS)
_KEPT = answered(
    200,
    "The article was changed, or had this content already.",
    model=WrittenArticle,
    headers=_HEADERS,
)
_AGAIN = answered(
    200,
    "An earlier request with this key created the article.",
    model=WrittenArticle,
    headers=_HEADERS,
)

routes = APIRouter(tags=["articles"])


class Listing(BaseModel):
    """The parameters of `GET /articles`."""

    model_config = ConfigDict(extra="forbid")
    section: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,100}$")] | None = Field(
        None, description="only articles of this section"
    )
    limit: Annotated[int, Field(ge=1, le=100)] = Field(
        20, description="number of articles, 1 to 100"
    )
    after: Annotated[str, Field(pattern=cursors.PATTERN)] | None = Field(
        None, description="cursor: `next` of the previous page"
    )
    state: articles.State | None = Field(
        None, description="only articles in this state; without a token only `published` is allowed"
    )
    modified_since: Moment | None = Field(
        None,
        description="RFC 3339 time: articles changed at this time or later, the oldest change "
        "first. Then `next` is never null: poll with it and miss no change; changes "
        "of the last minute may come twice",
    )


def _answered(service: Articles, article: articles.Article, full: bool = True) -> Response:
    """The article as JSON with its `ETag` and `Location`."""
    return _response(view(article, service.base_url, full), article)


def _response(answer: BaseModel, article: articles.Article, status: int = 200) -> Response:
    return Response(
        answer.model_dump_json(),
        status,
        {"etag": article.etag, "location": f"/articles/{article.id}", "cache-control": "no-store"},
        media_type="application/json",
    )


Decide = Callable[[articles.Article | None, articles.Content], articles.Change]


async def _given(request: Request, service: Articles) -> ArticleInput:
    """The article in a request. Raises `Problem` 413, 415 or 422."""
    body = (await json_body(request, service.max_article_bytes)).removeprefix(BOM_UTF8)
    given = validated(ArticleInput, body)
    if name := given_twice(body):
        raise Problem.invalid(name, "is given twice")
    return given


def _warnings(service: Articles, given: ArticleInput, body: Body) -> list[Notice]:
    found = [Notice(path=warned.path, message=warned.message) for warned in body.warnings]
    if given.image is not None and not given.image.alt:
        found.append(
            Notice(path="image.alt", message="is missing: people who can't see the picture need it")
        )
    if distinct(given.tags) != given.tags:
        found.append(Notice(path="tags", message="some stand twice; the first of each was kept"))
    if service.sections and given.section not in service.sections:
        found.append(
            Notice(path="section", message=f"{given.section} is none of the site's sections")
        )
    return found


async def _write(
    service: Articles, given: ArticleInput, article_id: str, strict: bool, decide: Decide
) -> Response:
    """Clean the body, commit what `decide` makes of
    the stored article and the content, and answer it.
    """
    page = service.base_url + article_path(
        given.section, given.slug or slug_of(given.title), article_id
    )
    body = await service.offload.body(given.body_html, page)
    warnings = _warnings(service, given, body)
    if strict and warnings:
        raise Problem(422, INVALID, [warned.model_dump() for warned in warnings[:MAX_FAULTS]])
    now, created = service.clock(), False

    def decided(current: articles.Article | None) -> articles.Change:
        nonlocal created
        created = current is None
        return decide(current, articles.fill(given, body.html, current, now))

    change = await service.change(article_id, decided)
    answer = view(change.article, service.base_url, full=True)
    return _response(
        WrittenArticle(**answer.model_dump(), warnings=warnings),
        change.article,
        201 if created else 200,
    )


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
    strict: Strict = False,
) -> Response:
    """Create or replace an article.
    The same content again changes nothing; a withdrawn one is revived.
    """
    wanted = articles.preconditions(if_match, if_none_match)
    given = await _given(request, service)

    def decide(current: articles.Article | None, content: articles.Content) -> articles.Change:
        return articles.put(
            article_id, content, current, wanted, service.clock(), service.base_url, given.change
        )

    return await _write(service, given, article_id, strict, decide)


@routes.post(
    "/articles",
    status_code=201,
    openapi_extra=_BODY,
    responses=_WRITTEN | _AGAIN | problems(401, 403, 412, 415, 422, 429, also=_TOO_LARGE),
)
async def post_article(
    request: Request,
    service: Service,
    editor: Editor,
    idempotency_key: IdempotencyKey = None,
    strict: Strict = False,
) -> Response:
    """Create an article under a new id. With an `Idempotency-Key` the request is idempotent."""
    given = await _given(request, service)
    digest = "" if idempotency_key is None else sha256(given.model_dump_json().encode()).hexdigest()
    if idempotency_key is None:
        article_id = "".join(secrets.choice(articles.ALPHABET) for _ in range(12))
    else:
        article_id = articles.minted_id(editor.name, checked_key(idempotency_key))

    def decide(current: articles.Article | None, content: articles.Content) -> articles.Change:
        if digest and (first := articles.repeated(current, digest)):
            return first
        wanted, now = articles.Preconditions(create_only=True), service.clock()
        return articles.put(
            article_id, content, current, wanted, now, service.base_url, given.change, digest
        )

    return await _write(service, given, article_id, strict, decide)


@routes.get(
    "/articles/{article_id}",
    openapi_extra=ANONYMOUS_TOO,
    responses=answered(
        200, "The article.", model=ArticleAnswer | WithdrawnArticle, headers=_HEADERS
    )
    | problems(422, 429, also=_NO_ARTICLE),
)
async def get_article(service: Service, sees_all: SeesAll, article_id: ArticleId) -> Response:
    """One article. Without a token a scheduled one is 404,
    and a withdrawn one shows its state alone.
    """
    article = await service.store.get(article_id)
    if article is None or (article.state == "scheduled" and not sees_all):
        raise Problem(404, "there is no such article")
    return _answered(service, article, full=sees_all)


@routes.get(
    "/articles",
    openapi_extra=ANONYMOUS_TOO,
    response_description="The page, and the cursor of the next one.",
    responses=problems(401, 422, 429),
)
async def list_articles(
    service: Service, sees_all: SeesAll, wanted: Annotated[Listing, Query()]
) -> ArticleList:
    """A page of articles, newest first. Without a token only public articles are listed."""
    if not sees_all and wanted.state not in (None, "published"):
        raise Problem(401, f"a token is needed to list {wanted.state} articles", headers=CHALLENGE)
    state = wanted.state if sees_all else "published"
    after = cursors.parsed(wanted.after) if wanted.after is not None else None
    following: str | None
    if wanted.modified_since is not None:
        found, following = await _changes(service, wanted, state, after)
    else:
        found = await service.store.listing(
            wanted.section, state, wanted.limit, after.place if after else None
        )
        last = found[-1] if len(found) == wanted.limit else None
        following = (
            None if last is None else str(cursors.Cursor(Place(last.content.published_at, last.id)))
        )
    return ArticleList(
        items=[view(article, service.base_url, sees_all) for article in found], next=following
    )


async def _changes(
    service: Articles, wanted: Listing, state: articles.State | None, after: cursors.Cursor | None
) -> tuple[list[articles.Article], str]:
    """A page of changed articles and the cursor for the next one,
    which exists even at the end of the list.
    """
    assert wanted.modified_since is not None  # noqa: S101  (for the type checker)
    begin = after or cursors.Cursor(Place(wanted.modified_since, ""))
    now = service.clock()
    found = await service.store.changes(wanted.section, state, wanted.limit, begin.place)
    return found, str(
        cursors.behind_changes(begin, found, wanted.limit, wanted.modified_since, now)
    )


@routes.delete(
    "/articles/{article_id}",
    status_code=204,
    responses=answered(204, "The article is withdrawn.")
    | problems(401, 403, 412, 422, 429, also={404: "No article has ever had this id."}),
)
async def delete_article(
    service: Service, _editor: Editor, article_id: ArticleId, if_match: IfMatch = None
) -> Response:
    """Withdraw an article: its page answers 410. Idempotent. A later `PUT` makes it public
    again.
    """
    wanted, now = articles.preconditions(if_match, None), service.clock()
    await service.change(
        article_id, lambda current: articles.withdraw(current, wanted, now, service.base_url)
    )
    return Response(status_code=204)
