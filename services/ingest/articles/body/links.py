"""Links of a body: where they lead. Pure."""

import re
import unicodedata
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urljoin

from pydantic_core import Url, ValidationError

Attributes = Mapping[str, str | None]

MAX_ADDRESS = 4000
PREFIX = "body-"
"""Of every id in a body, so that none can meet an id or a global name of the page around it."""

_BLANK = re.compile(r"[\t\n\r]")
_ENDS = (
    "".join(map(chr, range(0x21)))
    + "\u00a0\u00ad\u200b\u200e\u200f\u2028\u2029\u202f\u2060\u3000\ufeff"
)
"""What is pasted with an address and can't be seen. A browser takes off the first 33 of these."""
_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*):")
_ROOT = re.compile(r"[a-z]+://[^/?#]+")
_SLASHES = re.compile(r"^(https?:)?//+", re.IGNORECASE)
_HOST = re.compile(r"[a-z0-9._-]+|\[[0-9a-f:.]+\]")
"""A host as the URL parser writes it, in ASCII. The parser lets `{{host}}` through; no name server
does.
"""
_SCHEME_AS_HOST = frozenset({"http", "https"})
"""Of an address whose beginning stands twice."""
_UNFINISHED = re.compile(r"www\.|\W*https?\W{0,2}//|[^/?#]+@[^/?#]+\Z", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"\{\{|\{%|<%|\$\{")
"""A template's variable that was never filled in."""
_ELSEWHERE = frozenset({"file", "about"})
"""Word and old editors write a link within the document as `file:///C:/x.htm#note` or
`about:blank#note`.
"""
_NOT_ID = re.compile(r"[^\w.:-]+")
_MAX_ID = 100


def id_of(raw: str) -> str:
    """An element's id as it stands in the body; empty if nothing is left of it. Two ids never
    become one.
    """
    plain = _NOT_ID.sub(_spelled, unicodedata.normalize("NFC", raw.strip())).strip("-")
    plain = plain.removeprefix(PREFIX)
    if len(plain) > _MAX_ID:
        plain = f"{plain[: _MAX_ID - 9]}-{zlib.crc32(plain.encode()):08x}"
    return f"{PREFIX}{plain}" if plain else ""


def _spelled(other: re.Match[str]) -> str:
    """White space as a hyphen, other characters by their code points: `fn*` and `fn**` are two
    notes.
    """
    return "-" + "".join(f"{ord(character):x}" for character in other[0] if not character.isspace())


def reachable(address: str) -> bool:
    """Whether a browser can ask for an absolute http(s) address: its host and port can exist.

    The URL parser is of the same family (WHATWG) as the sanitiser's, which takes addresses off that
    it can't parse.
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
    """Whether a browser takes for a path of this site what was meant as an address: `www.x.vn`,
    `a@x.vn`.
    """
    given = raw.strip(_ENDS)
    return (
        given[:1] not in ("/", "\\", "")
        and not _SCHEME.match(given)
        and bool(_UNFINISHED.match(given))
    )


@dataclass(frozen=True, slots=True)
class Links:
    """Resolves what an editor wrote against the article's own page."""

    page: str
    """The absolute address of the page."""

    def link(self, raw: str | None) -> str | None:
        """Where a link leads: absolute, from the site's root, or `#id`; None if that is no place to
        link to.
        """
        return self._resolve(raw, frozenset({"http", "https", "mailto", "tel"}))

    def source(self, raw: str | None) -> str | None:
        """Where a picture is: absolute http(s) or from the site's root; None if it can't be had
        from there.
        """
        found = self._resolve(raw, frozenset({"http", "https"}))
        return None if found is None or found.startswith("#") else found

    def _resolve(self, raw: str | None, schemes: frozenset[str]) -> str | None:
        given = _BLANK.sub("", (raw or "").strip(_ENDS))
        if not given or len(given) > MAX_ADDRESS or _PLACEHOLDER.search(given):
            return None
        if given.startswith("#"):
            return _within(given[1:])
        scheme = _SCHEME.match(given)
        if scheme and scheme[1].lower() in _ELSEWHERE:
            return _within(given.partition("#")[2])
        if scheme and scheme[1].lower() not in schemes:
            return None
        if scheme and scheme[1].lower() in ("mailto", "tel"):
            return given if len(given) > len(scheme[0]) and _parses(given) else None
        # A browser takes a backslash for a slash, up to the query, and many slashes before the host
        # for two.
        found = re.search("[?#]", given)
        path, rest = (given[: found.start()], given[found.start() :]) if found else (given, "")
        path = _SLASHES.sub(r"\1//", path.replace("\\", "/"))
        if scheme and not self.page.startswith(
            scheme[0].lower()
        ):  # a browser then needs no slashes
            path = re.sub(r"^(https?:)/*", r"\1//", path, flags=re.IGNORECASE)
        try:
            address = urljoin(self.page, path + rest)
        except ValueError:
            return None
        whole, _, fragment = address.partition("#")
        if fragment and _bare(whole) == _bare(self.page):
            return _within(fragment)
        inside = address.removeprefix(origin_of(self.page))
        if inside[:2] == "//" or inside[:1] not in ("/", "?", "#", ""):
            return address if reachable(address) else None
        return inside if inside.startswith("/") else f"/{inside}"


def _within(fragment: str) -> str | None:
    """A link to an id of the same body."""
    target = id_of(unquote(fragment))
    return f"#{target}" if target else None


def _bare(address: str) -> str:
    """An http(s) address without its scheme, to compare: old bodies name their own page with
    http.
    """
    return address.partition(":")[2].lower()


def _parses(address: str) -> bool:
    try:
        return bool(Url(address))
    except ValidationError:
        return False


def origin_of(address: str) -> str:
    """Scheme and host of an absolute address. Raises ValueError for another."""
    root = _ROOT.match(address)
    if root is None:
        raise ValueError(f"{address!r} is not absolute")
    return root[0]


def absolute(body_html: str, base_url: str) -> str:
    """The stored body with addresses from the site's root made absolute, for those who read it
    elsewhere.

    `body_html` is what `clean` made: its attributes stand in double quotes, so what looks like one
    in a text is none.
    """
    origin = origin_of(base_url)

    def tag(match: re.Match[str]) -> str:
        return _FROM_ROOT.sub(rf'\1="{origin}/', match[0])

    return _TAG.sub(tag, body_html)


_TAG = re.compile(r'<[a-z][a-z0-9]*(?: [a-z-]+="[^"]*")+>')
_FROM_ROOT = re.compile(r'( (?:href|src|cite|poster))="/(?!/)')
