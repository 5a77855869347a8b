"""Reads of the open time by article and quarter, and their sums. Pure."""

from collections.abc import Callable, Iterable, Mapping

from services.stats.traffic.chunks import chunks
from services.stats.traffic.projections import Sums

Open = Mapping[str, Mapping[int, int]]
"""{article: {quarter: reads}}."""


def add_quarters(
    into: dict[str, dict[int, int]], article: str, parts: Iterable[tuple[int, int]]
) -> None:
    """Add parts (quarter, reads) of an article."""
    held = into.setdefault(article, {})
    for quarter, reads in parts:
        held[quarter] = held.get(quarter, 0) + reads


def reads_within(rows: Open, first: int, end: int) -> Sums:
    """The reads of each article from the quarter `first` until before `end`."""
    found = {}
    for article, held in rows.items():
        if total := sum([n for quarter, n in held.items() if first <= quarter < end]):
            found[article] = total
    return found


async def by_section(rows: Open, section_of: Callable[[str], str]) -> dict[str, dict[int, int]]:
    """{section: {quarter: reads}}; that of articles which are not known is "". Other work runs in
    between.
    """
    found: dict[str, dict[int, int]] = {}
    async for some in chunks(rows.items()):
        for article, held in some:
            add_quarters(found, section_of(article), held.items())
    return found
