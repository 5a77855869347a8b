"""What is wrong with a sitemap, by the rules of sitemaps.org's schemas and of the news, image and
hreflang extensions.
"""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from lxml import etree

SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
NEWS = "{http://www.google.com/schemas/sitemap-news/0.9}"
IMAGE = "{http://www.google.com/schemas/sitemap-image/1.1}"
XHTML = "{http://www.w3.org/1999/xhtml}"
MOST_URLS, MOST_BYTES, MOST_NEWS, MOST_IMAGES = 50_000, 50 << 20, 1000, 1000
LONGEST_LOC, SHORTEST_LOC = 2048, 12

_LASTMOD = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d))?")
_HREFLANG = re.compile(r"x-default|[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_NEWS_LANGUAGE = re.compile(r"[a-z]{2,3}")
_ORDER = ("loc", "lastmod", "changefreq", "priority")

Faults = Iterator[str]


def sitemap_faults(body: bytes, site: str) -> list[str]:
    """What is wrong with a sitemap or an index of the site at the address `site`."""
    return list(_faults(body, site))


def addresses_of(body: bytes) -> list[str]:
    """The addresses that a sitemap or an index has, in their order."""
    root = etree.fromstring(body)
    return [each.findtext(f"{SITEMAP}loc") or "" for each in root]


def _faults(body: bytes, site: str) -> Faults:
    if len(body) > MOST_BYTES:
        yield f"{len(body)} bytes"
    if not body.startswith(b'<?xml version="1.0" encoding="UTF-8"?>'):
        yield "a sitemap must say that it is UTF-8"
    root = etree.fromstring(body)
    kinds = {f"{SITEMAP}urlset": "url", f"{SITEMAP}sitemapindex": "sitemap"}
    if root.tag not in kinds:
        yield f"the root is {root.tag}"
        return
    kind = kinds[root.tag]
    if not 1 <= len(root) <= MOST_URLS:
        yield f"{len(root)} entries"
    locs = [each.findtext(f"{SITEMAP}loc") or "" for each in root]
    if len({*locs}) != len(locs):
        yield "an address is there twice"
    news = root.findall(f"{SITEMAP}url/{NEWS}news")
    if len(news) > MOST_NEWS:
        yield f"{len(news)} news"
    for each in root:
        if each.tag != SITEMAP + kind:
            yield f"{each.tag} is no {kind}"
        yield from _entry(each, site)


def _entry(entry: Any, site: str) -> Faults:
    """Our own elements come first, in the schema's order, each once; then others'."""
    own = [str(each.tag)[len(SITEMAP) :] for each in entry if str(each.tag).startswith(SITEMAP)]
    if own != [name for name in _ORDER if name in own] or "loc" not in own:
        yield f"the elements {own}"
    if [str(each.tag).startswith(SITEMAP) for each in entry] != [
        at < len(own) for at in range(len(entry))
    ]:
        yield "others' elements must come last"
    yield from _loc(entry.findtext(f"{SITEMAP}loc"), site)
    lastmod = entry.findtext(f"{SITEMAP}lastmod")
    if lastmod is not None and not _LASTMOD.fullmatch(lastmod):
        yield f"lastmod {lastmod}"
    images = entry.findall(f"{IMAGE}image")
    if len(images) > MOST_IMAGES:
        yield f"{len(images)} images"
    for image in images:
        if [each.tag for each in image] != [f"{IMAGE}loc"] or not _absolute(image[0].text):
            yield f"image {etree.tostring(image)!r}"
    yield from _links(entry)
    for news in entry.findall(f"{NEWS}news"):
        yield from _news(news)


def _links(entry: Any) -> Faults:
    """A page names itself among its translations, and each language once."""
    links = entry.findall(f"{XHTML}link")
    for each in links:
        if each.get("rel") != "alternate" or not _absolute(each.get("href")):
            yield f"link {dict(each.attrib)}"
        if not _HREFLANG.fullmatch(each.get("hreflang") or ""):
            yield f"hreflang {each.get('hreflang')}"
    named = [each.get("href") for each in links]
    if links and entry.findtext(f"{SITEMAP}loc") not in named:
        yield "a page must name itself"
    languages = [each.get("hreflang") for each in links]
    if len({*languages}) != len(languages):
        yield f"a language is there twice: {languages}"


def _news(news: Any) -> Faults:
    names = [str(each.tag)[len(NEWS) :] for each in news]
    if names != ["publication", "publication_date", "title"]:
        yield f"news has {names}"
        return
    if [str(each.tag)[len(NEWS) :] for each in news[0]] != ["name", "language"]:
        yield "a publication has its name and language"
    texts = [each.text for each in (*news[0], *news[1:])]
    if not all(texts):
        yield "an empty element of news"
    if not _NEWS_LANGUAGE.fullmatch(news[0][1].text or ""):
        yield f"language {news[0][1].text}"
    if not _LASTMOD.fullmatch(news[1].text or ""):
        yield f"publication_date {news[1].text}"


def _loc(value: str | None, site: str) -> Faults:
    if not value or not SHORTEST_LOC <= len(value) < LONGEST_LOC:
        yield f"loc {value}"
    elif not value.startswith(f"{site}/") or not value.isascii():
        yield f"loc {value} is not of the site, or not percent-encoded"


def _absolute(value: str | None) -> bool:
    return bool(value) and urlsplit(value or "").scheme in ("http", "https")
