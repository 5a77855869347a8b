"""A feed: which articles it has, and what both formats write the same. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

from services.render.machine.addresses import with_absolute_addresses
from services.render.machine.publication import MachineArticle, Publication

RSS_TYPE, ATOM_TYPE = "application/rss+xml", "application/atom+xml"
BEFORE_ALL = datetime(1970, 1, 1, tzinfo=UTC)
"""When a feed without articles was updated: Atom wants a time, and it may not change."""


@dataclass(frozen=True, kw_only=True)
class Feed:
    """The newest articles of the site, a section, a tag or a topic."""

    publication: Publication
    title: str
    language: str
    path: str
    """The path of the list that it follows, percent-encoded, with a slash at its end."""
    articles: Sequence[MachineArticle]

    @property
    def page(self) -> str:
        """The address of the list."""
        return self.publication.url + self.path

    @property
    def description(self) -> str:
        """A line about it, never empty."""
        return self.publication.tagline or self.title

    @property
    def updated(self) -> datetime:
        """The last time at which one of its articles changed."""
        return max((each.updated for each in self.articles), default=BEFORE_ALL)


def content_of(article: MachineArticle) -> str:
    """The article's text as HTML that stands alone: with its picture, and with absolute addresses.
    Empty if its text is.
    """
    if not article.content:
        return ""
    body = with_absolute_addresses(article.content, article.url)
    if (picture := article.picture) is None:
        return body
    sizes = "".join(
        f' {name}="{value}"'
        for name, value in (("width", picture.width), ("height", picture.height))
        if value
    )
    shown = f'<img src="{escape(picture.url)}" alt="{escape(picture.alt)}"{sizes}>'
    told = " ".join(filter(None, (picture.caption, picture.credit)))
    caption = f"<figcaption>{escape(told)}</figcaption>" if told else ""
    return f"<figure>{shown}{caption}</figure>\n{body}"
