"""The routes that read articles: one, and lists. Thin handlers."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from services.ingest.articles import cursors
from services.ingest.articles.answers import ArticleAnswer, ArticleList, WithdrawnArticle, view
from services.ingest.articles.article import State, StoredArticle
from services.ingest.articles.documents import Place
from services.ingest.articles.editing import response
from services.ingest.articles.parameters import HEADERS, ArticleIdInPath, Listing
from services.ingest.service import ANONYMOUS_TOO, Articles, RequestService, SeesAll
from services.ingest.tokens import CHALLENGE_FIELDS
from shared.base.errors import Problem
from shared.web.openapi import answered, problems

ARTICLE_MISSING = {
    404: "There is no such article, or it is not public and the request has no token that may "
    "see it."
}

routes = APIRouter(tags=["articles"])


@routes.get(
    "/articles/{article_id}",
    openapi_extra=ANONYMOUS_TOO,
    responses=answered(200, "The article.", model=ArticleAnswer | WithdrawnArticle, headers=HEADERS)
    | problems(422, 429, also=ARTICLE_MISSING),
)
async def get_article(
    service: RequestService, sees_all: SeesAll, article_id: ArticleIdInPath
) -> Response:
    """One article. Without a token a scheduled one is 404,
    and a withdrawn one shows its state alone.
    """
    article = await service.store.get(article_id)
    if article is None or (article.state == "scheduled" and not sees_all):
        raise Problem(404, "there is no such article")
    return response(view(article, service.base_url, sees_all), article)


@routes.get(
    "/articles",
    openapi_extra=ANONYMOUS_TOO,
    response_description="The page, and the cursor of the next one.",
    responses=problems(401, 422, 429),
)
async def list_articles(
    service: RequestService, sees_all: SeesAll, wanted: Annotated[Listing, Query()]
) -> ArticleList:
    """A page of articles, newest first. Without a token only public articles are listed."""
    if not sees_all and wanted.state not in (None, "published"):
        raise Problem(
            401, f"a token is needed to list {wanted.state} articles", headers=CHALLENGE_FIELDS
        )
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
    service: Articles, wanted: Listing, state: State | None, after: cursors.Cursor | None
) -> tuple[list[StoredArticle], str]:
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
