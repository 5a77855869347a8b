"""The HTTP API's answers about articles, pictures and batches of reads, as models. Pure."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

from luotdoc_events import events
from luotdoc_subscriber.base.clock import rfc3339
from services.ingest.articles.article import State, StoredArticle, url_of
from services.ingest.articles.changes import MAX_CORRECTIONS
from services.ingest.articles.media import Type

Time = Annotated[
    datetime,
    PlainSerializer(rfc3339, return_type=str),
    Field(json_schema_extra={"format": "date-time"}),
]
"""RFC 3339 UTC with milliseconds."""


class Summary(BaseModel):
    """The state of an article."""

    id: str
    revision: int = Field(ge=1, description="rises by one with each change; also the `ETag`")
    state: State = Field(
        description="`scheduled` until `published_at`; a withdrawn article's page answers 410"
    )
    slug: str
    section: str
    url: str = Field(
        description="absolute address of the article's page", json_schema_extra={"format": "uri"}
    )
    created_at: Time
    modified_at: Time


class WithdrawnArticle(Summary):
    """A withdrawn article as shown without a token: its state without its content."""

    state: Literal["withdrawn"]


def _as_answered(schema: dict[str, Any]) -> None:
    """An answer has every field, so it has no defaults.
    The event's descriptions are for subscribers; an answer has descriptions of its own.
    """
    for name, field in events.ArticleContent.model_fields.items():
        described = schema["properties"][name]
        described.pop("default", None)
        if described.get("description") == field.description:
            described.pop("description", None)


class CorrectionAnswer(events.Correction):
    """A major change of an article that readers could already see."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)
    at: Time


class ArticleAnswer(events.ArticleContent, Summary):
    """An article in full."""

    model_config = ConfigDict(
        json_schema_serialization_defaults_required=True, json_schema_extra=_as_answered
    )
    body_html: str = Field(
        description="the cleaned HTML as stored; addresses on the site itself start at its root"
    )
    published_at: Time
    reads_baseline: int = Field(
        ge=0, description="read count from an earlier system, apart from counted reads"
    )
    corrections: list[CorrectionAnswer] = Field(
        description="major changes since the article was first public, oldest first, the last "
        f"{MAX_CORRECTIONS}"
    )


class Notice(BaseModel):
    """A warning about one field: its content was changed or left out, or should be better."""

    path: str = Field(description="the field; nested fields are joined by dots")
    message: str = Field(description="what was changed, or what to do")


class WrittenArticle(ArticleAnswer):
    """An article as just written, with warnings for the editor."""

    warnings: list[Notice] = Field(
        description="notices for the editor; with `strict=true` they are errors"
    )


class ArticleList(BaseModel):
    """A page of articles, newest first; oldest change first with `modified_since`."""

    items: list[ArticleAnswer | WithdrawnArticle]
    next: str | None = Field(description="cursor: `after` of the next page; null on the last one")


class PictureAnswer(BaseModel):
    """The address, type and size of a stored picture."""

    url: str = Field(
        description="absolute address of the picture", json_schema_extra={"format": "uri"}
    )
    path: str = Field(
        description="the address without scheme and host, for `image.url` and `<img src>`"
    )
    type: Type = Field(description="media type, found by decoding")
    bytes: int = Field(ge=1, description="size of the picture as stored")
    width: int = Field(ge=1, description="pixels, of the upright picture")
    height: int = Field(ge=1, description="pixels, of the upright picture")


class BatchAnswer(BaseModel):
    """The outcome of a batch of reads."""

    accepted: int = Field(ge=0, description="number of reads that count")
    unknown: list[str] = Field(
        description="ids of articles that were not public when the key was first used"
    )


def view(article: StoredArticle, base_url: str, full: bool) -> ArticleAnswer | WithdrawnArticle:
    """An article as the API answers it. Without `full` a withdrawn one shows only its state."""
    if not full and article.state != "published":
        return WithdrawnArticle(**_summary(article, base_url))
    return ArticleAnswer(**_whole(article, base_url))


def answer_of_write(
    article: StoredArticle, base_url: str, warnings: list[Notice]
) -> WrittenArticle:
    """An article as the API answers the request that wrote it."""
    return WrittenArticle(**_whole(article, base_url), warnings=warnings)


def _summary(article: StoredArticle, base_url: str) -> dict[str, Any]:
    return {
        "id": article.id,
        "revision": article.revision,
        "state": article.state,
        "slug": article.content.slug,
        "section": article.content.section,
        "url": url_of(article.id, article.content, base_url),
        "created_at": article.created_at,
        "modified_at": article.modified_at,
    }


def _whole(article: StoredArticle, base_url: str) -> dict[str, Any]:
    return {
        **_summary(article, base_url),
        **article.content.model_dump(exclude={"slug", "section"}),
        "corrections": [CorrectionAnswer(**each.model_dump()) for each in article.corrections],
    }
