"""Which attribute of an element holds the address of what it shows. Pure.

A lazy picture or frame has a placeholder in `src`. A script replaces it with the real address when
a reader scrolls near.
"""

import re
from collections.abc import Iterable, Iterator

from services.ingest.articles.body.links import MAX_ADDRESS, Links
from services.ingest.articles.body.nodes import Attributes

LAZY = ("data-src", "data-original", "data-lazy-src", "data-lazy", "data-img-src",
        "data-hi-res-src", "data-full-src",
        "data-cfsrc", "data-ll-src", "data-lazyload", "data-echo", "data-orig-src",
        "data-original-src",
        "data-pagespeed-lazy-src", "data-litespeed-src", "data-actualsrc", "lazy-src")  # fmt: skip
"""Attributes in which scripts that load lazily look for the real address."""
_EMBED_ATTRIBUTES = ("src", *LAZY, "data", "url", "data-url", "data-href")
_PARAMETERS = frozenset({"movie", "src", "url", "filename"})
"""Names of an `<object>`'s parameters that hold its address."""
_ORDINARY = frozenset({"src", "alt", "title", "width", "height", "class", "id", "style"})
"""Attributes of a picture that is not lazy. With these alone, only `src` is looked at."""
_LAZY_SETS = ("data-srcset", "data-lazy-srcset")
_WIDTH = re.compile(r"(\d+(?:\.\d+)?)[wx]")
_PICTURE = re.compile(
    r"[^?#]*\.(?:a?png|avif|bmp|gif|ico|jfif|jpe?g|svg|tiff?|webp)(?:[?#].*)?",
    re.IGNORECASE | re.DOTALL,
)
_PAGE = re.compile(r"[^?#]*\.x?html?(?:[?#].*)?", re.IGNORECASE | re.DOTALL)
ABSOLUTE = re.compile(r"(?:https?:)?//.|/.", re.IGNORECASE)
"""An address with a host, or from the root of the site."""
_PLACEHOLDER = re.compile(
    r"[^?#]*\b(?:1x1|blank|clear|dot|gr[ae]y|lazy|lazyload|loader|loading|pixel|placeholder|spacer|transparent|white)"
    r"\.(?:gif|jpe?g|png|svg|webp)(?:[?#].*)?",
    re.IGNORECASE,
)
"""Usual file names of placeholders."""


def embed_source(links: Links, attributes: Attributes) -> str | None:
    """The address that a frame, a player, or a part of one shows; None if a browser can fetch none.

    The first usable address counts: `src` often has a placeholder such as `about:blank`.
    """
    own = "value" if (attributes.get("name") or "").lower() in _PARAMETERS else "src"
    values = (attributes.get(name) for name in (own, *_EMBED_ATTRIBUTES))
    return next(filter(None, map(links.source, values)), None)


def picture_source(
    links: Links, attributes: Attributes, around: Iterable[Attributes] = ()
) -> str | None:
    """The address that an `<img>` shows; None if a browser can fetch none of its addresses.

    A lazy attribute is preferred to `src` only if it holds the address of a picture: some sites use
    the same names for a switch (`data-lazy="true"`). `around` has the attributes of the `<source>`
    elements of its `<picture>`, which are used if the `<img>` has only a placeholder.
    """
    for value in _candidates(attributes, around):
        if (found := links.source(value)) is not None:
            return found
    return None


def _candidates(attributes: Attributes, around: Iterable[Attributes]) -> Iterator[str | None]:
    source = attributes.get("src") or ""
    if not around and attributes.keys() <= _ORDINARY:
        yield source
        return
    is_placeholder = _PLACEHOLDER.fullmatch(source)
    lazy = (attributes[name] or "" for name in LAZY if name in attributes)
    yield from filter(_is_picture, lazy)
    sets = (_largest(attributes[name]) for name in _LAZY_SETS if name in attributes)
    yield from filter(_is_picture, sets)
    if not is_placeholder:
        yield source
    yield _largest(attributes.get("srcset"))
    yield from filter(
        _is_picture, (attributes.get(name) or "" for name in ("data-image", "data-url"))
    )
    for name, value in attributes.items():
        if (
            name.startswith("data-")
            and value
            and ABSOLUTE.match(value)
            and _PICTURE.fullmatch(value)
        ):
            yield value
    for part in around:
        yield from (_largest(part.get(name)) for name in (*_LAZY_SETS, "srcset"))
        yield from filter(_is_picture, (part.get(name) or "" for name in LAZY))
    yield source


def _is_picture(value: str) -> bool:
    """Whether `value` looks like the address of a picture: not a switch, a number or a page."""
    value = value.strip()
    return bool(_PICTURE.fullmatch(value) or (ABSOLUTE.match(value) and not _PAGE.fullmatch(value)))


def _largest(candidates: str | None) -> str:
    """The address of the largest picture of a `srcset`; "" if there is none."""
    best, size = "", -1.0
    for candidate in re.split(r",\s+|,(?=https?:|/)", (candidates or "")[: MAX_ADDRESS * 4]):
        address, _, descriptor = candidate.strip().partition(" ")
        given = _WIDTH.fullmatch(descriptor.strip())
        width = float(given[1]) if given else 0.0
        if address and width > size:
            best, size = address.rstrip(","), width
    return best
