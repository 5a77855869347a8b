"""The events of an article: which one a change makes, and the article's state as an event. Pure."""

from typing import Any

from luotdoc_events import events
from services.ingest.articles.article import Content, StoredArticle, url_of
from services.ingest.articles.body.links import absolute, site_root
from services.ingest.articles.content import Weight

_QUIET = frozenset(
    {
        *("slug", "section", "byline", "tags", "language", "published_at", "reads_baseline"),
        *("topic", "pinned", "translations", "audio"),
    }
)
"""Fields whose change alone is minor; a change of any other field is major."""


def event_of(
    before: StoredArticle | None, after: StoredArticle, base_url: str, said: Weight | None
) -> events.Data | None:
    """The event of the change from `before` to `after`, or None if subscribers see no difference.
    `said` is the editor's `change`; None derives it from the changed fields.
    """
    was, now_public = bool(before and before.state == "published"), after.state == "published"
    if now_public and was and before:
        return full_event(
            events.ArticleUpdated, after, said or weigh(before.content, after.content), base_url
        )
    if now_public:
        return full_event(events.ArticlePublished, after, said or "major", base_url)
    if after.was_public and before and _gone(before) != _gone(after):
        return _tombstone(after, base_url)
    return None


def as_event(article: StoredArticle, base_url: str, schemas_url: str) -> events.Envelope:
    """The current state of an article that was ever public, as an event:
    published (`republish`) or tombstone.

    The event's id depends only on the article's id and revision.
    """
    published = article.state == "published"
    return events.envelope(
        full_event(events.ArticlePublished, article, "republish", base_url)
        if published
        else _tombstone(article, base_url),
        id=f"{article.id}-{article.revision}-state",
        source="/luotdoc/ingest",
        time=article.modified_at,
        subject=article.id,
        revision=article.revision,
        schemas=schemas_url,
    )


def full_event(
    kind: type[events.Article], article: StoredArticle, change: Any, base_url: str
) -> events.Article:
    """The event with absolute addresses, because subscribers use them outside of the site."""
    content, image = article.content, article.content.image

    def whole(url: str) -> str:
        return f"{site_root(base_url)}{url}" if url.startswith("/") else url

    return kind(
        id=article.id,
        revision=article.revision,
        change=change,
        url=url_of(article.id, article.content, base_url),
        modified_at=article.modified_at,
        **content.model_dump(exclude={"image", "body_html", "attachments", "audio"}),
        body_html=absolute(content.body_html, base_url),
        image=image and image.model_copy(update={"url": whole(image.url)}),
        attachments=[
            each.model_copy(update={"url": whole(each.url)}) for each in content.attachments
        ],
        audio=whole(content.audio),
        corrections=article.corrections,
    )


def _tombstone(article: StoredArticle, base_url: str) -> events.ArticleWithdrawn:
    return events.ArticleWithdrawn(
        id=article.id,
        revision=article.revision,
        url=url_of(article.id, article.content, base_url),
        reason="withdrawn" if article.state == "withdrawn" else "rescheduled",
        withdrawn_at=article.modified_at,
        replaced_by=article.replaced_by,
    )


def _gone(article: StoredArticle) -> tuple[str, str]:
    return article.state, article.replaced_by


def weigh(before: Content, after: Content) -> Weight:
    """How much a change of content matters to readers."""
    telling = Content.model_fields.keys() - _QUIET
    changed = any(getattr(before, name) != getattr(after, name) for name in telling)
    return "major" if changed else "minor"
