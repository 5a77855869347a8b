"""Every declared field of an article goes all the way: from the editor into the stored document,
the event, the API's answer and the page. A new field needs no line here if it is a text.
"""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from luotdoc_events.events import Article as FullArticle
from luotdoc_events.events import ArticleContent, ArticlePublished, ArticleUpdated, Correction
from services.ingest.articles.answers import view
from services.ingest.articles.article import Content, StoredArticle, fill
from services.ingest.articles.changes import Decision, put
from services.ingest.articles.content import ArticleInput
from services.ingest.articles.documents import document_of, stored_article_of
from services.ingest.articles.preconditions import Preconditions
from services.render.rendering.renderer import Renderer
from services.render.settings import RenderSettings

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SITE = "https://tin.example.vn"
TEXTS = {name for name, field in ArticleContent.model_fields.items() if field.annotation is str}
SAMPLES: dict[str, Any] = {
    **{name: f"mau-{name.replace('_', '-')}" for name in TEXTS},
    "body_html": "<p>mau-body-html</p>",
    "language": "en-mau",
    "tags": ["mau-tags"],
    "image": {
        "url": "/media/mau-url.webp",
        "alt": "mau-alt",
        "caption": "mau-caption",
        "credit": "mau-credit",
    },
    "published_at": datetime(2026, 11, 20, 1, 2, tzinfo=UTC),
    "reads_baseline": 4711,
    "pinned": True,
    "translations": [{"language": "fr", "article": "mau1"}],
    "attachments": [
        {"url": "/media/mau.pdf", "title": "mau-title", "type": "application/pdf", "size": 4713}
    ],
    "audio": "/media/mau.mp3",
}
OTHERS: dict[str, Any] = {
    **{name: f"{SAMPLES[name]}-2" for name in TEXTS},
    "body_html": "<p>khac</p>",
    "language": "fr",
    "tags": ["khac"],
    "image": None,
    "published_at": datetime(2026, 11, 21, tzinfo=UTC),
    "reads_baseline": 4712,
    "pinned": False,
    "translations": [],
    "attachments": [],
    "audio": "/media/khac.mp3",
}
SHOWN_AS = {"body_html": "mau-body-html", "published_at": "20/11/2026 08:02"}
"""The page's form of a field, if it is not the sample's text."""
NOT_ON_THE_PAGE = {
    "revision": "only subscribers need it",
    "change": "only subscribers need it",
    "reads_baseline": "it is in the read count, which is added when the page is served",
    "pinned": "lists show it",
    "translations": "a part that is added when the page is served links to those that are public",
}
FIELDS = sorted(Content.model_fields)


def stored(given: dict[str, Any], current: StoredArticle | None = None) -> Decision:
    sent = ArticleInput.model_validate_json(json.dumps(given, default=datetime.isoformat))
    content = fill(sent, given["body_html"], current, datetime(2026, 11, 23, tzinfo=UTC))
    return put("ls0001", content, current, Preconditions(), NOON, SITE)


def plain(value: Any) -> Any:
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value.model_dump() if hasattr(value, "model_dump") else value


def event(change: Decision) -> FullArticle:
    assert isinstance(change.event, FullArticle)
    return change.event


def test_each_field_is_one_that_editors_send_and_has_a_sample() -> None:
    assert (
        ArticleInput.model_fields.keys() - {"change", "correction"} == Content.model_fields.keys()
    )
    assert SAMPLES.keys() == OTHERS.keys() == Content.model_fields.keys(), "add a sample here"


def test_the_event_has_each_field_and_nothing_else_of_the_content() -> None:
    about = {"id", "revision", "change", "url", "modified_at", "corrections"}
    assert FullArticle.model_fields.keys() - about == Content.model_fields.keys()


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_is_stored_sent_and_answered(name: str) -> None:
    change = stored(SAMPLES)
    document = document_of(change.article)
    assert document[name] == SAMPLES[name]
    assert stored_article_of(document) == change.article
    sent, answer = event(change), view(change.article, SITE, full=True)
    assert plain(getattr(answer, name)) == SAMPLES[name]
    wanted = SAMPLES[name]
    if name == "image":
        wanted = {**wanted, "url": f"{SITE}{wanted['url']}"}
    if name == "attachments":
        wanted = [{**wanted[0], "url": f"{SITE}{wanted[0]['url']}"}]
    if name == "audio":
        wanted = f"{SITE}{wanted}"
    assert plain(getattr(sent, name)) == wanted


@pytest.mark.parametrize("name", FIELDS)
def test_another_value_alone_is_a_change_and_the_same_is_none(name: str) -> None:
    first = stored(SAMPLES)
    same = stored(SAMPLES, first.article)
    assert (same.changed, same.event) == (False, None)
    other = stored({**SAMPLES, name: OTHERS[name]}, first.article)
    assert other.changed
    assert isinstance(other.event, ArticleUpdated)


@pytest.mark.parametrize("name", sorted(FullArticle.model_fields.keys() - NOT_ON_THE_PAGE.keys()))
def test_a_field_is_on_the_page(name: str) -> None:
    article = ArticlePublished(
        id="ls0001",
        revision=2,
        url=f"{SITE}/x-ls0001.html",
        modified_at=datetime(2026, 11, 23, 3, 4, tzinfo=UTC),
        corrections=[Correction(at=NOON, note="mau-note")],
        **SAMPLES,
    )
    page = "".join(
        Renderer(
            RenderSettings(
                amqp_url="amqp://127.0.0.1/", mongo_url="mongodb://127.0.0.1/l", base_url=SITE
            )
        ).article(article)
    )
    shown: list[str] = {
        "id": ["ls0001"],
        "url": [f"{SITE}/mau-section/mau-slug-ls0001.html"],
        "modified_at": ["23/11/2026 10:04"],
        "tags": ["mau-tags"],
        "attachments": ["/media/mau.pdf", "mau-title"],
        "corrections": ["mau-note"],
        "image": ["/media/mau-url.webp", "mau-alt", "mau-caption", "mau-credit"],
    }.get(name) or [SHOWN_AS.get(name, str(SAMPLES.get(name)))]
    assert [text for text in shown if text not in page] == [], "the template does not show it"
