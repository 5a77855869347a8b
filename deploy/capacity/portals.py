"""The portals that the plan is made for, and how their reads spread over articles. Pure.

These are assumptions, not measurements; docs/capacity.md names them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from math import exp, log

BLOCK = 1.2
"""Ranks are taken in blocks, each so many times as far down as the last; ranks of a block have
nearly the same share of the reads."""


@dataclass(frozen=True)
class Portal:
    """A portal with `reads` page views a second, held all day."""

    reads: float
    catalogue: int
    """Articles that are read at all."""
    articles_a_day: int
    """New and changed ones."""


PORTALS = (
    Portal(1, 1_000, 10),
    Portal(100, 10_000, 100),
    Portal(10_000, 100_000, 1_000),
    Portal(1_000_000, 1_000_000, 10_000),
)


@cache
def _blocks(catalogue: int) -> tuple[tuple[int, float], ...]:
    """(number of ranks, share of each one of them): rank n is read 1/n as often as rank 1."""
    ranges = list(_ranges(catalogue))
    weights = [log((last + 0.5) / (first - 0.5)) for first, last in ranges]
    total = sum(weights)
    return tuple(
        (last - first + 1, weight / total / (last - first + 1))
        for (first, last), weight in zip(ranges, weights, strict=True)
    )


def _ranges(catalogue: int) -> Iterator[tuple[int, int]]:
    first = 1
    while first <= catalogue:
        last = min(catalogue, max(first, int(first * BLOCK)))
        yield first, last
        first = last + 1


def distinct_articles(catalogue: int, reads: float) -> float:
    """How many different articles so many reads are of, on average."""
    return sum(ranks * (1 - exp(-reads * share)) for ranks, share in _blocks(catalogue))
