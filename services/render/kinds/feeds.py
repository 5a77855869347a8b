"""Feeds of the site, a section, a tag and a topic, as RSS and as Atom."""

from dataclasses import dataclass
from urllib.parse import quote

from services.render.keys import tag_key
from services.render.kinds.machines import MachineParts
from services.render.kinds.tag import TAG, TOPIC, named
from services.render.machine.atom import atom
from services.render.machine.feed import ATOM_TYPE, RSS_TYPE, Feed
from services.render.machine.rss import rss
from services.render.page import Page, Wanted
from services.render.serving.answers import Answer, redirect
from services.render.serving.routes import Asked
from services.render.serving.tags import tag_of
from shared.web import headers as security

PATTERN = rf"/(?:({TAG}|{TOPIC})/([^/]{{1,400}})/|([a-z0-9-]{{1,100}})/)?(feed|atom)\.xml"
ENTRIES = 30
MOST_TEXT = 64 << 10
"""Bytes of HTML up to which an article's text stands in a feed; longer ones have their lead."""

_FORMATS = {"feed": (rss, RSS_TYPE), "atom": (atom, ATOM_TYPE)}


@dataclass(frozen=True, slots=True)
class _Followed:
    """The list that a feed follows."""

    base: str
    wanted: Wanted
    field: str = ""
    """`tags` or `topic`; empty for another list."""
    key: str = ""
    section: str = ""
    kept: bool = False
    """True: the feed exists while it is empty."""


class FeedFile:
    """Answers requests for feeds."""

    def __init__(self, machine: MachineParts) -> None:
        self._machine, self._parts = machine, machine.parts

    async def __call__(self, asked: Asked) -> Answer:
        """The feed; 301 to a tag's key; 404 where there is no list."""
        room, name, section, form = asked.groups
        key = tag_key(name)
        if name != key:
            to = f"{asked.prefix}/{room}/{key}/{form}.xml"
            return redirect(to, 301, asked.query) if key else self._parts.errors.not_found()
        followed = self._followed(asked, room, key, section)
        body, stale = await self._machine.feeds.get(
            (followed.base, form), lambda: self._make(followed, asked.language, form)
        )
        if body is None:
            return self._parts.errors.not_found()
        return Answer(
            kind="feed",
            body=body,
            content_type=f"{_FORMATS[form][1]}; charset=utf-8".encode(),
            tag=tag_of(body),
            policy=security.OPEN,
            stale=stale,
        )

    def _followed(self, asked: Asked, room: str, key: str, section: str) -> _Followed:
        parts, prefix, language = self._parts, asked.prefix, asked.language
        if room == TAG:
            wanted = parts.wanted(language, tags=(key,))
            return _Followed(f"{prefix}/{TAG}/{key}/", wanted, "tags", key)
        if room == TOPIC:
            wanted = parts.wanted(language, topic=key)
            return _Followed(f"{prefix}/{TOPIC}/{key}/", wanted, "topic", key)
        if section:
            site = parts.renderer.site
            wanted = parts.wanted(language, sections=site.within(section))
            kept = section in site.every_section
            return _Followed(f"{prefix}/{section}/", wanted, section=section, kept=kept)
        return _Followed(f"{prefix}/", parts.wanted(language), kept=True)

    async def _make(self, followed: _Followed, language: str, form: str) -> bytes | None:
        pages = await self._machine.store.with_texts(followed.wanted, ENTRIES, MOST_TEXT)
        if not pages and not followed.kept:
            return None
        name = self._name(followed, pages, language)
        site = self._machine.publication_in(language)
        feed = Feed(
            publication=site,
            title=f"{name} – {site.name}" if name else site.name,
            language=language,
            path=quote(followed.base),
            articles=[self._machine.article(page) for page in pages],
        )
        return _FORMATS[form][0](feed)

    def _name(self, followed: _Followed, pages: list[Page], language: str) -> str:
        if followed.field:
            return named(followed.field, followed.key)(pages)
        if not followed.section:
            return ""
        return self._parts.renderer.site.section(followed.section).name.said_in(language)
