"""An article as one file that a reader keeps ("Lưu tin"): its pictures within it. Pure."""

import re
from collections.abc import Iterator, Mapping
from html import escape, unescape
from urllib.parse import urlsplit

from luotdoc_events import events

_TAG = re.compile(r"<([a-z][a-z0-9]*)((?:[^>\"]|\"[^\"]*\")*)>")
_ADDRESS = re.compile(r" (href|src|poster)=\"([^\"]*)\"")
OWN_PICTURE = re.compile(r"/media/([0-9a-f]{32}\.[a-z]{3,4})")
"""The path of a picture that ingest holds, with its name."""


def own_pictures(article: events.Article, site: str) -> dict[str, str]:
    """The pictures that the site itself holds: names by the addresses by which the article shows
    them, in their order. `site`: the site's address.
    """
    found: dict[str, str] = {}
    for url in _pictures(article):
        path = url.removeprefix(site)
        if match := OWN_PICTURE.fullmatch(urlsplit(path).path if path.startswith("/") else ""):
            found.setdefault(url, match[1])
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
        return f"<{match[1]}{_ADDRESS.sub(absolute, match[2])}>"

    return _TAG.sub(changed, body_html)


def _pictures(article: events.Article) -> Iterator[str]:
    if article.image:
        yield article.image.url
    for match in _TAG.finditer(article.body_html):
        if match[1] == "img":
            yield from (unescape(value) for name, value in _ADDRESS.findall(match[2])
                        if name == "src")  # fmt: skip
