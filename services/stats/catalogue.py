"""The catalogue: what stats knows of each article, kept from article events. Pure.

A document: {_id: article, v, revision, state: "published" | "withdrawn", title, url, section, baseline, published_at,
content_revision}. A withdrawal has no title and no baseline: those stay as the newest event that had them left them,
and `content_revision` says which one that was, so that it may even arrive after the withdrawal.
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
"""Of an article of which only the withdrawal is known."""


@dataclass(frozen=True, slots=True)
class Change:
    """What an event says: `state` as of `revision`, and `content` where it has any."""

    article: str
    revision: int
    state: dict[str, Any]
    content: dict[str, Any] | None


def change(event: Article | ArticleWithdrawn) -> Change:
    """What `event` changes."""
    if isinstance(event, Article):
        content = {
            "title": event.title,
            "section": event.section,
            "baseline": event.reads_baseline,
            "published_at": event.published_at,
            "content_revision": event.revision,
        }
        return Change(event.id, event.revision, {"state": "published", "url": event.url}, content)
    return Change(event.id, event.revision, {"state": "withdrawn", "url": event.url}, None)
