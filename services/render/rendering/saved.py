"""An article as one file that a reader keeps ("Lưu tin"): its pictures within it. Pure."""

import re
from collections.abc import Iterator, Mapping
from html import escape, unescape

from luotdoc_events import events
from services.render.rendering.picture_sizes import held_name

_TAG = re.compile(r"<([a-z][a-z0-9]*)((?:[^>\"]|\"[^\"]*\")*)>")
_LAZY = ' loading="lazy"'
_ADDRESS = re.compile(r" (href|src|poster)=\"([^\"]*)\"")


def own_pictures(article: events.Article, site: str) -> dict[str, str]:
    """The pictures that the site itself holds: names by the addresses by which the article shows
    them, in their order. `site`: the site's address.
    """
    found: dict[str, str] = {}
    for url in _pictures(article):
        if name := held_name(url, site):
            found.setdefault(url, name)
    return found


def alone(body_html: str, site: str, pictures: Mapping[str, str]) -> str:
    """A sanitised body that needs no address of its page: pictures are within it, other paths
    become absolute. A picture that is not in `pictures` stays at its own address.
    """

    def absolute(match: re.Match[str]) -> str:
        name, url = match[1], unescape(match[2])
        if name == "src" and url in pictures:
            return f' src="{pictures[url]}"'
        return f' {name}="{escape(site + url)}"' if url.startswith("/") else match[0]

    def changed(match: re.Match[str]) -> str:
        # A picture that is not in sight would not be printed.
        return f"<{match[1]}{_ADDRESS.sub(absolute, match[2]).replace(_LAZY, '')}>"

    return _TAG.sub(changed, body_html)


def _pictures(article: events.Article) -> Iterator[str]:
    if article.image:
        yield article.image.url
    for match in _TAG.finditer(article.body_html):
        if match[1] == "img":
            yield from (unescape(value) for name, value in _ADDRESS.findall(match[2])
                        if name == "src")  # fmt: skip
