"""Pictures of a body: their tags, and emoji that a source shows as pictures. Pure."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field

from services.ingest.articles.body.attributes import given, sizes
from services.ingest.articles.body.characters import shows
from services.ingest.articles.body.editor_warnings import Warn
from services.ingest.articles.body.links import Links
from services.ingest.articles.body.markup import start_tag
from services.ingest.articles.body.nodes import Attributes
from services.ingest.articles.body.sources import picture_source

_LONGEST_EMOJI = 16
"""Upper bound for an emoji's characters: a region's flag has 7, a family with skin tones 11."""
_EMOJI_SIZE = 32
"""Upper bound for width and height in pixels. A larger picture stays a picture."""


@dataclass(slots=True)
class ImageTags:
    """Writes `<img>` tags. `warn` takes a message for each picture that is left out or has no alt
    text.
    """

    links: Links
    warn: Warn
    kept: set[str] = field(default_factory=set)
    """Sources of the pictures that were written."""

    def tag(self, attributes: Attributes, around: Iterable[Attributes] = ()) -> str | None:
        """The start tag of an `<img>` without its `>`; None if a browser can't fetch its source."""
        source = picture_source(self.links, attributes, around)
        alt = " ".join((attributes.get("alt") or "").split())
        if source is None:
            scheme = (attributes.get("src") or "").strip().partition(":")[0][:20]
            why = (
                f"{scheme}: is no address that a reader's browser can fetch"
                if scheme
                else "it has no address"
            )
            self.warn(f"the picture {alt[:60]!r} was left out: {why}; upload it first")
            return None
        self.kept.add(source)
        if not shows(alt):
            self.warn(f"the picture {source[:100]} has no alt text for people who can't see it")
        title, size = given(attributes, "title"), sizes(attributes)
        return start_tag("img", (("src", source), ("alt", alt), *title, *size))[:-1]


def emoji(attributes: Attributes) -> str:
    """The character that a small picture shows, as Facebook, Gmail and WordPress write emoji; ""
    for any other picture.
    """
    alt = (attributes.get("data-emoji") or attributes.get("alt") or "").strip()
    if (
        not alt
        or alt.isascii()
        or len(alt) > _LONGEST_EMOJI
        or any(c.isalnum() and not c.isascii() for c in alt)
    ):
        return ""
    small = all(
        size and size.isdigit() and int(size) <= _EMOJI_SIZE
        for size in map(attributes.get, ("width", "height"))
    )
    named = "emoji" in f"{attributes.get('class')} {attributes.get('src')}".lower()
    symbols = any(unicodedata.category(character) == "So" for character in alt) or "\u20e3" in alt
    return alt if symbols and (small or named or "data-emoji" in attributes) else ""
