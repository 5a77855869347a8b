"""Decides which pictures a page shows: the site's own and those of hosts in the settings.
Others become links. Pure.
"""

import re
from collections.abc import Callable
from html import escape, unescape
from urllib.parse import urlsplit

_TAG = re.compile(r"<(/?)(a|img)\b((?:[^>\"]|\"[^\"]*\")*)>")
_ATTRIBUTE = re.compile(r"\b(src|alt)=\"([^\"]*)\"")
_DEFAULT_PORTS = {"http": 80, "https": 443}
Say = Callable[..., str]
"""Says a message in a page's language, with its values filled in."""


def in_vietnamese(message: str, **values: object) -> str:
    """A message as it stands in the source."""
    return message % values


def source_of(url: str) -> str:
    """The origin of `url` as the next source in a policy; empty for a path."""
    parts = urlsplit(url)
    return f" {parts.scheme}://{parts.netloc}" if parts.netloc else ""


class Pictures:
    """`hosts`: names such as `cdn.example.vn`, `*.example.vn` or `cdn.example.vn:8443`;
    `site`: the site's address.

    `refused` collects the hosts of pictures that became links.
    """

    def __init__(self, site: str, hosts: tuple[str, ...]) -> None:
        self._own, self._hosts = _host(site), hosts
        self.refused: set[str] = set()

    @property
    def sources(self) -> str:
        """The hosts in the form of a content security policy."""
        return " ".join(filter(None, (self._own, *self._hosts)))

    def shown(self, url: str) -> bool:
        """Whether a page shows the picture at `url`."""
        host = _host(url)
        if not host or host == self._own or any(_matches(host, allowed) for allowed in self._hosts):
            return True
        self.refused.add(host)
        return False

    def linked(self, body_html: str, say: Say = in_vietnamese) -> str:
        """Sanitised HTML in which each picture that is not shown is a link to it,
        or text inside of a link.
        """
        if "<img" not in body_html:
            return body_html
        inside = False

        def replace(match: re.Match[str]) -> str:
            nonlocal inside
            closing, name, attributes = match.groups()
            if name == "a":
                inside = not closing
                return match[0]
            found = {key: unescape(value) for key, value in _ATTRIBUTE.findall(attributes)}
            if self.shown(url := found.get("src", "")):
                return match[0]
            text = escape(label(url, found.get("alt", ""), say))
            return (
                text
                if inside
                else f'<a href="{escape(url)}" rel="noopener noreferrer nofollow">{text}</a>'
            )

        return _TAG.sub(replace, body_html)


def label(url: str, alt: str, say: Say = in_vietnamese) -> str:
    """The text of the link in place of a picture."""
    if alt.strip():
        return say("Xem ảnh: %(alt)s", alt=alt)
    return say("Xem ảnh tại %(host)s", host=_host(url))


def _host(url: str) -> str:
    """The host of an absolute address,
    with the port unless it is the scheme's default; empty for a path.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "?"
    return host if port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f"{host}:{port}"


def _matches(host: str, allowed: str) -> bool:
    return host.endswith(allowed[1:]) if allowed.startswith("*.") else host == allowed
