"""What the HTTP API answers about articles, pictures and batches of reads. Pure."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, PlainSerializer

from luotdoc_events import events
from services.ingest.articles.article import Article, State, url_of
from services.ingest.articles.media import Type
from shared.base.clock import rfc3339

Time = Annotated[datetime, PlainSerializer(rfc3339, return_type=str), Field(json_schema_extra={"format": "date-time"})]
"""RFC 3339 UTC with milliseconds."""


class _Summary(BaseModel):
    id: str
    revision: int = Field(ge=1, description="rises by one with each change; it is the `ETag` too")
    state: State = Field(description="`scheduled` until `published_at`; a withdrawn article's page answers 410")
    slug: str
    section: str
    url: str = Field(description="the article's page", json_schema_extra={"format": "uri"})
    created_at: Time
    modified_at: Time


class WithdrawnArticle(_Summary):
    """A withdrawn article, as it is shown without a token: that it is gone, and nothing more."""

    state: Literal["withdrawn"]


class ArticleAnswer(_Summary):
    """An article in full."""

    title: str
    lead: str
    body_html: str = Field(description="as it is kept: cleaned; addresses on the site itself from its root")
    byline: str
    tags: list[str]
    image: events.Image | None
    language: str
    published_at: Time
    reads_baseline: int = Field(ge=0, description="legacy count, kept apart from counted reads")


class Notice(BaseModel):
    """Something that was changed, left out or is amiss."""

    path: str = Field(description="the field")
    message: str = Field(description="what became of it, or what to do")


class WrittenArticle(ArticleAnswer):
    """An article as it was just written."""

    warnings: list[Notice] = Field(description="what the editor should know; with `strict=true` these are errors")


class ArticleList(BaseModel):
    """A page of the listing, newest first."""

    items: list[ArticleAnswer | WithdrawnArticle]
    next: str | None = Field(description="`after` of the following page; null on the last one")


class PictureAnswer(BaseModel):
    """Where a picture is."""

    url: str = Field(description="absolute", json_schema_extra={"format": "uri"})
    path: str = Field(description="the same without the host, for `image.url` and `<img src>`")
    type: Type = Field(description="as found in the content")
    bytes: int = Field(ge=1, description="of the picture as it is kept")
    width: int = Field(ge=1, description="pixels, upright")
    height: int = Field(ge=1, description="pixels, upright")


class BatchAnswer(BaseModel):
    """What became of a batch of reads."""

    accepted: int = Field(ge=0, description="reads that count")
    unknown: list[str] = Field(description="articles that were not public when the key was first used, each once")


def view(article: Article, base_url: str, full: bool) -> ArticleAnswer | WithdrawnArticle:
    """An article as the API answers it. Without `full`, a withdrawn one shows that it is gone and nothing more."""
    shown: dict[str, Any] = {
        "id": article.id,
        "revision": article.revision,
        "state": article.state,
        "slug": article.content.slug,
        "section": article.content.section,
        "url": url_of(article.id, article.content, base_url),
        "created_at": article.created_at,
        "modified_at": article.modified_at,
    }
    if not full and article.state != "published":
        return WithdrawnArticle(**shown)
    return ArticleAnswer(**shown, **article.content.model_dump(exclude={"slug", "section"}))
