"""The events that other teams build on: CloudEvents 1.0 in structured JSON. Imports pydantic only.

An event's routing key is its name (`article.published`). Its CloudEvents type adds our prefix and a
version (`luotdoc.article.published.v1`). Within a version only optional fields may be added.
`make contract` makes the schemas, the AsyncAPI document and the page in docs/events from this file.
"""

from typing import Annotated, ClassVar, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, FailFast, Field

from luotdoc_events.envelope import ARTICLE_ID as ARTICLE_ID
from luotdoc_events.envelope import CONTENT_TYPE as CONTENT_TYPE
from luotdoc_events.envelope import REPLAY_HEADER as REPLAY_HEADER
from luotdoc_events.envelope import SEQUENCE_DIGITS as SEQUENCE_DIGITS
from luotdoc_events.envelope import ArticleId as ArticleId
from luotdoc_events.envelope import Data as Data
from luotdoc_events.envelope import Envelope as Envelope
from luotdoc_events.envelope import Int64 as Int64
from luotdoc_events.envelope import Moment as Moment
from luotdoc_events.envelope import Revision as Revision
from luotdoc_events.envelope import Url as Url
from luotdoc_events.envelope import encode as encode
from luotdoc_events.envelope import envelope as envelope
from luotdoc_events.envelope import schema_of as schema_of
from luotdoc_events.envelope import storable
from luotdoc_events.envelope import type_of as type_of
from luotdoc_events.parts import Attachment as Attachment
from luotdoc_events.parts import Correction as Correction
from luotdoc_events.parts import Count as Count
from luotdoc_events.parts import Image as Image
from luotdoc_events.parts import Translation as Translation


class ArticleRevision(Data):
    """The article and the revision that an event is about."""

    id: ArticleId
    revision: Revision
    change: Literal["major", "minor", "republish"] = Field(
        "major",
        title="ArticleChange",
        description="major: worth telling readers; minor: not worth it, such as a corrected typo; "
        "republish: the same content sent again under a new revision",
    )
    url: Url


class ArticleContent(BaseModel):
    """The parts of an article that an editor decides.
    Each is declared here once: the stored article and the HTTP API's answers inherit it.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)
    slug: str = Field(description="the part of the page's address that is made from the title")
    section: str = Field(description="slug of the article's section")
    title: str = Field(description="the headline as plain text")
    lead: str = Field("", description="introductory paragraph as plain text")
    body_html: str = Field(description="the article's text as sanitised HTML")
    byline: str = Field("", description="authors, as plain text")
    tags: Annotated[list[str], FailFast()] = Field(
        [], description="tags as the editor wrote them; absent means none"
    )
    image: Image | None = Field(
        None, title="LeadingImage", description="the leading picture; null while there is none"
    )
    language: str = Field("vi", description="language of the article, a BCP 47 tag")
    topic: str = Field(
        "", description="name of the series that the article belongs to; empty: none"
    )
    pinned: bool = Field(False, description="true: the editor keeps it at the top of lists")
    translations: Annotated[list[Translation], FailFast()] = Field(
        [], description="the same article in other languages; absent means none"
    )
    attachments: Annotated[list[Attachment], FailFast()] = Field(
        [], description="files for readers; absent means none"
    )
    audio: str = Field("", description="address of a recording of the article; empty: none")
    published_at: Moment = Field(description="time of publication that the page shows")


# The last base's fields come first: revision, content, then its own.
class Article(ArticleContent, ArticleRevision):
    """The full state of an article at one revision."""

    modified_at: Moment = Field(description="time at which this revision was written")
    corrections: Annotated[list[Correction], FailFast()] = Field(
        [], description="major changes since the article was first public, oldest first"
    )
    reads_baseline: Annotated[
        int,
        Field(
            ge=0,
            description=(
                "read count from an earlier system, not included in the totals of reads.counted"
            ),
        ),
        AfterValidator(storable),
    ] = 0


class ArticlePublished(Article):
    """An article became public: newly, again after a withdrawal, or at its scheduled time."""

    name: ClassVar[str] = "article.published"


class ArticleUpdated(Article):
    """A public article changed. `change` says how much."""

    name: ClassVar[str] = "article.updated"


class ArticleWithdrawn(Data):
    """The article is no longer public. Keep its revision as a tombstone against late older
    events.
    """

    name: ClassVar[str] = "article.withdrawn"
    id: ArticleId
    revision: Revision
    url: Url
    reason: Literal["withdrawn", "rescheduled"] = Field(
        "withdrawn",
        title="WithdrawalReason",
        description="withdrawn: an editor took the article down; "
        "rescheduled: an editor moved its time of publication into the future",
    )
    withdrawn_at: Moment = Field(description="time of the withdrawal")
    replaced_by: str = Field(
        "",
        pattern=r"^[a-z0-9]{0,32}$",
        description="id of the article to read instead; empty: none is named",
    )


class PageRendered(Data):
    """A new version of an article's page is being served. Caches may purge `url` now."""

    name: ClassVar[str] = "page.rendered"
    article: ArticleId
    revision: Revision
    url: Url
    etag: str = Field(description="entity tag of the page; it changes with content and templates")
    template: str = Field(description="version of the templates that made the page")
    rendered_at: Moment = Field(description="time at which the page was made")


class PageRemoved(Data):
    """An article's page is no longer served. Caches may purge `url` now."""

    name: ClassVar[str] = "page.removed"
    article: ArticleId
    revision: Revision
    url: Url
    removed_at: Moment = Field(description="time at which the page was removed")


class ReadsCounted(Data):
    """Reads were counted: one event for each flush of the counter. Totals don't include
    baselines.
    """

    name: ClassVar[str] = "reads.counted"
    of_article: ClassVar[bool] = False
    items: Annotated[list[Count], FailFast()] = Field(
        description="the articles that this flush counted"
    )
    complete_through: Moment | None = Field(
        None,
        description=(
            "every read accepted before this moment is in the totals; null while it is not known"
        ),
    )


class Heartbeat(Data):
    """Each producer sends one at a fixed interval for each event type that it can publish.

    Silence means a fault: the producer is down or can't publish, or you are cut off.
    Each process of a producer sends its own.
    """

    name: ClassVar[str] = "heartbeat"
    of_article: ClassVar[bool] = False
    producer: str = Field(description="the service that publishes events of this type")
    instance: str = Field(
        description="the process that sent this heartbeat; a new name at each start"
    )
    event: str = Field(description="the name of the event type", examples=["article.published"])
    interval: float = Field(
        gt=0, description="seconds to the next heartbeat; three intervals of silence mean a fault"
    )
    last_id: str | None = Field(
        None,
        description="id of the last event of this type that RabbitMQ confirmed to this process; "
        "a queue bound to both has received it before this heartbeat; null while "
        "there was none",
    )
    last_time: Moment | None = Field(
        None, description="`time` of that last event; null while there was none"
    )


KINDS: tuple[type[Data], ...] = (
    ArticlePublished,
    ArticleUpdated,
    ArticleWithdrawn,
    PageRendered,
    PageRemoved,
    ReadsCounted,
    Heartbeat,
)
"""Every event type in every version that may still arrive, older versions of a name first."""

EVENTS: dict[str, type[Data]] = {kind.name: kind for kind in KINDS}
"""The newest version of each event by name: the versions that we publish."""


TYPES: dict[str, type[Data]] = {type_of(kind): kind for kind in KINDS}
"""Every version by CloudEvents type: the versions that we can read."""

D = TypeVar("D", bound=Data)


def data_of(event: Envelope) -> Data:
    """The parsed `data`. Raises pydantic's `ValidationError`, or `KeyError` for an unknown type."""
    return TYPES[event.type].model_validate(event.data)


def decode(body: bytes) -> tuple[Envelope, Data]:
    """Parse an event. Raises pydantic's `ValidationError`, or `KeyError` for an unknown type."""
    event = Envelope.model_validate_json(body)
    return event, data_of(event)
