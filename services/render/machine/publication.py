"""The site and its articles, as files for machines need them. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self
from urllib.parse import urljoin, urlsplit
from uuid import NAMESPACE_URL, uuid5

from services.render.machine.addresses import as_uri

Facts = Mapping[str, Any] | None
"""What is known of a picture: `type`, `size`, `width` and `height`. None: nothing."""


@dataclass(frozen=True, kw_only=True)
class Publication:
    """The site as its publisher describes it."""

    url: str
    """Its address, without a slash at the end."""
    name: str
    tagline: str = ""
    language: str = "vi"
    """The first of `languages`."""
    languages: tuple[str, ...] = ("vi",)
    publisher: str = ""
    """The body in charge; empty: it has the site's name."""
    email: str = ""
    """Where reports about the site go; empty: nowhere."""
    logo: str = ""
    """Address or path of a picture."""

    def absolute(self, address: str) -> str:
        """An address as an absolute URI; a path is one of the site's."""
        return as_uri(urljoin(f"{self.url}/", address))

    def id_of(self, name: str) -> str:
        """An IRI for the article or list `name` that stays when slugs, sections, the scheme or the
        port change.
        """
        return uuid5(NAMESPACE_URL, f"luotdoc:{urlsplit(self.url).hostname}/{name}").urn


@dataclass(frozen=True, kw_only=True)
class ShownPicture:
    """A picture of an article. 0 and empty are not known."""

    url: str
    """Absolute."""
    alt: str = ""
    caption: str = ""
    credit: str = ""
    type: str = ""
    """Media type."""
    size: int = 0
    """Bytes."""
    width: int = 0
    height: int = 0

    @classmethod
    def of(
        cls,
        publication: Publication,
        image: Mapping[str, Any] | None,
        facts: Facts = None,
    ) -> Self | None:
        """The picture `image` of an event with the `facts` that are known of it."""
        if image is None:
            return None
        texts = {name: image[name] for name in ("alt", "caption", "credit")}
        return cls(url=publication.absolute(image["url"]), **texts, **(facts or {}))


@dataclass(frozen=True, kw_only=True)
class MachineArticle:
    """An article for machines."""

    id: str
    url: str
    """Absolute, as every address here."""
    title: str
    lead: str = ""
    language: str = "vi"
    section: str = ""
    """The name of its section."""
    section_url: str = ""
    byline: str = ""
    topic: str = ""
    tags: tuple[str, ...] = ()
    published: datetime
    modified: datetime | None = None
    """The last change; None if there was none since it was published."""
    corrected: datetime | None = None
    """The last major change; None if there was none."""
    picture: ShownPicture | None = None
    content: str = ""
    """HTML, sanitised; empty if it is not known or too long."""
    alternates: Mapping[str, str] = field(default_factory=dict)
    """Paths of the article's translations and its own, by BCP 47 tag."""

    @property
    def updated(self) -> datetime:
        """The last time at which it was worth reading again."""
        return max(self.published, self.corrected or self.published)


def utc_text(value: datetime) -> str:
    """A time as in RFC 3339, in whole seconds of UTC: `2026-11-28T07:05:00Z`."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
