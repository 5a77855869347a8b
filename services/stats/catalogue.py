"""The catalogue: title, state and baseline of each article, from article events. Pure.

A document: {_id: article, v, revision, state: "published" | "withdrawn", title, url, section,
baseline, published_at, content_revision, counted_in}.

A withdrawal carries no title and no baseline, so the content of an earlier event stays.
`content_revision` is that event's revision. An event with content may arrive after the withdrawal
that follows it; its content is then still taken.

`counted_in` is there from the moment at which an article's section changes until its reads of
closed days have been moved to the new section (`services/stats/traffic/sections`): the section in
which all its reads are counted meanwhile.
"""

from dataclasses import dataclass
from typing import Any

from luotdoc_events.events import Article, ArticleWithdrawn
from shared.storage.versions import DOCUMENT_VERSION, Document

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


def update_of(change: Change) -> list[Document]:
    """The update of the article's document by `change`, as a pipeline, which may create it."""
    fixed = {"v": DOCUMENT_VERSION, "revision": change.revision, **change.state}
    if change.content:
        return [*update_of_content(change.content), {"$set": _literals(fixed)}]
    kept = {name: {"$ifNull": [f"${name}", {"$literal": new}]} for name, new in NO_CONTENT.items()}
    return [{"$set": {**_literals(fixed), **kept}}]


def update_of_content(content: dict[str, Any]) -> list[Document]:
    """The update of an article's content, as a pipeline."""
    old, counted_in = {"$ifNull": ["$section", ""]}, "$counted_in"
    moved = {
        "$cond": [
            {"$eq": [old, {"$literal": content["section"]}]},
            {"$ifNull": [counted_in, "$$REMOVE"]},
            {"$ifNull": [counted_in, old]},
        ]
    }
    return [{"$set": {"counted_in": moved}}, {"$set": _literals(content)}]


def _literals(fields: dict[str, Any]) -> Document:
    # A title may begin with a dollar sign, which would be a field's path.
    return {name: {"$literal": value} for name, value in fields.items()}
