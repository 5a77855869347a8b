"""The documents of articles and of the outbox, and what they hold. Pure."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from luotdoc_events import events
from luotdoc_events.traceparent import valid_traceparent
from services.ingest.articles.article import Content, State, StoredArticle
from shared.storage.versions import DOCUMENT_VERSION, Document, readable_document


@dataclass(frozen=True)
class Outgoing:
    """An event in the outbox. `body` is the encoded CloudEvent; `traceparent` is "" without a
    trace.
    """

    id: str
    article: str
    revision: int
    name: str
    type: str
    body: bytes
    correlation_id: str
    time: datetime
    traceparent: str = ""


@dataclass(frozen=True)
class Place:
    """A place in a list of articles: after the article with this time and id."""

    time: datetime
    id: str


_LATER = ("quiet", "request", "replaced_by", "corrections")
"""Fields that documents of older releases lack."""


def document_of(article: StoredArticle) -> Document:
    """The document of an article: every declared field, content and all, side by side."""
    return {
        "_id": article.id,
        "v": DOCUMENT_VERSION,
        **article.model_dump(exclude={"id", "content"}),
        **article.content.model_dump(),
    }


def stored_article_of(document: Document) -> StoredArticle:
    """The article in its document. Raises `NewerVersion`."""
    readable_document("articles", document)
    return StoredArticle(
        id=document["_id"],
        content=Content.model_validate(document),
        **{
            name: document[name]
            for name in ("revision", "state", "created_at", "modified_at", "was_public")
        },
        **{name: document[name] for name in _LATER if name in document},
    )


def matching(section: str | None, state: State | None) -> Document:
    """The filter of a query for articles; None matches any."""
    return {
        name: value for name, value in (("section", section), ("state", state)) if value is not None
    }


def behind(field: str, comparison: Literal["$lt", "$gt"], place: Place) -> list[Document]:
    """The alternatives of a query for what comes after `place` in a list that is sorted by the
    time `field`, then by id.
    """
    return [{field: {comparison: place.time}}, {field: place.time, "_id": {"$gt": place.id}}]


def outgoing_of(
    article: StoredArticle,
    event: events.Data,
    *,
    correlation_id: str,
    traceparent: str,
    now: datetime,
    schemas_url: str,
) -> Outgoing:
    """The event of a change of `article`, encoded, for the outbox."""
    wire = events.envelope(
        event,
        id=f"{article.id}-{article.revision}-{secrets.token_hex(6)}",
        source="/luotdoc/ingest",
        time=now,
        schemas=schemas_url,
        subject=article.id,
        revision=article.revision,
        correlation_id=correlation_id,
        traceparent=traceparent,
    )
    return Outgoing(
        id=wire.id,
        article=article.id,
        revision=article.revision,
        name=wire.name,
        type=wire.type,
        body=events.encode(wire),
        correlation_id=correlation_id,
        time=now,
        traceparent=traceparent,
    )


def document_of_outgoing(entry: Outgoing) -> Document:
    """The outbox document of an event."""
    return {
        "_id": entry.id,
        "v": DOCUMENT_VERSION,
        "article": entry.article,
        "revision": entry.revision,
        "name": entry.name,
        "type": entry.type,
        "body": entry.body,
        "correlation_id": entry.correlation_id,
        "created_at": entry.time,
        **({"traceparent": entry.traceparent} if entry.traceparent else {}),
    }


def outgoing_in(document: Document) -> Outgoing:
    """The event in its outbox document. Raises `NewerVersion`."""
    held = readable_document("outbox", document)
    return Outgoing(
        id=held["_id"],
        article=held["article"],
        revision=held["revision"],
        name=held["name"],
        type=held["type"],
        body=bytes(held["body"]),
        correlation_id=held["correlation_id"],
        time=held["created_at"],
        traceparent=valid_traceparent(held.get("traceparent")),
    )
