"""Links of a body: where they lead, where its pictures are, and what an embed becomes. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urljoin, urlsplit

Attributes = Mapping[str, str | None]

MAX_ADDRESS = 4000
PREFIX = "body-"
"""Of every id in a body, so that none can meet an id or a global name of the page around it."""

_BLANK = re.compile(r"[\t\n\r]")
_ENDS = "".join(map(chr, range(0x21)))
_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*):")
_ROOT = re.compile(r"[a-z]+://[^/?#]+")
_LAZY = ("data-src", "data-original", "data-lazy-src", "data-lazy", "data-url", "data-image", "data-img-src",
         "data-hi-res-src", "data-full-src")  # fmt: skip
_LAZY_SETS = ("data-srcset", "data-lazy-srcset", "srcset")
_WIDTH = re.compile(r"(\d+(?:\.\d+)?)[wx]")
_NOT_ID = re.compile(r"[^\w.:-]+")


def id_of(raw: str) -> str:
    """An element's id as it stands in the body; empty if nothing is left of it."""
    plain = _NOT_ID.sub("-", raw.strip()).strip("-")[:100]
    return plain if plain.startswith(PREFIX) or not plain else f"{PREFIX}{plain}"


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
        if not given or len(given) > MAX_ADDRESS:
            return None
        if given.startswith("#"):
            target = id_of(unquote(given[1:]))
            return f"#{target}" if target else None
        scheme = _SCHEME.match(given)
        if scheme and scheme[1].lower() not in schemes:
            return None
        if scheme and scheme[1].lower() in ("mailto", "tel"):
            return given
        # A browser takes a backslash for a slash, up to the query.
        found = re.search("[?#]", given)
        path, rest = (given[: found.start()], given[found.start() :]) if found else (given, "")
        try:
            address = urljoin(self.page, path.replace("\\", "/") + rest)
            parts = urlsplit(address)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                return None
        except ValueError:
            return None
        inside = address.removeprefix(origin_of(self.page))
        if inside[:2] == "//" or inside[:1] not in ("/", "?", "#", ""):
            return address
        return inside if inside.startswith("/") else f"/{inside}"

    def picture(self, attributes: Attributes) -> str | None:
        """The real source of an `<img>`: a lazy one's stands in another attribute."""
        for name in (*_LAZY, *_LAZY_SETS[:2], "src", _LAZY_SETS[2]):
            value = attributes.get(name)
            found = self.source(_largest(value) if name in _LAZY_SETS else value)
            if found is not None:
                return found
        return None


def _largest(candidates: str | None) -> str | None:
    """The largest picture of a `srcset`."""
    best, size = None, -1.0
    for candidate in re.split(r",\s+|,(?=https?:|/)", (candidates or "")[: MAX_ADDRESS * 4]):
        address, _, descriptor = candidate.strip().partition(" ")
        given = _WIDTH.fullmatch(descriptor.strip())
        width = float(given[1]) if given else 0.0
        if address and width > size:
            best, size = address.rstrip(","), width
    return best


_YOUTUBE = re.compile(r"(?:www\.|m\.)?youtube(?:-nocookie)?\.com")
_VIDEO_ID = re.compile(r"/(?:embed|v|shorts|live)/([A-Za-z0-9_-]{1,20})/?")
_VIMEO = re.compile(r"/video/(\d{1,20})/?")


def watch(address: str) -> tuple[str, str]:
    """The page on which a person watches what `address` embeds, and how a link to it reads without a title."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    if _YOUTUBE.fullmatch(host) and (video := _VIDEO_ID.fullmatch(parts.path)):
        query = parse_qs(parts.query, max_num_fields=20) if parts.query.count("&") < 20 else {}
        if video[1] == "videoseries" and query.get("list"):
            return f"https://www.youtube.com/playlist?list={query['list'][0]}", "Xem trên YouTube"
        start = query.get("start", [""])[0]
        since = f"&t={start}s" if start.isascii() and start.isdigit() else ""
        return f"https://www.youtube.com/watch?v={video[1]}{since}", "Xem video trên YouTube"
    if host == "player.vimeo.com" and (video := _VIMEO.fullmatch(parts.path)):
        return f"https://vimeo.com/{video[1]}", "Xem video trên Vimeo"
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
