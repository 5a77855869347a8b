"""Lists of articles, newest first, in parts of twenty with keyset links."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from services.render.cursors import PagePlace, cursor_of, place_of
from services.render.kinds.parts import PageParts, PreparedList, place_of_page, prepared_list
from services.render.page import Page, Wanted
from services.render.serving.answers import Answer, redirect
from services.render.serving.routes import Asked

PER_PAGE = 20


@dataclass(frozen=True, kw_only=True)
class ListOf:
    """A list of articles, apart from the part of it that is asked for."""

    base: str
    """Its path, with the language's prefix."""
    wanted: Wanted
    heading: Callable[[list[Page]], str]
    """What stands above it, made of its articles."""
    section: str | None = None
    """The slug that the menu marks."""
    kept: bool = False
    """True: the list exists while it is empty."""
    followed: bool = False
    """True: it has feeds."""
    template: str = "list.html"


@dataclass(frozen=True, slots=True)
class _Part:
    pages: list[Page]
    newer: PagePlace | None
    older: PagePlace | None


class Lists:
    """Answers requests for lists."""

    def __init__(self, parts: PageParts) -> None:
        self._parts = parts

    async def answer(self, asked: Asked, listed: ListOf) -> Answer:
        """The asked part of the list: `before` or `after` a cursor, else its newest articles."""
        parts = self._parts
        if asked.has("page"):  # a link of earlier releases
            return redirect(listed.base, 301)
        before, after = asked.has("before"), asked.has("after")
        cursor = asked.one("before") if before else asked.one("after") if after else ""
        place = place_of(cursor or "")
        if (before or after) and (place is None or (before and after)):
            return parts.errors.not_found(asked.language)
        parts.require_totals()
        side, stale_side = await parts.side(asked.language)
        key = listed.base, cursor, after
        made, stale = await parts.lists.get(key, lambda: self._make(listed, asked, place, after))
        if made is None:
            # What is newer than the newest part is the list's beginning.
            return redirect(listed.base, 302) if after else parts.errors.not_found(asked.language)
        return parts.listed(
            key, made, side, section=self._label(listed.section), stale=stale or stale_side
        )

    def at_once(self, asked: Asked, base: str, section: str | None) -> Answer | None:
        """The newest articles of the list at `base`, if all of it is in memory and current. For
        requests without a query.
        """
        parts, key = self._parts, (base, "", False)
        made, side = parts.lists.peek(key), parts.side_at_once(asked.language)
        if made is None or side is None or not parts.totals.loaded:
            return None
        return parts.listed(key, made, side, section=self._label(section), stale=False)

    def _label(self, section: str | None) -> str:
        return "" if section is None else self._parts.metrics.section(section)

    async def _make(
        self, listed: ListOf, asked: Asked, place: PagePlace | None, newer: bool
    ) -> PreparedList | None:
        part = await self._part(listed.wanted, place, newer)
        if part is None or (not part.pages and not listed.kept):
            return None
        parts = self._parts
        html = parts.renderer.listing(
            listed.template,
            base=listed.base,
            language=asked.language,
            heading=listed.heading(part.pages),
            section=listed.section,
            items=[parts.item(page) for page in part.pages],
            cursor=None if place is None else (("after" if newer else "before"), cursor_of(place)),
            newer=None if part.newer is None else cursor_of(part.newer),
            older=None if part.older is None else cursor_of(part.older),
            followed=listed.followed,
            every=await self._every(listed, asked) if place is None else {},
        )
        return prepared_list(html)

    async def _every(self, listed: ListOf, asked: Asked) -> dict[str, str]:
        """The paths of the list in all languages in which there is one."""
        found = self._parts.renderer.site.in_every_language(listed.base.removeprefix(asked.prefix))
        for language in [*found]:
            wanted = replace(listed.wanted, language=language)
            there = listed.kept or language == asked.language
            if not there and not await self._parts.store.listing(wanted, 1):
                del found[language]
        return found if len(found) > 1 else {}

    async def _part(self, wanted: Wanted, place: PagePlace | None, newer: bool) -> _Part | None:
        """A part of the list; None if there is nothing at this place."""
        store = self._parts.store
        found = await store.listing(replace(wanted, place=place, newer=newer), PER_PAGE + 1)
        more, pages = len(found) > PER_PAGE, found[:PER_PAGE]
        if newer and not more:
            return None
        if newer:
            pages.reverse()
        elif place is not None and not pages:
            return None
        first = place_of_page(pages[0]) if pages and (newer or place is not None) else None
        last = place_of_page(pages[-1]) if pages and (newer or more) else None
        return _Part(pages, first, last)
