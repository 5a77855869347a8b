"""The articles of the lists that stats makes, as pages show them."""

from typing import Any

from services.render.figures import RankedArticle
from services.render.kinds.parts import PageParts
from services.render.page import Page

MOST_RANKED = 100
"""Articles that are looked for: stats stores so many. Some of them may be withdrawn by now, or of
another language."""


async def most_read_items(
    parts: PageParts, window: str, language: str, limit: int
) -> tuple[list[dict[str, Any]], bool] | None:
    """The most read articles of a window, and whether they are stale; None if they are not known.

    An item is as in every list, with `window_reads`: its reads in the window.
    """
    return await _items(parts, f"top:{window}", parts.totals.top(window), language, limit)


async def trending_items(
    parts: PageParts, language: str, limit: int
) -> tuple[list[dict[str, Any]], bool] | None:
    """The trending articles, and whether they are stale; None if they are not known.
    `window_reads` are their reads of the last two hours.
    """
    return await _items(parts, "trending", parts.totals.trending(), language, limit)


async def _items(
    parts: PageParts,
    name: str,
    ranked: tuple[RankedArticle, ...] | None,
    language: str,
    limit: int,
) -> tuple[list[dict[str, Any]], bool] | None:
    if not ranked:
        return None if ranked is None else ([], False)
    pages, stale = await parts.ranked.get((name, language), lambda: _pages(parts, ranked, language))
    number = parts.renderer.words(language).number
    items = [
        parts.item(page) | {"window_reads": number(reads), "window_count": reads}
        for page, reads in pages[:limit]
    ]
    return items, stale


async def _pages(
    parts: PageParts, ranked: tuple[RankedArticle, ...], language: str
) -> list[tuple[Page, int]]:
    ids = tuple(each.id for each in ranked[:MOST_RANKED])
    found = await parts.store.listing(parts.wanted(language, ids=ids), MOST_RANKED)
    pages = {page.id: page for page in found}
    return [(pages[each.id], each.reads) for each in ranked if each.id in pages]
