"""robots.txt, security.txt, the web manifest and gpc.json. Pure."""

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta

import orjson

from services.render.machine.publication import Publication, utc_text

SECURITY_DAYS = 180
"""Days until a security.txt expires; RFC 9116 recommends less than a year."""
GPC_SINCE = "2026-11-28"
"""The day since which `Sec-GPC: 1` is obeyed as it is now."""
ICONS = (("icon-192.png", 192), ("icon-512.png", 512))
"""Static files and their sides in pixels."""


def robots_txt(publication: Publication, closed: Iterable[str]) -> bytes:
    """robots.txt. `closed`: paths whose pages are not for search engines."""
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in closed), ""]
    lines += [f"Sitemap: {publication.url}/{name}" for name in ("sitemap.xml", "news-sitemap.xml")]
    return "\n".join([*lines, ""]).encode()


def security_txt(publication: Publication, now: datetime) -> bytes | None:
    """security.txt as in RFC 9116; None if the site has no e-mail address. It changes once a
    day.
    """
    if not publication.email:
        return None
    day = datetime.combine(now.astimezone(UTC).date(), time(), UTC)
    languages = dict.fromkeys((*publication.languages, "en"))
    lines = [
        f"Contact: mailto:{publication.email}",
        f"Expires: {utc_text(day + timedelta(days=SECURITY_DAYS))}",
        f"Preferred-Languages: {', '.join(languages)}",
        f"Canonical: {publication.url}/.well-known/security.txt",
    ]
    return "\n".join([*lines, ""]).encode()


def web_manifest(
    publication: Publication, icons: Iterable[tuple[str, str, str]], colour: str, background: str
) -> bytes:
    """The web manifest. `icons`: path, sizes (`192x192`, or `any`) and media type of each."""
    return orjson.dumps(
        {
            "name": publication.name,
            "short_name": publication.name[:30].strip(),
            "description": publication.tagline or publication.name,
            "lang": publication.language,
            "id": "/",
            "start_url": "/",
            "scope": "/",
            "display": "browser",
            "theme_color": colour,
            "background_color": background,
            "icons": [
                {"src": src, "sizes": sizes, "type": kind, "purpose": "any"}
                for src, sizes, kind in icons
            ],
        }
    )


def gpc_json() -> bytes:
    """gpc.json of Global Privacy Control: the site obeys `Sec-GPC: 1`."""
    return orjson.dumps({"gpc": True, "lastUpdate": GPC_SINCE})
