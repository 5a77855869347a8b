"""Absolute addresses inside of an article's HTML. Pure."""

import re
from contextlib import suppress
from html import escape, unescape
from urllib.parse import quote, urljoin

from pydantic_core import Url, ValidationError

_TAG = re.compile(r"<[a-z][a-z0-9]*(?:[^>\"]|\"[^\"]*\")*>")
_ADDRESS = re.compile(r'( (?:href|src|cite|poster))="([^"]*)"')
_OF_URIS = "%:/?#[]@!$&'()*+,;=-._~"
_URI = re.compile(f"[A-Za-z0-9{re.escape(_OF_URIS)}]+")
_WITH_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def with_absolute_addresses(body_html: str, page: str) -> str:
    """Sanitised HTML in which each address is absolute. `page` is the article's own address: a link
    within the article leads there.
    """

    def address(match: re.Match[str]) -> str:
        name, value = match.groups()
        if _WITH_SCHEME.match(value):
            return match[0]
        return f'{name}="{escape(_joined(page, unescape(value)))}"'

    def tag(match: re.Match[str]) -> str:
        return _ADDRESS.sub(address, match[0]) if '="' in match[0] else match[0]

    return _TAG.sub(tag, body_html)


def _joined(page: str, address: str) -> str:
    try:
        return urljoin(page, address)
    except ValueError:  # such as `//[x`
        return page


def as_uri(address: str) -> str:
    """An absolute address in the characters that a URI may have (RFC 3986): feeds and sitemaps take
    no others. A host with letters is written in Punycode.
    """
    if _URI.fullmatch(address):
        return address
    with suppress(ValidationError):  # a port that can't exist
        address = str(Url(address))
    return quote(address, safe=_OF_URIS)
