"""The sizes of the pictures that ingest holds, so that a page keeps their room before they come.
Pure.
"""

import re
from collections.abc import Mapping
from html import unescape
from typing import Any
from urllib.parse import urlsplit

from luotdoc_events import events
from luotdoc_events.parts import Image
from services.render.machine.publication import Facts

PictureFacts = Mapping[str, Mapping[str, Any]]
"""What is known of pictures, by the names that ingest gave them."""
WIDE = 400
"""Pixels of a picture in the text that may stand for the article. Smaller ones are icons."""

_HELD = re.compile(r"/media/([0-9a-f]{32}\.[a-z]{3,4})")
_TAG = re.compile(r"<([a-z][a-z0-9]*)((?:[^>\"]|\"[^\"]*\")*)>")
_SOURCE = re.compile(r' src="([^"]*)"')
_ATTRIBUTES = re.compile(r' ([a-z-]+)="([^"]*)"')
"""Each of them whole: a value may end in ` src=`."""
_SIZE = re.compile(r' (width|height)="(\d+)"')
"""Behind a value that ends in ` width=` stands no digit."""


def held_name(url: str, site: str) -> str:
    """The name of the picture at `url` if ingest holds it, else empty; `site` is our address."""
    path = url.removeprefix(site)
    match = _HELD.fullmatch(urlsplit(path).path) if path.startswith("/") else None
    return match[1] if match else ""


def held_names(article: Mapping[str, Any]) -> list[str]:
    """The names of held pictures in an article's data; perhaps some that are only written about."""
    # A stored article may be of any form: one that can't be rendered must not stop the others.
    shown = f"{article.get('image')} {article.get('body_html')}"
    return list(dict.fromkeys(_HELD.findall(shown)))


def facts_of(image: Image | None, site: str, facts: PictureFacts) -> Facts:
    """What is known of an article's picture; None if that is nothing."""
    return facts.get(held_name(image.url, site)) if image else None


def leading_image(article: events.Article, site: str, facts: PictureFacts) -> Image | None:
    """The picture by which lists and other sites show an article: its own, else the first held one
    in its text that is wide enough.
    """
    if article.image or not facts:
        return article.image
    for match in _TAG.finditer(article.body_html):
        found = {name: unescape(value) for name, value in _ATTRIBUTES.findall(match[2])}
        known = facts.get(held_name(found.get("src", ""), site)) if match[1] == "img" else None
        if known and known["width"] >= WIDE:
            return Image(url=found["src"], alt=found.get("alt", ""))
    return None


def sized(body_html: str, site: str, facts: PictureFacts) -> str:
    """A sanitised body whose pictures have width and height in pixels, where they are known. A
    width or height that the editor gave stays, and the other one follows from it.
    """
    if not facts or "<img" not in body_html:
        return body_html

    def with_size(match: re.Match[str]) -> str:
        name, attributes = match.groups()
        source = _SOURCE.search(attributes) if name == "img" else None
        known = facts.get(held_name(unescape(source[1]), site)) if source else None
        if known is None:
            return match[0]
        width, height = _size(dict(_SIZE.findall(attributes)), known["width"], known["height"])
        return f'<img{_SIZE.sub("", attributes)} width="{width}" height="{height}">'

    return _TAG.sub(with_size, body_html)


def _size(given: Mapping[str, str], width: int, height: int) -> tuple[int, int]:
    """The size to show a picture of `width` × `height` in. With another ratio, the text below
    would move when the picture comes.
    """
    if "width" in given:
        shown = int(given["width"])
        return shown, max(1, round(shown * height / width))
    if "height" in given:
        shown = int(given["height"])
        return max(1, round(shown * width / height)), shown
    return width, height
