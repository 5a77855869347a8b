"""What every event consists of: the CloudEvents envelope, and the types of its values."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from luotdoc_events.traceparent import valid_traceparent

CONTENT_TYPE = "application/cloudevents+json"
SEQUENCE_DIGITS = 20
REPLAY_HEADER = "x-luotdoc-replay"
"""AMQP header of a replayed event: the replay's name. Send no e-mail for such an event."""
ARTICLE_ID = r"^[a-z0-9]{1,32}$"


def storable(value: int) -> int:
    """`value` if it fits into 64 bits. Raises ValueError."""
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


def _traceparent(offered: object) -> str | None:
    return valid_traceparent(offered) or None


def _sequence(value: str) -> str:
    storable(int(value))
    return value


# Bounds that MongoDB and Python's calendar need. They are checked on reading and are not in the
# schemas, because no producer sends such values.
Int64 = Annotated[int, AfterValidator(storable)]
Moment = Annotated[AwareDatetime, AfterValidator(_moment)]
ArticleId = Annotated[
    str, Field(pattern=ARTICLE_ID, description="the article's id", examples=["ls0001"])
]
Revision = Annotated[
    int,
    Field(ge=1, description="the article's revision; each change adds one"),
    AfterValidator(storable),
]
Url = Annotated[str, Field(description="absolute canonical address of the article's page")]


class Data(BaseModel):
    """Base class of an event's `data`. Unknown fields are ignored: later additions break no
    reader.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)
    name: ClassVar[str]
    version: ClassVar[int] = 1
    of_article: ClassVar[bool] = True
    """True: an event about one article, always with `subject` and `sequence`.
    False: never with them."""


class Envelope(BaseModel):
    """CloudEvents 1.0 attributes, with the extensions `sequence`, `correlationid` and
    `traceparent`.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)
    specversion: Literal["1.0"] = Field("1.0", description="version of CloudEvents")
    id: str = Field(
        min_length=1, description="the event's id; a repetition of the event has the same id"
    )
    source: str = Field(
        min_length=1, description="the service that published the event, such as /luotdoc/ingest"
    )
    type: str = Field(
        description="`luotdoc.`, the event's name and its version, such as "
        "luotdoc.article.published.v1"
    )
    subject: str | None = Field(
        None, description="the article's id; always in article.* and page.*, else never"
    )
    time: Moment = Field(description="when the event happened")
    datacontenttype: Literal["application/json"] = Field(
        "application/json", description="media type of `data`"
    )
    dataschema: str | None = Field(
        None, description="absolute address of the JSON Schema of `data`"
    )
    sequence: Annotated[str, Field(pattern=r"^[0-9]{20}$"), AfterValidator(_sequence)] | None = (
        Field(
            None,
            description="the article's revision with leading zeros: it compares as text; "
            "present where `subject` is",
        )
    )
    correlationid: str | None = Field(
        None,
        description="id of the request that led to the event; all services' log lines carry it",
    )
    # A malformed one is dropped: it must not keep an event from being handled.
    traceparent: Annotated[str | None, BeforeValidator(_traceparent)] = Field(
        None,
        description="W3C trace context of the step that led to the event (the distributed tracing "
        "extension of CloudEvents); absent unless the portal traces the request",
    )
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
    """The file name of the JSON Schema of `data`; ingest serves it under `/schemas/`."""
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
    traceparent: str | None = None,
) -> Envelope:
    """Wrap `data` for the wire. `source` is the service, such as `/luotdoc/ingest`.

    `schemas` is the absolute address of ingest's `/schemas`:
    CloudEvents and its SDKs take no relative `dataschema`.
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
        traceparent=traceparent or None,
        data=data.model_dump(mode="json"),
    )


def encode(event: Envelope) -> bytes:
    """The event as structured-mode JSON. Absent attributes are left out, as CloudEvents
    requires.
    """
    return event.model_dump_json(exclude_none=True).encode()
