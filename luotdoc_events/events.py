"""The events that other teams build on: CloudEvents 1.0 in structured JSON. Imports pydantic only.

The routing key of an event is its name (`article.published`), its CloudEvents type adds our prefix and a version
(`luotdoc.article.published.v1`). Within a version only optional fields may be added. The schemas, the AsyncAPI document
and the page in docs/events are made from this file: `make contract`.
"""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, FailFast, Field

CONTENT_TYPE = "application/cloudevents+json"
SEQUENCE_DIGITS = 20
REPLAY_HEADER = "x-luotdoc-replay"
"""AMQP header of a repeated event: the replay's name. Who sends e-mail or counts must not do so again for it."""
ARTICLE_ID = r"^[a-z0-9]{1,32}$"


def _storable(value: int) -> int:
    if not -(1 << 63) <= value < 1 << 63:
        raise ValueError("must fit into 64 bits")
    return value


def _moment(value: datetime) -> datetime:
    try:
        year = value.astimezone(UTC).year
    except OverflowError:
        year = 0
    if not 1900 <= year <= 2900:
        raise ValueError("must lie between the years 1900 and 2900 (UTC)")
    return value


def _sequence(value: str) -> str:
    _storable(int(value))
    return value


# What no database or calendar can hold is refused when it is read. The schemas don't say so: no producer sends it.
Int64 = Annotated[int, AfterValidator(_storable)]
Moment = Annotated[AwareDatetime, AfterValidator(_moment)]
ArticleId = Annotated[str, Field(pattern=ARTICLE_ID, description="the article's id", examples=["ls0001"])]
Revision = Annotated[
    int, Field(ge=1, description="of the article; rises with every change of state"), AfterValidator(_storable)
]
Url = Annotated[str, Field(description="absolute canonical address of the page")]


class Data(BaseModel):
    """What an event says. Unknown fields are ignored: a later minor addition must not break a reader."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    name: ClassVar[str]
    version: ClassVar[int] = 1
    of_article: ClassVar[bool] = True
    """Whether the event is about one article: `subject` and `sequence` are always there, else never."""


class Image(BaseModel):
    """A picture."""

    model_config = ConfigDict(extra="ignore", frozen=True, title="ArticleImage")  # TypeScript has an `Image`
    url: str = Field(description="absolute, or from the root of the site")
    alt: str = Field("", description="text for those who don't see it")
    caption: str = Field("", description="plain text under it")
    credit: str = Field("", description="who made it")


class Article(Data):
    """The full state of an article at a revision."""

    id: ArticleId
    revision: Revision
    change: Literal["major", "minor", "republish"] = Field(
        "major",
        title="ArticleChange",
        description="minor: not worth telling readers; republish: nothing changed, it is sent again",
    )
    url: Url
    slug: str = Field(description="the title's part of the address")
    section: str = Field(description="slug of the section")
    title: str = Field(description="plain text")
    lead: str = Field("", description="the paragraph that introduces the article")
    body_html: str = Field(description="sanitised HTML")
    byline: str = Field("", description="who wrote it")
    tags: Annotated[list[str], FailFast()] = Field([], description="as the editor wrote them; absent means none")
    image: Image | None = Field(None, title="LeadingImage", description="the leading picture")
    language: str = Field("vi", description="BCP 47")
    published_at: Moment = Field(description="as the page shows it")
    modified_at: Moment = Field(description="of this revision")
    reads_baseline: Annotated[
        int, Field(ge=0, description="legacy count, kept apart from counted reads"), AfterValidator(_storable)
    ] = 0


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
    revision: Revision
    url: Url
    reason: Literal["withdrawn", "rescheduled"] = Field(
        "withdrawn",
        title="WithdrawalReason",
        description="rescheduled: an editor moved the publishing time into the future",
    )
    withdrawn_at: Moment


class PageRendered(Data):
    """A page is served with this state; a cache may purge `url` now."""

    name: ClassVar[str] = "page.rendered"
    article: ArticleId
    revision: Revision
    url: Url
    etag: str = Field(description="names the page's state")
    template: str = Field(description="version of the templates")
    rendered_at: Moment


class PageRemoved(Data):
    """A page is no longer served; a cache may purge `url` now."""

    name: ClassVar[str] = "page.removed"
    article: ArticleId
    revision: Revision
    url: Url
    removed_at: Moment


class Count(BaseModel):
    """One article in `reads.counted`."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    article: ArticleId
    delta: Int64 = Field(description="reads that this flush added; informational")
    total: Int64 = Field(description="all counted reads, read after the commit; keep the larger")


class ReadsCounted(Data):
    """A flush of the counter was committed. Totals are without baselines."""

    name: ClassVar[str] = "reads.counted"
    of_article: ClassVar[bool] = False
    items: Annotated[list[Count], FailFast()] = Field(description="the articles that this flush counted")
    complete_through: Moment | None = Field(
        None, description="every read accepted before this moment is counted; null while it is not known"
    )


class Heartbeat(Data):
    """A producer's sign, per type of event and at a fixed interval, that its way to you is whole.

    It is published only while nothing of that type waits behind a fault. Each process of a producer sends its own.
    """

    name: ClassVar[str] = "heartbeat"
    of_article: ClassVar[bool] = False
    producer: str = Field(description="the service that publishes the type")
    instance: str = Field(description="one process of it, named anew at each start")
    event: str = Field(description="the name of the type that it vouches for", examples=["article.published"])
    interval: float = Field(gt=0, description="seconds until the next one; after three without any, ask why")
    last_id: str | None = Field(
        None,
        description="id of the last such event that this process had confirmed: who was bound to it has received it "
        "before this heartbeat, in the same queue; null while there was none",
    )
    last_time: Moment | None = Field(None, description="the time of that event; null while there was none")


KINDS: tuple[type[Data], ...] = (
    ArticlePublished,
    ArticleUpdated,
    ArticleWithdrawn,
    PageRendered,
    PageRemoved,
    ReadsCounted,
    Heartbeat,
)
"""Every event in every version that may still come, older versions of a name first."""

EVENTS: dict[str, type[Data]] = {kind.name: kind for kind in KINDS}
"""By name, the newest version: what we publish."""


class Envelope(BaseModel):
    """CloudEvents 1.0 attributes, with the extensions `sequence` and `correlationid`."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    specversion: Literal["1.0"] = Field("1.0", description="of CloudEvents")
    id: str = Field(min_length=1, description="the same again is the same event again")
    source: str = Field(min_length=1, description="the service, such as /luotdoc/ingest")
    type: str = Field(description="our prefix, the event's name, its version")
    subject: str | None = Field(None, description="the article's id; always in article.* and page.*, else never")
    time: Moment = Field(description="when it happened")
    datacontenttype: Literal["application/json"] = Field("application/json", description="of `data`")
    dataschema: str | None = Field(None, description="absolute address of the JSON Schema of `data`")
    sequence: Annotated[str, Field(pattern=r"^[0-9]{20}$"), AfterValidator(_sequence)] | None = Field(
        None,
        description="the article's revision, zero-padded: it compares as text; there where `subject` is",
    )
    correlationid: str | None = Field(None, description="of the request that led to the event; stands in our logs too")
    data: dict[str, Any]

    @property
    def name(self) -> str:
        """The event's name and routing key, e.g. `article.published`."""
        return _TYPE.sub(r"\1", self.type)


_TYPE = re.compile(r"^luotdoc\.(.+)\.v[0-9]+$")


def type_of(kind: type[Data]) -> str:
    """The CloudEvents type, e.g. `luotdoc.article.published.v1`."""
    return f"luotdoc.{kind.name}.v{kind.version}"


TYPES: dict[str, type[Data]] = {type_of(kind): kind for kind in KINDS}
"""By CloudEvents type: what we read."""


def schema_of(kind: type[Data]) -> str:
    """The file name of the JSON Schema of `data`, under ingest's `/schemas/`."""
    return f"{kind.name}.v{kind.version}.json"


def envelope(
    data: Data,
    *,
    id: str,
    source: str,
    time: AwareDatetime,
    schemas: str,
    subject: str | None = None,
    revision: int | None = None,
    correlation_id: str | None = None,
) -> Envelope:
    """Wrap `data` for the wire. `source` is the service, such as `/luotdoc/ingest`.

    `schemas` is the absolute address of ingest's `/schemas`: CloudEvents and its SDKs take no relative `dataschema`.
    """
    return Envelope(
        id=id,
        source=source,
        type=type_of(type(data)),
        subject=subject,
        time=time,
        dataschema=f"{schemas}/{schema_of(type(data))}",
        sequence=None if revision is None else f"{revision:0{SEQUENCE_DIGITS}d}",
        correlationid=correlation_id or None,
        data=data.model_dump(mode="json"),
    )


def encode(event: Envelope) -> bytes:
    """Structured-mode JSON; absent attributes are left out, as CloudEvents wants."""
    return event.model_dump_json(exclude_none=True).encode()


D = TypeVar("D", bound=Data)


def data_of(event: Envelope) -> Data:
    """Raises pydantic's `ValidationError`, or `KeyError` for a type or version that we don't know."""
    return TYPES[event.type].model_validate(event.data)


def decode(body: bytes) -> tuple[Envelope, Data]:
    """Read an event. Raises as `data_of` does."""
    event = Envelope.model_validate_json(body)
    return event, data_of(event)
