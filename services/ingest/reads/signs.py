"""Reads a browser's headers: user agent, signs of a prefetch, the origin of the page, and whether
the reader wants to be left alone. Pure.
"""

from collections.abc import Collection
from functools import lru_cache

from shared.base.urls import origin_of
from shared.web.headers import RawHeaders

PREFETCH, ORIGIN = "prefetch", "origin"
ANY_PAGE = "*"
"""The origin that stands for all: every site's pages may send reads."""

_PURPOSES = frozenset((b"sec-purpose", b"purpose", b"x-purpose", b"x-moz"))
_AHEAD = (b"prefetch", b"prerender", b"preview")
_SIGNS = _PURPOSES | {b"user-agent", b"sec-fetch-site", b"origin", b"referer", b"sec-gpc"}
_LONGEST_ORIGIN = 300
"""Upper bound for the bytes of an origin: 253 of the host's name, its scheme and its port."""


def read_signs(headers: RawHeaders, origins: Collection[str]) -> tuple[bytes, str, bool]:
    """The user agent; why the read is no reader's: `prefetch`, `origin`, or "" if nothing speaks
    against it; and whether the reader's browser sends `Sec-GPC: 1` (Global Privacy Control).

    `origins`: those whose pages may send reads, such as `https://www.example.org`, or `ANY_PAGE`. A
    browser that sends neither `Sec-Fetch-Site` nor `Origin` is believed. A picture's request has no
    `Origin`: where another site's page shows it, `Referer` names the page. Lines of one header are
    one list; one of them that is foreign decides.
    """
    agent = site = origin = referer = b""
    ahead = private = False
    for name, value in headers:
        if name not in _SIGNS:
            continue
        if name == b"user-agent":
            agent = value
        elif name == b"sec-fetch-site":
            site += value  # words are looked for in it, whatever separates them
        elif name == b"origin":
            origin = value if not origin else origin + b"," + value
        elif name == b"referer":
            referer = value
        elif name == b"sec-gpc":
            private = value.strip() == b"1"
        else:
            purpose = value.lower()
            ahead = ahead or any(word in purpose for word in _AHEAD)
    if ahead:
        return agent, PREFETCH, private
    site = site.lower()
    # `same-origin`: the page is on this host, by whatever name the site is reached.
    if b"cross-site" not in site and (not origin or b"same-origin" in site):
        return agent, "", private
    if origin.decode("latin-1") in origins or ANY_PAGE in origins:
        return agent, "", private
    named = origin.split(b",") if origin else [b"/".join(referer.split(b"/")[:3])]
    ours = all(len(one) <= _LONGEST_ORIGIN and _plain(one) in origins for one in named)
    return agent, "" if ours else ORIGIN, private


@lru_cache(maxsize=1000)
def _plain(origin: bytes) -> str | None:
    """The origin in the settings' form:
    lower case, no default port, path or final dot, the host in ASCII. None if it is no origin.
    """
    text = origin.strip().decode("utf-8", "replace")
    if text.lower() == "null":
        return "null"
    try:
        return origin_of(text)
    except ValueError:
        return None
