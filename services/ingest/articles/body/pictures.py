"""Which of an element's attributes holds the address of what it shows. Pure.

A lazy picture or frame has a placeholder in `src`; a script puts the real address there once a
reader comes near.
"""

import re
from collections.abc import Iterable, Iterator

from services.ingest.articles.body.links import MAX_ADDRESS, Attributes, Links

LAZY = ("data-src", "data-original", "data-lazy-src", "data-lazy", "data-img-src",
        "data-hi-res-src", "data-full-src",
        "data-cfsrc", "data-ll-src", "data-lazyload", "data-echo", "data-orig-src",
        "data-original-src",
        "data-pagespeed-lazy-src", "data-litespeed-src", "data-actualsrc", "lazy-src")  # fmt: skip
"""Attributes in which scripts that load lazily look for the real address."""
_ORDINARY = frozenset({"src", "alt", "title", "width", "height", "class", "id", "style"})
"""Attributes of a picture that is not lazy."""
_LAZY_SETS = ("data-srcset", "data-lazy-srcset")
_WIDTH = re.compile(r"(\d+(?:\.\d+)?)[wx]")
_PICTURE = re.compile(
    r"[^?#]*\.(?:a?png|avif|bmp|gif|ico|jfif|jpe?g|svg|tiff?|webp)(?:[?#].*)?",
    re.IGNORECASE | re.DOTALL,
)
_PAGE = re.compile(r"[^?#]*\.x?html?(?:[?#].*)?", re.IGNORECASE | re.DOTALL)
ABSOLUTE = re.compile(r"(?:https?:)?//.|/.", re.IGNORECASE)
"""An address with a host, or from the root of the site."""
_STAND_IN = re.compile(
    r"[^?#]*\b(?:1x1|blank|clear|dot|gr[ae]y|lazy|lazyload|loader|loading|pixel|placeholder|spacer|transparent|white)"
    r"\.(?:gif|jpe?g|png|svg|webp)(?:[?#].*)?",
    re.IGNORECASE,
)
"""Names of pictures that hold the place of another."""


def picture(links: Links, attributes: Attributes, around: Iterable[Attributes] = ()) -> str | None:
    """The address of the picture that an `<img>` shows; None if a browser can fetch none of its
    addresses.

    A lazy attribute beats `src` only if it holds the address of a picture: some sites use the same
    names for a switch (`data-lazy="true"`). `around` are the attributes of the `<source>` elements
    of its `<picture>`, which serve where the `<img>` itself has only a placeholder.
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
    stands_in = _STAND_IN.fullmatch(source)
    yield from filter(
        _shows_picture, (attributes[name] or "" for name in LAZY if name in attributes)
    )
    sets = (largest(attributes[name]) for name in _LAZY_SETS if name in attributes)
    yield from filter(_shows_picture, sets)
    if not stands_in:
        yield source
    yield largest(attributes.get("srcset"))
    yield from filter(
        _shows_picture, (attributes.get(name) or "" for name in ("data-image", "data-url"))
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
        yield from (largest(part.get(name)) for name in (*_LAZY_SETS, "srcset"))
        yield from filter(_shows_picture, (part.get(name) or "" for name in LAZY))
    yield source


def _shows_picture(value: str) -> bool:
    """Whether an attribute looks like the address of a picture, not like a switch, a number or a
    page.
    """
    value = value.strip()
    return bool(_PICTURE.fullmatch(value) or (ABSOLUTE.match(value) and not _PAGE.fullmatch(value)))


def largest(candidates: str | None) -> str:
    """The address of the largest picture of a `srcset`; empty if there is none."""
    best, size = "", -1.0
    for candidate in re.split(r",\s+|,(?=https?:|/)", (candidates or "")[: MAX_ADDRESS * 4]):
        address, _, descriptor = candidate.strip().partition(" ")
        given = _WIDTH.fullmatch(descriptor.strip())
        width = float(given[1]) if given else 0.0
        if address and width > size:
            best, size = address.rstrip(","), width
    return best
