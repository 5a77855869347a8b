"""Reads of the open time by article and quarter, and their sums. Pure."""

from collections.abc import Callable, Iterable, Mapping

from services.stats.traffic.projections import Sums

Open = Mapping[str, Mapping[int, int]]
"""{article: {quarter: reads}}."""


def gathered(rows: Iterable[tuple[str, int, int]]) -> dict[str, dict[int, int]]:
    """Rows (article, quarter, reads) added up."""
    found: dict[str, dict[int, int]] = {}
    for article, quarter, reads in rows:
        held = found.setdefault(article, {})
        held[quarter] = held.get(quarter, 0) + reads
    return found


def reads_within(rows: Open, first: int, end: int) -> Sums:
    """The reads of each article from the quarter `first` until before `end`."""
    found = {}
    for article, held in rows.items():
        if total := sum([n for quarter, n in held.items() if first <= quarter < end]):
            found[article] = total
    return found


def by_section(rows: Open, section_of: Callable[[str], str]) -> dict[str, dict[int, int]]:
    """{section: {quarter: reads}}; that of articles which are not known is ""."""
    found: dict[str, dict[int, int]] = {}
    for article, held in rows.items():
        into = found.setdefault(section_of(article), {})
        for quarter, reads in held.items():
            into[quarter] = into.get(quarter, 0) + reads
    return found
