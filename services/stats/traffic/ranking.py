"""Top lists: the reads of closed time, kept sorted, and those of the open tail. Pure."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from heapq import merge, nsmallest
from itertools import groupby, islice

from services.stats.traffic.projections import Sums

Ranked = tuple[int, str]
"""(minus reads, article), so that the order of tuples is that of a top list: most reads first, ties
by article id."""


@dataclass(frozen=True)
class Ranking:
    """Reads by article."""

    reads: Sums

    @cached_property
    def order(self) -> list[str]:
        """The articles, most reads first, those with as many in any order: only the few that get
        into a list are sorted by their ids. Made with the first list: no list is made of trends.
        """
        return sorted(self.reads, key=self.reads.__getitem__, reverse=True)

    def top(
        self, tail: Mapping[str, int], limit: int, listed: Callable[[str], bool]
    ) -> list[tuple[str, int]]:
        """The `limit` most read of the `listed` articles, with the reads of `tail` added.

        An article without reads in the tail keeps its place in `order`. So the candidates are the
        articles of the tail, and the first of `order` that are not among them.
        """
        held = self.reads
        moved = nsmallest(
            limit, ((-held.get(a, 0) - n, a) for a, n in tail.items() if n and listed(a))
        )
        kept = self._first(limit, lambda each: not tail.get(each) and listed(each))
        return [(article, -reads) for reads, article in islice(merge(moved, kept), limit)]

    def _first(self, limit: int, wanted: Callable[[str], bool]) -> Iterator[Ranked]:
        """The `limit` first of the `wanted` articles."""
        left = limit
        for reads, articles in groupby(self.order, self.reads.__getitem__):
            chosen = nsmallest(left, filter(wanted, articles))
            yield from ((-reads, article) for article in chosen)
            left -= len(chosen)
            if not left:
                return
