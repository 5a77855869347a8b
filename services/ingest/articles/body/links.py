"""Links of a body: where they lead, and what an embed becomes. Pure."""

import re
import unicodedata
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urljoin, urlsplit

from pydantic_core import Url, ValidationError

Attributes = Mapping[str, str | None]

MAX_ADDRESS = 4000
PREFIX = "body-"
"""Of every id in a body, so that none can meet an id or a global name of the page around it."""

_BLANK = re.compile(r"[\t\n\r]")
_ENDS = "".join(map(chr, range(0x21)))
_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*):")
_ROOT = re.compile(r"[a-z]+://[^/?#]+")
_SLASHES = re.compile(r"^(https?:)?//+", re.IGNORECASE)
_HOST = re.compile(r"[a-z0-9._-]+|\[[0-9a-f:.]+\]")
"""A host as the URL parser writes it, in ASCII. The parser lets `{{host}}` through; no name server does."""
_PLACEHOLDER = re.compile(r"\{\{|\{%|<%|\$\{")
"""A template's variable that was never filled in."""
_ELSEWHERE = frozenset({"file", "about"})
"""Word and old editors write a link within the document as `file:///C:/x.htm#note` or `about:blank#note`."""
_NOT_ID = re.compile(r"[^\w.:-]+")
_MAX_ID = 100


def id_of(raw: str) -> str:
    """An element's id as it stands in the body; empty if nothing is left of it. Two ids never become one."""
    plain = _NOT_ID.sub(_spelled, unicodedata.normalize("NFC", raw.strip())).strip("-")
    plain = plain.removeprefix(PREFIX)
    if len(plain) > _MAX_ID:
        plain = f"{plain[: _MAX_ID - 9]}-{zlib.crc32(plain.encode()):08x}"
    return f"{PREFIX}{plain}" if plain else ""


def _spelled(other: re.Match[str]) -> str:
    """White space as a hyphen, other characters by their code points: `fn*` and `fn**` are two notes."""
    return "-" + "".join(f"{ord(character):x}" for character in other[0] if not character.isspace())


def reachable(address: str) -> bool:
    """Whether a browser can ask for an absolute http(s) address: its host and port can exist.

    The URL parser is of the same family (WHATWG) as the sanitiser's, which takes addresses off that it can't parse.
    """
    try:
        url = Url(address)
    except ValidationError:
        return False
    return url.scheme in ("http", "https") and bool(_HOST.fullmatch(url.host or ""))


@dataclass(frozen=True, slots=True)
class Links:
    """Resolves what an editor wrote against the article's own page."""

    page: str
    """The absolute address of the page."""

    def link(self, raw: str | None) -> str | None:
        """Where a link leads: absolute, from the site's root, or `#id`; None if that is no place to link to."""
        return self._resolve(raw, frozenset({"http", "https", "mailto", "tel"}))

    def source(self, raw: str | None) -> str | None:
        """Where a picture is: absolute http(s) or from the site's root; None if it can't be had from there."""
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
            return given if _parses(given) else None
        # A browser takes a backslash for a slash, up to the query, and many slashes before the host for two.
        found = re.search("[?#]", given)
        path, rest = (given[: found.start()], given[found.start() :]) if found else (given, "")
        path = _SLASHES.sub(r"\1//", path.replace("\\", "/"))
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
    """An http(s) address without its scheme, to compare: old bodies name their own page with http."""
    return address.partition(":")[2].lower()


def _parses(address: str) -> bool:
    try:
        return bool(Url(address))
    except ValidationError:
        return False


_YOUTUBE = re.compile(r"(?:www\.|m\.)?youtube(?:-nocookie)?\.com")
_VIDEO_ID = re.compile(r"/(?:embed|v|shorts|live)/([A-Za-z0-9_-]{1,20})/?")
_VIMEO = re.compile(r"/video/(\d{1,20})/?")
_VIMEO_KEY = re.compile(r"[0-9A-Za-z]{1,20}")


def watch(address: str) -> tuple[str, str]:
    """The page on which a person watches what `address` embeds, and how a link to it reads without a title."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    query = parse_qs(parts.query, max_num_fields=20) if parts.query.count("&") < 20 else {}
    if _YOUTUBE.fullmatch(host) and (video := _VIDEO_ID.fullmatch(parts.path)):
        if video[1] == "videoseries" and query.get("list"):
            return f"https://www.youtube.com/playlist?list={query['list'][0]}", "Xem trên YouTube"
        start = query.get("start", [""])[0]
        since = f"&t={start}s" if start.isascii() and start.isdigit() else ""
        return f"https://www.youtube.com/watch?v={video[1]}{since}", "Xem video trên YouTube"
    if host == "player.vimeo.com" and (video := _VIMEO.fullmatch(parts.path)):
        key = query.get("h", [""])[0]  # an unlisted video is found only with its key
        unlisted = f"/{key}" if _VIMEO_KEY.fullmatch(key) else ""
        return f"https://vimeo.com/{video[1]}{unlisted}", "Xem video trên Vimeo"
    return address, f"Xem nội dung trên {host}" if host else "Xem nội dung nhúng"


def origin_of(address: str) -> str:
    """Scheme and host of an absolute address. Raises ValueError for another."""
    root = _ROOT.match(address)
    if root is None:
        raise ValueError(f"{address!r} is not absolute")
    return root[0]


def absolute(body_html: str, base_url: str) -> str:
    """The stored body with addresses from the site's root made absolute, for those who read it elsewhere.

    `body_html` is what `clean` made: its attributes stand in double quotes, so what looks like one in a text is none.
    """
    origin = origin_of(base_url)

    def tag(match: re.Match[str]) -> str:
        return _FROM_ROOT.sub(rf'\1="{origin}/', match[0])

    return _TAG.sub(tag, body_html)


_TAG = re.compile(r'<[a-z][a-z0-9]*(?: [a-z-]+="[^"]*")+>')
_FROM_ROOT = re.compile(r'( (?:href|src|cite|poster))="/(?!/)')
