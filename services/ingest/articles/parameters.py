"""The parameters and headers of the articles API, with their descriptions. Pure."""

from typing import Annotated

from fastapi import Header, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from luotdoc_events.events import ARTICLE_ID
from services.ingest.articles import cursors
from services.ingest.articles.article import State
from services.ingest.articles.content import GivenMoment
from services.ingest.articles.preconditions import IF_MATCH
from shared.web.openapi import text_header

ArticleIdInPath = Annotated[
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
        json_schema_extra={"pattern": IF_MATCH},
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

ReplacedBy = Annotated[
    str | None,
    Query(
        pattern=ARTICLE_ID,
        description="id of the article to read instead: the withdrawn page links to it; absent "
        "leaves what was said before",
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

HEADERS = {
    "ETag": text_header('the article\'s revision, such as `"3"`', pattern=r'^"[1-9][0-9]*"$'),
    "Location": text_header("the article's path in this API"),
}
"""Headers of an answer with an article."""


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
    state: State | None = Field(
        None, description="only articles in this state; without a token only `published` is allowed"
    )
    modified_since: GivenMoment | None = Field(
        None,
        description="RFC 3339 time: articles changed at this time or later, the oldest change "
        "first. Then `next` is never null: poll with it and miss no change; changes "
        "of the last minute may come twice",
    )
