"""Links of a body: where they lead. Pure."""

import re
from dataclasses import dataclass
from urllib.parse import unquote, urljoin

from pydantic_core import Url, ValidationError

from services.ingest.articles.body.ids import id_of

MAX_ADDRESS = 4000
"""Characters of an address. A longer one is refused."""

_LINE_BREAKS = re.compile(r"[\t\n\r]")
_INVISIBLE_ENDS = (
    "".join(map(chr, range(0x21)))
    + "\u00a0\u00ad\u200b\u200e\u200f\u2028\u2029\u202f\u2060\u3000\ufeff"
)
"""Invisible characters that are pasted around an address. Browsers remove only the first 33."""
_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*):")
_ROOT = re.compile(r"[a-z]+://[^/?#]+")
_SLASHES = re.compile(r"^(https?:)?//+", re.IGNORECASE)
_HOST = re.compile(r"[a-z0-9._-]+|\[[0-9a-f:.]+\]")
"""A host as the URL parser writes it, in ASCII. The parser also accepts hosts such as `{{host}}`,
which can't exist.
"""
_SCHEME_AS_HOST = frozenset({"http", "https"})
"""Hosts of addresses that begin twice, such as `https://https://h.vn`."""
_NO_HOST = frozenset({"//", "http://", "https://"})
"""What is left of an address without its host. `urljoin` would make it the page itself."""
_UNFINISHED = re.compile(r"www\.|\W*https?\W{0,2}//|[^/?#]+@[^/?#]+\Z", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"\{\{|\{%|<%|\$\{")
"""A template's variable that was never filled in."""
_DOCUMENT_SCHEMES = frozenset({"file", "about"})
"""Word and old editors write a link within the document as `file:///C:/x.htm#note` or
`about:blank#note`.
"""


def reachable(address: str) -> bool:
    """Whether an address is absolute, http(s), and has a host and a port that can exist.

    The URL parser follows the same standard (WHATWG) as the sanitiser's, so the sanitiser removes
    no address that passes here.
    """
    try:
        url = Url(address)
    except ValidationError:
        return False
    host = url.host or ""
    return (
        url.scheme in ("http", "https")
        and bool(_HOST.fullmatch(host))
        and host not in _SCHEME_AS_HOST
    )


def unfinished(raw: str) -> bool:
    """Whether `raw` was meant as an address, such as `www.x.vn` or `a@x.vn`, but a browser reads it
    as a path of this site.
    """
    given = raw.strip(_INVISIBLE_ENDS)
    return (
        given[:1] not in ("/", "\\", "")
        and not _SCHEME.match(given)
        and bool(_UNFINISHED.match(given))
    )


@dataclass(frozen=True, slots=True)
class Links:
    """Resolves addresses of the source against the article's own page."""

    page: str
    """The absolute address of the page."""

    def link(self, raw: str | None) -> str | None:
        """The address of a link: absolute, from the site's root, or `#id`; None if a reader can't
        follow it.
        """
        return self._resolve(raw, frozenset({"http", "https", "mailto", "tel"}))

    def source(self, raw: str | None) -> str | None:
        """The address of a picture: absolute http(s), or from the site's root; None if a browser
        can't fetch it.
        """
        found = self._resolve(raw, frozenset({"http", "https"}))
        return None if found is None or found.startswith("#") else found

    def _resolve(self, raw: str | None, schemes: frozenset[str]) -> str | None:
        given = _LINE_BREAKS.sub("", (raw or "").strip(_INVISIBLE_ENDS))
        if not given or len(given) > MAX_ADDRESS or _PLACEHOLDER.search(given):
            return None
        if given.startswith("#"):
            return _fragment_link(given[1:])
        scheme = _SCHEME.match(given)
        if scheme and scheme[1].lower() in _DOCUMENT_SCHEMES:
            return _fragment_link(given.partition("#")[2])
        if scheme and scheme[1].lower() not in schemes:
            return None
        if scheme and scheme[1].lower() in ("mailto", "tel"):
            return given if len(given) > len(scheme[0]) and _parses(given) else None
        # Up to the query, browsers read a backslash as a slash, and any number of slashes before
        # the host as two. Without this, `\\x.vn` would pass as a path and lead to another site.
        found = re.search("[?#]", given)
        path, rest = (given[: found.start()], given[found.start() :]) if found else (given, "")
        path = _SLASHES.sub(r"\1//", path.replace("\\", "/"))
        # With another scheme than the page's, browsers need no slashes before the host.
        if scheme and not self.page.startswith(scheme[0].lower()):
            path = re.sub(r"^(https?:)/*", r"\1//", path, flags=re.IGNORECASE)
        if path.lower() in _NO_HOST:
            return None
        try:
            address = urljoin(self.page, path + rest)
        except ValueError:
            return None
        whole, _, fragment = address.partition("#")
        if fragment and _without_scheme(whole) == _without_scheme(self.page):
            return _fragment_link(fragment)
        inside = address.removeprefix(site_root(self.page))
        if inside[:2] == "//" or inside[:1] not in ("/", "?", "#", ""):
            return address if reachable(address) else None
        return inside if inside.startswith("/") else f"/{inside}"


def _fragment_link(fragment: str) -> str | None:
    """A link to an id in the same body; None for an empty fragment."""
    target = id_of(unquote(fragment))
    return f"#{target}" if target else None


def _without_scheme(address: str) -> str:
    """An http(s) address without its scheme, for comparison: old bodies link to their own page
    with http.
    """
    return address.partition(":")[2].lower()


def _parses(address: str) -> bool:
    try:
        return bool(Url(address))
    except ValidationError:
        return False


def site_root(address: str) -> str:
    """Scheme and host of an absolute address. Raises ValueError if it is not absolute."""
    root = _ROOT.match(address)
    if root is None:
        raise ValueError(f"{address!r} is not absolute")
    return root[0]


def absolute(body_html: str, base_url: str) -> str:
    """A stored body with its addresses made absolute, for readers outside the site.

    `body_html` is the output of `clean`, whose attributes are in double quotes. Text that looks
    like an attribute is therefore not changed.
    """
    origin = site_root(base_url)

    def tag(match: re.Match[str]) -> str:
        return _FROM_ROOT.sub(rf'\1="{origin}/', match[0])

    return _TAG.sub(tag, body_html)


_TAG = re.compile(r'<[a-z][a-z0-9]*(?: [a-z-]+="[^"]*")+>')
_FROM_ROOT = re.compile(r'( (?:href|src|cite|poster))="/(?!/)')
