"""What a browser's headers say of a read: the user agent, whether a person sees the page, whose page it is. Pure."""

from collections.abc import Collection

from shared.web.asgi import RawHeaders

PREFETCH, ORIGIN = "prefetch", "origin"
ANY = "*"
"""As an origin: every site's pages may send reads."""

_PURPOSES = frozenset((b"sec-purpose", b"purpose", b"x-purpose", b"x-moz"))
_AHEAD = (b"prefetch", b"prerender", b"preview")
_SIGNS = _PURPOSES | {b"user-agent", b"sec-fetch-site", b"origin"}


def read_signs(headers: RawHeaders, origins: Collection[str]) -> tuple[bytes, str]:
    """The user agent, and why the read is no reader's: `prefetch`, `origin`, or "" if nothing speaks against it.

    `origins`: those whose pages may send reads, such as `https://www.example.org`, or `ANY`. A browser that sends
    neither `Sec-Fetch-Site` nor `Origin` is believed.
    """
    agent, site, origin = b"", b"", b""
    ahead = False
    for name, value in headers:
        if name not in _SIGNS:
            continue
        if name == b"user-agent":
            agent = value
        elif name == b"sec-fetch-site":
            site = value
        elif name == b"origin":
            origin = value
        else:
            purpose = value.lower()
            ahead = ahead or any(word in purpose for word in _AHEAD)
    if ahead:
        return agent, PREFETCH
    # A page of the very origin that answers here is ours, under whatever name the site is reached.
    if site == b"same-origin" or not (origin or site == b"cross-site") or ANY in origins:
        return agent, ""
    return agent, "" if origin.decode("latin-1").lower() in origins else ORIGIN
