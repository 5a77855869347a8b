"""The public page of embedded content, for a link in place of the frame. Pure.

Many addresses that are made for frames show nothing, or an error, outside a frame.
"""

import re
from collections.abc import Mapping
from urllib.parse import SplitResult, parse_qs, quote, urlsplit

from services.ingest.articles.body.links import reachable

Query = Mapping[str, list[str]]

_YOUTUBE = re.compile(r"(?:(?:www|m)\.)?youtube(?:-nocookie)?\.com")
_VIDEO = re.compile(r"/(?:embed|v|e|shorts|live)/([A-Za-z0-9_-]{1,20})/?(?:&.*)?")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}")
_TIME = re.compile(r"(\d{1,5})(?:\.\d*)?s?|(\d{1,2}h)?(\d{1,4}m)?(\d{1,5}s)?", re.ASCII)
_VIMEO = re.compile(r"/video/(\d{1,20})/?")
_VIMEO_KEY = re.compile(r"[0-9A-Za-z]{1,20}")
_FACEBOOK = re.compile(r"(?:[a-z-]+\.)?facebook\.com")
_PLUGIN = re.compile(r"/(?:v\d+\.\d+/)?plugins/(video|post|page|comment_embed)(?:\.php)?/?")
_GOOGLE = re.compile(r"(?:www|maps)\.google\.[a-z.]{2,6}")
_PLACE = re.compile(r"!2d(-?\d{1,3}(?:\.\d+)?)!3d(-?\d{1,2}(?:\.\d+)?)", re.ASCII)
"""Longitude and latitude in the parameter `pb` of an embedded map."""
_ON_YOUTUBE = "Xem video trên YouTube"
_ON_MAPS = "Xem bản đồ trên Google Maps"


def public_page(address: str) -> tuple[str, str]:
    """The page on which a person can watch what `address` embeds, and the text of a link to it
    that has no title.
    """
    parts = urlsplit(address)
    host = parts.hostname or ""
    query: Query = parse_qs(parts.query, max_num_fields=20) if parts.query.count("&") < 20 else {}
    found = None
    if host == "youtu.be":
        found = address, _ON_YOUTUBE
    elif _YOUTUBE.fullmatch(host):
        found = _youtube(address, parts.path, query)
    elif host == "player.vimeo.com":
        found = _vimeo(parts.path, query)
    elif _FACEBOOK.fullmatch(host):
        found = _facebook(parts.path, query)
    elif _GOOGLE.fullmatch(host):
        found = _map(parts, query)
    return found or (address, f"Xem nội dung trên {host}" if host else "Xem nội dung nhúng")


def _first(query: Query, name: str) -> str:
    return query.get(name, [""])[0]


def _youtube(address: str, path: str, query: Query) -> tuple[str, str] | None:
    if path in ("/watch", "/playlist"):
        return address, _ON_YOUTUBE
    video = _VIDEO.fullmatch(path)
    name = video[1] if video else ""
    listed, channel = _first(query, "list"), _first(query, "channel")
    if name in ("", "videoseries") and path.startswith("/embed") and _NAME.fullmatch(listed):
        return f"https://www.youtube.com/playlist?list={listed}", "Xem trên YouTube"
    if name == "live_stream" and _NAME.fullmatch(channel):
        return f"https://www.youtube.com/channel/{channel}/live", _ON_YOUTUBE
    if not name:
        return None
    since = _since(_first(query, "start") or _first(query, "t"))
    return f"https://www.youtube.com/watch?v={name}{since}", _ON_YOUTUBE


def _since(said: str) -> str:
    """The parameter that starts the video at the same time as in the frame; "" without a time."""
    time = _TIME.fullmatch(said) if said else None
    if time is None:
        return ""
    return f"&t={time[1]}s" if time[1] else f"&t={said}"


def _vimeo(path: str, query: Query) -> tuple[str, str] | None:
    if not (video := _VIMEO.fullmatch(path)):
        return None
    key = _first(query, "h")  # without its key, an unlisted video is not found
    unlisted = f"/{key}" if _VIMEO_KEY.fullmatch(key) else ""
    return f"https://vimeo.com/{video[1]}{unlisted}", "Xem video trên Vimeo"


def _facebook(path: str, query: Query) -> tuple[str, str] | None:
    page = _first(query, "href")
    if not (plugin := _PLUGIN.fullmatch(path)) or not reachable(page) or re.search(r"\s", page):
        return None
    return page, f"Xem {'video ' if plugin[1] == 'video' else ''}trên Facebook"


def _map(parts: SplitResult, query: Query) -> tuple[str, str] | None:
    """The public page of an embedded map. Google shows an embed address only inside a frame."""
    path = parts.path.rstrip("/")
    if path == "/maps/d/embed" and _NAME.fullmatch(_first(query, "mid")):
        return f"https://www.google.com/maps/d/viewer?mid={_first(query, 'mid')}", _ON_MAPS
    place = _PLACE.search(_first(query, "pb")) if path == "/maps/embed" else None
    if place:
        return f"https://www.google.com/maps/search/?api=1&query={place[2]},{place[1]}", _ON_MAPS
    if (
        path.startswith("/maps")
        and (path.startswith("/maps/embed/") or "output" in query)
        and _first(query, "q")
    ):
        return (
            f"https://www.google.com/maps/search/?api=1&query={quote(_first(query, 'q'))}",
            _ON_MAPS,
        )
    return None
