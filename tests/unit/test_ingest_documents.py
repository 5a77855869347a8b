"""Articles and events as documents of MongoDB, and back."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from luotdoc_events.events import (
    ArticleWithdrawn,
    Attachment,
    Correction,
    Image,
    Translation,
    decode,
)
from services.ingest.articles.article import Content, State, StoredArticle
from services.ingest.articles.documents import (
    Outgoing,
    document_of,
    document_of_outgoing,
    matching,
    outgoing_in,
    outgoing_of,
    stored_article_of,
)
from shared.base.errors import NewerVersion

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ARTICLE = StoredArticle(
    id="ls0001",
    revision=3,
    state="withdrawn",
    content=Content(
        title="Cầu mới",
        slug="cau-moi",
        section="kinh-te",
        body_html="<p>x</p>",
        image=Image(url="/a"),
        topic="Cầu qua sông",
        pinned=True,
        translations=[Translation(language="en", article="ls0002")],
        attachments=[Attachment(url="/b.pdf", title="Bản vẽ", type="application/pdf", size=9)],
        audio="/c.mp3",
        published_at=NOON,
        reads_baseline=7,
    ),
    created_at=NOON,
    modified_at=NOON,
    was_public=True,
    quiet=True,
    request="d1",
    corrections=[Correction(at=NOON, note="Sai số.")],
)
DOCUMENT: dict[str, Any] = {
    "_id": "ls0001",
    "v": 1,
    "revision": 3,
    "state": "withdrawn",
    "created_at": NOON,
    "modified_at": NOON,
    "was_public": True,
    "quiet": True,
    "request": "d1",
    "replaced_by": "",
    "corrections": [{"at": NOON, "note": "Sai số."}],
    "title": "Cầu mới",
    "slug": "cau-moi",
    "section": "kinh-te",
    "lead": "",
    "body_html": "<p>x</p>",
    "byline": "",
    "tags": [],
    "image": {"url": "/a", "alt": "", "caption": "", "credit": ""},
    "language": "vi",
    "topic": "Cầu qua sông",
    "pinned": True,
    "translations": [{"language": "en", "article": "ls0002"}],
    "attachments": [{"url": "/b.pdf", "title": "Bản vẽ", "type": "application/pdf", "size": 9}],
    "audio": "/c.mp3",
    "published_at": NOON,
    "reads_baseline": 7,
}
NEW = ("topic", "pinned", "translations", "attachments", "audio", "corrections", "replaced_by")
"""Fields that documents of older releases lack."""


def test_an_article_is_one_flat_document() -> None:
    assert document_of(ARTICLE) == DOCUMENT
    assert stored_article_of(DOCUMENT) == ARTICLE


def test_a_document_of_an_older_release_is_read() -> None:
    older = {name: value for name, value in DOCUMENT.items() if name not in ("quiet", "request")}
    assert stored_article_of(older) == ARTICLE.model_copy(update={"quiet": False, "request": ""})
    for name in (*NEW, "reads_baseline"):
        del older[name]
    article = stored_article_of(older)
    content = article.content
    assert (content.reads_baseline, content.topic, content.pinned, content.audio) == (
        *(0, "", False, ""),
    )
    assert (content.translations, content.attachments, article.corrections) == ([], [], [])


def test_documents_of_a_newer_release_are_refused_with_their_names() -> None:
    with pytest.raises(NewerVersion, match="the document articles/ls0001 has version 2"):
        stored_article_of({**DOCUMENT, "v": 2})
    with pytest.raises(NewerVersion, match="the document outbox/ls0001-3-ab has version 2"):
        outgoing_in({"_id": "ls0001-3-ab", "v": 2})


@pytest.mark.parametrize(
    ("section", "state", "wanted"),
    [
        (None, None, {}),
        ("kinh-te", None, {"section": "kinh-te"}),
        (None, "scheduled", {"state": "scheduled"}),
        ("kinh-te", "published", {"section": "kinh-te", "state": "published"}),
    ],
)
def test_articles_are_matched_by_what_is_given(
    section: str | None, state: State | None, wanted: dict[str, str]
) -> None:
    assert matching(section, state) == wanted


TOMBSTONE = ArticleWithdrawn(
    id="ls0001", revision=3, url="https://tin.vn/x", reason="withdrawn", withdrawn_at=NOON
)


def test_an_event_leaves_in_an_envelope_that_names_its_article() -> None:
    entry = outgoing_of(
        ARTICLE,
        TOMBSTONE,
        correlation_id="req-1",
        traceparent="",
        now=NOON,
        schemas_url="https://tin.vn/schemas",
    )
    event, data = decode(entry.body)
    assert re.fullmatch(r"ls0001-3-[0-9a-f]{12}", event.id)
    assert data == TOMBSTONE
    assert (event.source, event.subject, event.sequence) == (
        "/luotdoc/ingest",
        "ls0001",
        "00000000000000000003",
    )
    assert (event.time, event.correlationid, event.dataschema) == (
        NOON,
        "req-1",
        "https://tin.vn/schemas/article.withdrawn.v1.json",
    )
    assert entry == Outgoing(
        id=event.id,
        article="ls0001",
        revision=3,
        name="article.withdrawn",
        type="luotdoc.article.withdrawn.v1",
        body=entry.body,
        correlation_id="req-1",
        time=NOON,
    )


def test_an_event_comes_out_of_the_outbox_as_it_went_in() -> None:
    trace = f"00-{'ab' * 16}-{'cd' * 8}-01"
    entry = Outgoing(
        "ls0001-3-ab", "ls0001", 3, "article.x", "luotdoc.article.x.v1", b"{}", "r", NOON, trace
    )
    document = {
        "_id": "ls0001-3-ab",
        "v": 1,
        "article": "ls0001",
        "revision": 3,
        "name": "article.x",
        "type": "luotdoc.article.x.v1",
        "body": b"{}",
        "correlation_id": "r",
        "created_at": NOON,
        "traceparent": trace,
    }
    assert document_of_outgoing(entry) == document
    assert outgoing_in(document) == entry

    del document["traceparent"]  # an older release has none
    assert outgoing_in(document) == replace(entry, traceparent="")
