"""The routes of editors' systems: put, create and withdraw an article. Thin handlers."""

from hashlib import sha256

from fastapi import APIRouter, Request, Response

from services.ingest.articles import changes
from services.ingest.articles.answers import WrittenArticle
from services.ingest.articles.article import Content, StoredArticle
from services.ingest.articles.article_ids import minted_id, random_id
from services.ingest.articles.editing import (
    ARTICLE_BODY,
    TOO_LARGE,
    given_in,
    put_answer,
    write_article,
)
from services.ingest.articles.parameters import (
    HEADERS,
    ArticleIdInPath,
    IdempotencyKey,
    IfMatch,
    IfNoneMatch,
    ReplacedBy,
    Strict,
)
from services.ingest.articles.preconditions import Preconditions, preconditions
from services.ingest.reads.read_batches import checked_key
from services.ingest.service import Editor, RequestService
from shared.web.openapi import answered, problems

_WRITTEN = answered(201, "The article was created.", model=WrittenArticle, headers=HEADERS)
_KEPT = answered(
    200,
    "The article was changed, or had this content already.",
    model=WrittenArticle,
    headers=HEADERS,
)
_AGAIN = answered(
    200,
    "An earlier request with this key created the article.",
    model=WrittenArticle,
    headers=HEADERS,
)

routes = APIRouter(tags=["articles"])


@routes.put(
    "/articles/{article_id}",
    status_code=201,
    openapi_extra=ARTICLE_BODY,
    responses=_WRITTEN | _KEPT | problems(401, 403, 412, 415, 422, 429, also=TOO_LARGE),
)
async def put_article(
    request: Request,
    service: RequestService,
    _editor: Editor,
    article_id: ArticleIdInPath,
    if_match: IfMatch = None,
    if_none_match: IfNoneMatch = None,
    strict: Strict = False,
) -> Response:
    """Create or replace an article.
    The same content again changes nothing; a withdrawn one is revived.
    """
    wanted = preconditions(if_match, if_none_match)
    return await put_answer(service, request, article_id, wanted, strict)


@routes.post(
    "/articles",
    status_code=201,
    openapi_extra=ARTICLE_BODY,
    responses=_WRITTEN | _AGAIN | problems(401, 403, 412, 415, 422, 429, also=TOO_LARGE),
)
async def post_article(
    request: Request,
    service: RequestService,
    editor: Editor,
    idempotency_key: IdempotencyKey = None,
    strict: Strict = False,
) -> Response:
    """Create an article under a new id. With an `Idempotency-Key` the request is idempotent."""
    given = await given_in(request, service)
    digest = "" if idempotency_key is None else sha256(given.model_dump_json().encode()).hexdigest()
    if idempotency_key is None:
        article_id = random_id()
    else:
        article_id = minted_id(editor.name, checked_key(idempotency_key))

    def decide(current: StoredArticle | None, content: Content) -> changes.Decision:
        if digest and (first := changes.repeated(current, digest)):
            return first
        wanted, now = Preconditions(create_only=True), service.clock()
        return changes.put(
            article_id, content, current, wanted, now, service.base_url, given.weight, "", digest
        )

    return await write_article(service, given, article_id, strict, decide)


@routes.delete(
    "/articles/{article_id}",
    status_code=204,
    responses=answered(204, "The article is withdrawn.")
    | problems(401, 403, 412, 422, 429, also={404: "No article has ever had this id."}),
)
async def delete_article(
    service: RequestService,
    _editor: Editor,
    article_id: ArticleIdInPath,
    if_match: IfMatch = None,
    replaced_by: ReplacedBy = None,
) -> Response:
    """Withdraw an article: its page answers 410. Idempotent. A later `PUT` makes it public
    again.
    """
    wanted, now = preconditions(if_match, None), service.clock()
    await service.change(
        article_id,
        lambda current: changes.withdraw(current, wanted, now, service.base_url, replaced_by),
    )
    return Response(status_code=204)
