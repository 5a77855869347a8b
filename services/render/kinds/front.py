"""The front page: blocks that the site chooses, each with articles or a text.

An article stands in one block of articles, the first that shows it; the ranked lists are apart from
that.
"""

from typing import Any

from services.render.cursors import PagePlace, cursor_of
from services.render.kinds.lists import ListOf, Lists
from services.render.kinds.parts import PageParts, PreparedList, place_of_page, prepared_list
from services.render.kinds.ranked import most_read_items, trending_items
from services.render.page import Page
from services.render.serving.answers import Answer
from services.render.serving.routes import Asked
from services.render.site.blocks import FrontBlock

Shown = dict[str, Any]


class FrontPage:
    """Answers requests for the front page, and for older parts of the list of all articles."""

    def __init__(self, parts: PageParts, lists: Lists) -> None:
        self._parts, self._lists = parts, lists

    async def __call__(self, asked: Asked) -> Answer:
        """The front page of the asked language."""
        parts, base = self._parts, f"{asked.prefix}/"
        if any(asked.has(name) for name in ("before", "after", "page")):
            wanted = parts.wanted(asked.language)
            words = parts.renderer.words(asked.language)
            listed = ListOf(base=base, wanted=wanted, heading=lambda _: words.say("Tin đã đăng"))
            return await self._lists.answer(asked, listed)
        parts.require_totals()
        side, stale_side = await parts.side(asked.language)
        key = "front", asked.language
        made, stale = await parts.lists.get(key, lambda: self._make(asked, base))
        assert made is not None  # noqa: S101  (a front page is made without articles too)
        return parts.listed(key, made, side, section="", stale=stale or stale_side)

    def at_once(self, asked: Asked) -> Answer | None:
        """The front page, if all of it is in memory and current. For requests without a query."""
        parts, key = self._parts, ("front", asked.language)
        made, side = parts.lists.peek(key), parts.side_at_once(asked.language)
        if made is None or side is None or not parts.totals.loaded:
            return None
        return parts.listed(key, made, side, section="", stale=False)

    async def _make(self, asked: Asked, base: str) -> PreparedList:
        parts, site = self._parts, self._parts.renderer.site
        blocks, shown = list[Shown](), set[str]()
        older: PagePlace | None = None
        for block in site.blocks:
            if block.kind in ("most_read", "trending"):
                blocks.append(await self._ranked(block, asked.language))
                continue
            found, more = await self._articles(block, asked.language, shown)
            shown.update(page.id for page in found)
            if block.kind == "latest" and more:
                older = place_of_page(found[-1])
            items = [parts.item(page) for page in found]
            blocks.append({"block": block, "items": items})
        html = parts.renderer.page(
            "front.html",
            title=site.name.said_in(asked.language),
            canonical=site.url + base,
            language=asked.language,
            json_ld=parts.renderer.heads.of_front(asked.language, asked.prefix),
            today=parts.renderer.words(asked.language).day(parts.clock()),
            blocks=[each for each in blocks if each["items"] or each["block"].text],
            base=base,
            every=site.in_every_language("/"),
            prefix=asked.prefix,
            older_url=None if older is None else f"{base}?before={cursor_of(older)}",
        )
        return prepared_list(html)

    async def _articles(
        self, block: FrontBlock, language: str, shown: set[str]
    ) -> tuple[list[Page], bool]:
        """The articles of a block, without those above it, and whether there are more."""
        parts = self._parts
        if block.kind == "notice":
            return [], False
        chosen: dict[str, Any] = {}
        if block.kind == "section":
            chosen["sections"] = parts.renderer.site.within(block.section)
        if block.kind == "pinned":
            chosen["pinned"] = True
        wanted = parts.wanted(language, **chosen)
        found = await parts.store.listing(wanted, block.count + len(shown) + 1)
        pages = [page for page in found if page.id not in shown]
        return pages[: block.count], len(pages) > block.count

    async def _ranked(self, block: FrontBlock, language: str) -> Shown:
        parts = self._parts
        found = (
            await most_read_items(parts, block.window, language, block.count)
            if block.kind == "most_read"
            else await trending_items(parts, language, block.count)
        )
        items, _ = found or ([], False)
        return {"block": block, "items": items}
