"""The allow-list of elements, attributes and addresses. It alone decides what is safe to publish.
Pure.
"""

import re
from html import unescape

import nh3

from services.ingest.articles.body import elements
from services.ingest.articles.body.characters import shows
from services.ingest.articles.body.style import CLASSES

_INLINE_TAGS = elements.INLINE | {"span"}
ALIGNABLE = elements.LEAVES | {"td", "th", "caption", "figcaption", "figure", "li"}
_TAGS = (
    elements.CONTAINERS
    | elements.LEAVES
    | _INLINE_TAGS
    | {"audio", "br", "hr", "img", "source", "track", "video"}
)
_GLOBAL = {"lang", "dir", "id"}
_SANITISER_ATTRIBUTES: dict[str, set[str]] = {
    "*": _GLOBAL,
    **{tag: set(names) for tag, names in elements.ATTRIBUTES.items()},
    "img": {"src", "alt", "title", "width", "height"},
    "audio": {"src", "title"},
    "video": {"src", "title", "poster", "width", "height"},
    "source": {"src", "type"},
    "track": {"src", "kind", "srclang", "label"},
}


# Made once: making it costs as much as cleaning a short article.
_CLEANER = nh3.Cleaner(
    tags=set(_TAGS),
    attributes=_SANITISER_ATTRIBUTES,
    allowed_classes={tag: set(CLASSES.values()) for tag in ALIGNABLE},
    clean_content_tags=set(elements.DROPPED) | {"embed", "iframe", "noscript", "object"},
    url_schemes={"http", "https", "mailto", "tel"},
    link_rel="noopener noreferrer",
    set_tag_attribute_values={"img": {"loading": "lazy"}},
    # Only allowed here, and set by the writer: the sanitiser would set two attributes in a random
    # order, so the same source would give different bodies.
    tag_attribute_values={
        tag: {"controls": {""}, "preload": {"none"}} for tag in ("audio", "video")
    },
    strip_comments=True,
)


def sanitise(html: str) -> str:
    """HTML that is safe to put into a page, by the rules of the sanitiser alone."""
    return _CLEANER.clean(html).strip()


_SHOWN = re.compile(r'<(?:img|source|(?:video|audio) controls="" preload="none") src="')
"""A picture or a player with an address, as the writer writes it. `<hr>` is no content."""
_MARKUP = re.compile(r"<[^>]*>")


def has_content(safe: str) -> bool:
    """Whether sanitised HTML shows anything: a picture, a player, or text."""
    return bool(_SHOWN.search(safe)) or shows(unescape(_MARKUP.sub("", safe)))
