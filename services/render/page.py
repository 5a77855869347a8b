"""A page as it is stored, and which pages a list shows. Pure."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, NamedTuple

from luotdoc_events import events
from services.render.cursors import PagePlace
from services.render.serving.prepared import PreparedPage, prepared_page


@dataclass(frozen=True)
class Page:
    """A page, or its tombstone if `state` is not `published`."""

    id: str
    revision: int
    state: Literal["published", "withdrawn", "rescheduled"]
    template: str
    replaced_by: str = ""
    """Of a withdrawn page: the id of the article to read instead."""
    baseline: int = 0
    path: str = ""
    section: str = ""
    language: str = ""
    """The site's language in whose lists it is; of a tombstone, was; empty if that is not known."""
    tags: list[str] = field(default_factory=list)
    topic: str = ""
    """`tags` and `topic` are keys (`services.render.keys`)."""
    pinned: bool = False
    translated_as: list[str] = field(default_factory=list)
    """Ids of the articles that it names as its translations."""
    published_at: datetime | None = None
    modified_at: datetime | None = None
    parts: list[str] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    """The fields that lists show: title, lead, image and others."""
    article: dict[str, Any] = field(default_factory=dict)
    """The event's data, for rendering again with other templates."""
    pictures: dict[str, Any] | None = None
    """What is known of the article's pictures, by name. None: an earlier release stored the page,
    or it was read without them.
    """
    prepared: PreparedPage | None = field(default=None, compare=False)
    """The parts ready to be served. Of a page in memory alone, which then has no `parts`."""


def in_memory(page: Page) -> Page:
    """The page as it is kept in memory: its parts are prepared, and its article is left out."""
    if page.prepared is not None:
        return page
    return replace(page, parts=[], article={}, pictures=None, prepared=prepared_page(page.parts))


class PageChange(NamedTuple):
    """A change of a stored page."""

    id: str
    revision: int | None
    """The new one; None if it is the same."""
    template: str | None
    """The new one; None if it is the same."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which public pages a list shows; None takes no part in the choice."""

    ids: tuple[str, ...] | None = None
    sections: tuple[str, ...] | None = None
    language: str | None = None
    tags: tuple[str, ...] | None = None
    """Keys: pages with one of them."""
    topic: str | None = None
    pinned: bool | None = None
    since: datetime | None = None
    until: datetime | None = None
    """Published in [since, until)."""
    place: PagePlace | None = None
    newer: bool = False
    """True: pages that are newer than `place`, the next one first; else older ones."""


def stored_article(page: Page) -> events.Article:
    """The article that the page shows."""
    return events.Article.model_validate(page.article)
