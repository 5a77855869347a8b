"""Top lists: the reads of closed time, kept sorted, and those of the open tail. Pure.

A hundred thousand articles are walked in short turns, so that other work runs in between.
"""

import asyncio
from collections.abc import Mapping
from heapq import merge, nsmallest
from itertools import islice

from services.stats.traffic.chunks import chunks
from services.stats.traffic.projections import Sums
from services.stats.traffic.sections.listed import ListedArticles

Ranked = tuple[int, str]
"""(minus reads, article), so that the order of tuples is that of a top list: most reads first, ties
by article id."""
AT_ONCE_WALKED = 500
"""Articles that are looked at without a pause."""


class Ranking:
    """Reads by article."""

    def __init__(self, reads: Sums) -> None:
        self.reads = reads
        self._order: list[str] | None = None
        self._by_section: dict[str, list[str]] = {}
        self._arrangement: int | None = None

    async def order(self) -> list[str]:
        """The articles, most reads first, those with as many in any order: only the few that get
        into a list are sorted by their ids. Made with the first list: no list is made of trends.
        """
        if self._order is None:
            # Sorted by magnitude, each in four parts: all at once would take too long.
            parts: dict[tuple[int, int], list[str]] = {}
            async for some in chunks(self.reads.items()):
                for article, reads in some:
                    size = reads.bit_length()
                    parts.setdefault((size, reads >> max(0, size - 3)), []).append(article)
            ranked: list[str] = []
            for part in sorted(parts, reverse=True):
                ranked += sorted(parts[part], key=self.reads.__getitem__, reverse=True)
                await asyncio.sleep(0)
            self._order = ranked
        return self._order

    async def order_in(self, section: str, listed: ListedArticles) -> list[str]:
        """Those of one section in the same order. All sections are told apart at once, again only
        when an article is in another section, or a new one in its first.
        """
        if self._arrangement != listed.arrangement:
            found: dict[str, list[str]] = {}
            async for some in chunks(await self.order()):
                for article in some:
                    found.setdefault(listed.section_of(article), []).append(article)
            self._by_section, self._arrangement = found, listed.arrangement
        return self._by_section.get(section, [])

    async def top(
        self, tail: Mapping[str, int], limit: int, section: str | None, listed: ListedArticles
    ) -> list[tuple[str, int]]:
        """The `limit` most read articles that are published, of `section` if it is given, with the
        reads of `tail` added, which has such articles alone.

        An article without reads in the tail keeps its place in the order. So the candidates are the
        articles of the tail, and the first of the order that are not among them.
        """
        order = await (self.order() if section is None else self.order_in(section, listed))
        kept = await self._kept(order, limit, tail, listed)
        least = -kept[-1][0] if len(kept) == limit else 0
        ranked = merge(await self._moved(tail, limit, least), kept)
        return [(article, -reads) for reads, article in islice(ranked, limit)]

    async def _moved(self, tail: Mapping[str, int], limit: int, least: int) -> list[Ranked]:
        """The `limit` first of the articles of the tail that have `least` reads."""
        held, best = self.reads, list[Ranked]()
        async for some in chunks(tail.items()):
            for article, reads in some:
                if reads and (whole := held.get(article, 0) + reads) >= least:
                    best.append((-whole, article))
            best = nsmallest(limit, best)
        return best

    async def _kept(
        self, order: list[str], limit: int, tail: Mapping[str, int], listed: ListedArticles
    ) -> list[Ranked]:
        """The `limit` first of `order` that are published and have no reads in the tail."""
        found: list[Ranked] = []
        for place, article in enumerate(order):
            reads = self.reads[article]
            if len(found) >= limit and -reads > found[limit - 1][0]:
                break
            if not tail.get(article) and listed.is_published(article):
                found.append((-reads, article))
            if (place + 1) % AT_ONCE_WALKED == 0:
                await asyncio.sleep(0)
        # The last ones have as many reads as each other: there may be too many of them.
        return await _least(found, limit)


async def _least(found: list[Ranked], limit: int) -> list[Ranked]:
    best: list[Ranked] = []
    async for some in chunks(found):
        best = nsmallest(limit, [*best, *some])
    return best
