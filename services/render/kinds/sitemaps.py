"""The sitemap: its index, its parts, and the news sitemap.

A part has the articles of a month of UTC, oldest first, or of a piece of the month that begins
after a place: `/sitemap-202611.xml`, `/sitemap-202611-1764313501123-ls0001.xml`. So while articles
are added, only the newest part changes.
"""

import asyncio
import re
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import quote

from services.render.cursors import PagePlace, cursor_of, place_of
from services.render.kinds.machines import MachineParts
from services.render.kinds.month import ARCHIVE
from services.render.kinds.most_read import MOST_READ
from services.render.machine.hreflang import alternates_of, with_default
from services.render.machine.publication import MachineArticle
from services.render.machine.sitemap import (
    MOST_NEWS,
    NEWS_AGE,
    PART,
    SitemapList,
    SitemapPart,
    articles_sitemap,
    lists_sitemap,
    news_sitemap,
    sitemap_index,
)
from services.render.machine.store import SitemapMonth
from services.render.page import Wanted
from services.render.serving.answers import Answer
from services.render.serving.database import NoAnswer
from services.render.serving.routes import Asked
from services.render.serving.tags import tag_of
from shared.web import headers as security

PATTERN = r"/(sitemap(?:-[0-9a-z-]{1,60})?|news-sitemap)\.xml"
LISTS_PART = "lists"
MOST_WAITING = 4
"""Sitemaps that are made or wait for it; others are refused for the moment."""

_NAME = re.compile(r"([0-9]{4})(0[1-9]|1[0-2])(?:-(.+))?")
_MINUTE = b"public, max-age=60"


class SitemapFile:
    """Answers requests for sitemaps. One at a time is made: a part is a long read."""

    def __init__(self, machine: MachineParts) -> None:
        self._machine, self._parts = machine, machine.parts
        self._one, self._waiting = asyncio.Lock(), 0

    async def __call__(self, asked: Asked) -> Answer:
        """The sitemap; 404 for a part without articles."""
        name = asked.groups[0]
        body, stale = await self._machine.sitemaps.get(name, lambda: self._made(name))
        if body is None:
            return self._parts.errors.not_found()
        return Answer(
            kind="feed",
            body=body,
            content_type=b"application/xml; charset=utf-8",
            tag=tag_of(body),
            caching=_MINUTE,
            policy=security.OPEN,
            stale=stale,
        )

    async def _made(self, name: str) -> bytes | None:
        # Those that wait take places in the queue of readers' queries, which pages need.
        if self._waiting >= MOST_WAITING:
            raise NoAnswer("many sitemaps are asked for")
        self._waiting += 1
        try:
            async with self._one:
                return await self._make(name)
        finally:
            self._waiting -= 1

    async def _make(self, name: str) -> bytes | None:
        if name == "sitemap":
            return await self._index()
        if name == "news-sitemap":
            return await self._news()
        part = name.removeprefix("sitemap-")
        return self._lists() if part == LISTS_PART else await self._part(part)

    async def _index(self) -> bytes:
        parts = [SitemapPart(f"/sitemap-{LISTS_PART}.xml")]
        for month in await self._machine.store.sitemap_months():
            first = f"/sitemap-{month.begin:%Y%m}"
            parts.append(SitemapPart(f"{first}.xml", month.modified))
            if month.pages > PART:
                ends = await self._machine.store.every(PART, month.wanted)
                # No part begins after the month's last article.
                begun = ends if month.pages % PART else ends[:-1]
                parts += [
                    SitemapPart(f"{first}-{cursor_of(place)}.xml", month.modified)
                    for place in begun
                ]
        return sitemap_index(self._machine.publication, parts)

    def _lists(self) -> bytes:
        site, lists = self._parts.renderer.site, list[SitemapList]()
        for path in ("/", *(f"/{each}/" for each in (*site.every_section, ARCHIVE, MOST_READ))):
            every = site.in_every_language(path)
            alternates = with_default(every, site.language)
            lists += [SitemapList(each, alternates) for each in every.values() or [path]]
        return lists_sitemap(self._machine.publication, lists)

    async def _part(self, name: str) -> bytes | None:
        if not (match := _NAME.fullmatch(name)):
            return None
        year, month, cursor = int(match[1]), int(match[2]), match[3]
        place = place_of(cursor) if cursor else None
        if not 1900 <= year <= 2900 or (cursor and place is None):
            return None
        articles = await self._articles(
            SitemapMonth(datetime(year, month, 1, tzinfo=UTC), 0, None).wanted, place
        )
        return articles_sitemap(self._machine.publication, articles) if articles else None

    async def _articles(self, wanted: Wanted, place: PagePlace | None) -> list[MachineArticle]:
        store = self._parts.store
        since, until = wanted.since, wanted.until
        pages = await store.listing(Wanted(since=since, until=until, place=place, newer=True), PART)
        if not pages:
            return []
        alternates = await alternates_of(pages, store.translations)
        found = list[MachineArticle]()
        for page in pages:
            links = with_default(alternates.get(page.id, {}), self._parts.renderer.site.language)
            links = {tag: quote(path) for tag, path in links.items()}
            found.append(replace(self._machine.article(page), alternates=links))
            if not len(found) % 100:
                await asyncio.sleep(0)  # pages are served in between
        return found

    async def _news(self) -> bytes:
        machine = self._machine
        since = self._parts.clock() - NEWS_AGE
        pages = await self._parts.store.listing(Wanted(since=since), MOST_NEWS)
        return news_sitemap(machine.publication, [machine.article(page) for page in pages])
