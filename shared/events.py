"""The events that other teams build on: CloudEvents 1.0 in structured JSON. Imports pydantic only.

The routing key of an event is its name (`article.published`), its CloudEvents type adds our prefix and a version
(`luotdoc.article.published.v1`). Within a version only optional fields may be added.
"""

import re
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

CONTENT_TYPE = "application/cloudevents+json"
SEQUENCE_DIGITS = 20
REPLAY_HEADER = "x-luotdoc-replay"
"""AMQP header of a repeated event: the replay's name. Who sends e-mail or counts must not do so again for it."""
ARTICLE_ID = r"^[a-z0-9]{1,32}$"
ArticleId = Annotated[str, Field(pattern=ARTICLE_ID, examples=["ls0001"])]


class Data(BaseModel):
    """What an event says. Unknown fields are ignored: a later minor addition must not break a reader."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    name: ClassVar[str]
    version: ClassVar[int] = 1


class Image(BaseModel):
    """A picture: absolute or root-relative address, alternative text, caption, credit."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    url: str
    alt: str = ""
    caption: str = ""
    credit: str = ""


class Article(Data):
    """The full state of an article at a revision."""

    id: ArticleId
    revision: int = Field(ge=1, description="rises with every change of state, by an editor or by the clock")
    change: Literal["major", "minor", "republish"] = "major"
    url: str = Field(description="absolute canonical address of the page")
    slug: str
    section: str
    title: str
    lead: str = ""
    body_html: str = Field(description="sanitised HTML")
    byline: str = ""
    tags: list[str] = []
    image: Image | None = None
    language: str = "vi"
    published_at: AwareDatetime
    modified_at: AwareDatetime
    reads_baseline: int = Field(0, ge=0, description="legacy count, kept apart from counted reads")


class ArticlePublished(Article):
    """An article became public: for the first time, again after a withdrawal, or because its time came."""

    name: ClassVar[str] = "article.published"


class ArticleUpdated(Article):
    """A public article changed; `change` says how much."""

    name: ClassVar[str] = "article.updated"


class ArticleWithdrawn(Data):
    """A tombstone: the article is no longer public. Older events that arrive later must not revive it."""

    name: ClassVar[str] = "article.withdrawn"
    id: ArticleId
    revision: int = Field(ge=1)
    url: str
    reason: Literal["withdrawn", "rescheduled"] = Field(
        "withdrawn", description="rescheduled: an editor moved the publishing time into the future"
    )
    withdrawn_at: AwareDatetime


class PageRendered(Data):
    """A page is served with this state; a cache may purge `url` now."""

    name: ClassVar[str] = "page.rendered"
    article: ArticleId
    revision: int = Field(ge=1)
    url: str
    etag: str
    template: str = Field(description="version of the templates")
    rendered_at: AwareDatetime


class PageRemoved(Data):
    """A page is no longer served; a cache may purge `url` now."""

    name: ClassVar[str] = "page.removed"
    article: ArticleId
    revision: int = Field(ge=1)
    url: str
    removed_at: AwareDatetime


class Count(BaseModel):
    """One article in `reads.counted`. Keep the larger `total`; `delta` is informational."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    article: ArticleId
    delta: int
    total: int


class ReadsCounted(Data):
    """A flush of the counter was committed. Totals are without baselines."""

    name: ClassVar[str] = "reads.counted"
    items: list[Count]
    complete_through: AwareDatetime | None = Field(
        None, description="every read accepted before this moment is counted; absent when it is not known"
    )


EVENTS: dict[str, type[Data]] = {
    kind.name: kind
    for kind in (ArticlePublished, ArticleUpdated, ArticleWithdrawn, PageRendered, PageRemoved, ReadsCounted)
}


class Envelope(BaseModel):
    """CloudEvents 1.0 attributes, with the extensions `sequence` and `correlationid`."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    specversion: Literal["1.0"] = "1.0"
    id: Annotated[str, Field(min_length=1)]
    source: Annotated[str, Field(min_length=1)]
    type: str
    subject: str | None = None
    time: AwareDatetime
    datacontenttype: Literal["application/json"] = "application/json"
    dataschema: str | None = None
    sequence: Annotated[str, Field(pattern=r"^[0-9]{20}$")] | None = None
    correlationid: str | None = None
    data: dict[str, Any]

    @property
    def name(self) -> str:
        """The event's name and routing key, e.g. `article.published`."""
        return _TYPE.sub(r"\1", self.type)


_TYPE = re.compile(r"^luotdoc\.(.+)\.v[0-9]+$")


def type_of(kind: type[Data]) -> str:
    """The CloudEvents type, e.g. `luotdoc.article.published.v1`."""
    return f"luotdoc.{kind.name}.v{kind.version}"


def schema_of(kind: type[Data]) -> str:
    """The address of the JSON Schema, relative to ingest."""
    return f"/schemas/{kind.name}.v{kind.version}.json"


def envelope(
    data: Data,
    *,
    id: str,
    source: str,
    time: AwareDatetime,
    subject: str | None = None,
    revision: int | None = None,
    correlation_id: str | None = None,
) -> Envelope:
    """Wrap `data` for the wire. `source` is the service, such as `/luotdoc/ingest`."""
    return Envelope(
        id=id,
        source=source,
        type=type_of(type(data)),
        subject=subject,
        time=time,
        dataschema=schema_of(type(data)),
        sequence=None if revision is None else f"{revision:0{SEQUENCE_DIGITS}d}",
        correlationid=correlation_id or None,
        data=data.model_dump(mode="json"),
    )


def encode(event: Envelope) -> bytes:
    """Structured-mode JSON; absent attributes are left out, as CloudEvents wants."""
    return event.model_dump_json(exclude_none=True).encode()


D = TypeVar("D", bound=Data)


def decode(body: bytes) -> tuple[Envelope, Data]:
    """Read an event. Raises pydantic's `ValidationError`, or `KeyError` for a type or version that we don't know."""
    event = Envelope.model_validate_json(body)
    kind = EVENTS.get(event.name)
    if kind is None or event.type != type_of(kind):
        raise KeyError(event.type)
    return event, kind.model_validate(event.data)
