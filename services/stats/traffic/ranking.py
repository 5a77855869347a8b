"""Top lists: the reads of closed time, kept sorted, and those of the open tail. Pure.

A hundred thousand articles are walked in short turns, so that other work runs in between.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from heapq import merge, nsmallest
from itertools import islice

from services.stats.traffic.chunks import chunks
from services.stats.traffic.projections import Sums

Ranked = tuple[int, str]
"""(minus reads, article), so that the order of tuples is that of a top list: most reads first, ties
by article id."""
AT_ONCE_WALKED = 500
"""Articles that are looked at without a pause."""
Wanted = Callable[[str], bool]


class Ranking:
    """Reads by article."""

    def __init__(self, reads: Sums) -> None:
        self.reads = reads
        self._order: list[str] | None = None

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

    async def top(
        self, tail: Mapping[str, int], limit: int, listed: Wanted, among: "Among | None" = None
    ) -> list[tuple[str, int]]:
        """The `limit` most read of the `listed` articles, with the reads of `tail` added. No others
        than `among` are listed, if it is given.

        An article without reads in the tail keeps its place in `order`. So the candidates are the
        articles of the tail, and the first of `order` that are not among them.
        """
        held = self.reads

        def moved(article: str) -> Ranked | None:
            reads = tail[article]
            return (-held.get(article, 0) - reads, article) if reads and listed(article) else None

        def kept(article: str) -> Ranked | None:
            if article in held and not tail.get(article) and listed(article):
                return -held[article], article
            return None

        first = await self._first(limit, kept, among.number if among else len(held))
        if first is None and among:
            first = await _first_of(await among.articles(), limit, kept)
        ranked = merge(await _first_of(tail, limit, moved), first or [])
        return [(article, -reads) for reads, article in islice(ranked, limit)]

    async def _first(
        self, limit: int, ranked: Callable[[str], Ranked | None], steps: int
    ) -> list[Ranked] | None:
        """The `limit` first of the articles that are `ranked`; None if more than `steps` articles
        come before the last of them.
        """
        found: list[Ranked] = []
        for place, article in enumerate(await self.order()):
            if len(found) >= limit and -self.reads[article] > found[limit - 1][0]:
                break
            if place > steps + AT_ONCE_WALKED:
                return None
            if each := ranked(article):
                found.append(each)
            if (place + 1) % AT_ONCE_WALKED == 0:
                await asyncio.sleep(0)
        # The last ones have as many reads as each other: there may be too many of them.
        return await _least(found, limit)


@dataclass(frozen=True, slots=True)
class Among:
    """The only articles that may get into a list: their number, and the articles."""

    number: int
    articles: Callable[[], Awaitable[Collection[str]]]


async def _first_of(
    articles: Collection[str], limit: int, ranked: Callable[[str], Ranked | None]
) -> list[Ranked]:
    best: list[Ranked] = []
    async for some in chunks(articles):
        best = nsmallest(limit, [*best, *filter(None, map(ranked, some))])
    return best


async def _least(found: list[Ranked], limit: int) -> list[Ranked]:
    best: list[Ranked] = []
    async for some in chunks(found):
        best = nsmallest(limit, [*best, *some])
    return best
