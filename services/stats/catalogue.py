"""The catalogue: title, state and baseline of each article, from article events. Pure.

A document: {_id: article, v, revision, state: "published" | "withdrawn", title, url, section,
baseline, published_at, content_revision}.

A withdrawal carries no title and no baseline, so the content of an earlier event stays.
`content_revision` is that event's revision. An event with content may arrive after the withdrawal
that follows it; its content is then still taken.
"""

from dataclasses import dataclass
from typing import Any

from luotdoc_events.events import Article, ArticleWithdrawn

NO_CONTENT: dict[str, Any] = {
    "title": "",
    "section": "",
    "baseline": 0,
    "published_at": None,
    "content_revision": 0,
}
"""Content of an article of which only the withdrawal is known."""


@dataclass(frozen=True, slots=True)
class Change:
    """The change by one event: `state` as of `revision`, and `content` if the event has any."""

    article: str
    revision: int
    state: dict[str, Any]
    content: dict[str, Any] | None


def change(event: Article | ArticleWithdrawn) -> Change:
    """The change of the catalogue by `event`."""
    if isinstance(event, Article):
        content: dict[str, Any] | None = {
            "title": event.title,
            "section": event.section,
            "baseline": event.reads_baseline,
            "published_at": event.published_at,
            "content_revision": event.revision,
        }
        state = "published"
    else:
        content, state = None, "withdrawn"
    return Change(
        article=event.id,
        revision=event.revision,
        state={"state": state, "url": event.url},
        content=content,
    )
