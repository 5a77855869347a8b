"""An article as stored: its content, state and revision. Pure."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from luotdoc_events import events
from services.ingest.articles.content import ArticleInput, distinct, one_of_each
from services.ingest.articles.slug import slug_of
from shared.web.paths import article_path

State = Literal["scheduled", "published", "withdrawn"]


class Content(events.ArticleContent):
    """The parts of an article that an editor decides, cleaned, with every default filled in."""

    reads_baseline: int = 0


class StoredArticle(BaseModel):
    """An article as stored. Times are UTC."""

    model_config = ConfigDict(frozen=True)
    id: str
    revision: int
    state: State
    content: Content
    created_at: datetime
    modified_at: datetime
    was_public: bool
    """True if the article was ever public. Only then subscribers may have it."""
    quiet: bool = False
    """True if the editor called it minor.
    Stored for a scheduled article, whose event is made later."""
    replaced_by: str = ""
    """Of a withdrawn article: the id of the one to read instead; empty if none is named."""
    corrections: list[events.Correction] = []
    """Major changes since the article was first public, oldest first."""
    request: str = ""
    """Digest of the `POST` with an `Idempotency-Key` that created the article; empty for others."""

    @property
    def etag(self) -> str:
        """The revision as an entity tag."""
        return f'"{self.revision}"'


_NOT_AS_GIVEN = {
    *("slug", "tags", "body_html", "published_at", "image", "reads_baseline"),
    *("translations", "attachments"),
}


def fill(
    given: ArticleInput, body_html: str, current: StoredArticle | None, now: datetime
) -> Content:
    """The content with its defaults filled in.
    `body_html` is the cleaned body. Some absent fields keep stored values.
    """
    stored = current.content.published_at if current else now
    baseline = current.content.reads_baseline if current else 0
    return Content(
        **given.model_dump(exclude=_NOT_AS_GIVEN),
        reads_baseline=baseline if given.reads_baseline is None else given.reads_baseline,
        image=events.Image(**given.image.model_dump()) if given.image else None,
        slug=given.slug or slug_of(given.title),
        tags=distinct(given.tags),
        translations=[
            events.Translation(**each.model_dump())
            for each in one_of_each(given.translations, given.language)
        ],
        attachments=[events.Attachment(**each.model_dump()) for each in given.attachments],
        body_html=body_html,
        published_at=given.published_at or stored,
    )


def url_of(article_id: str, content: Content, base_url: str) -> str:
    """The canonical address of the article's page."""
    return base_url + article_path(content.section, content.slug, article_id)
