"""Groups equal reads of a batch. Pure."""

from collections.abc import Iterable

from shared.rabbit.batch import QUARTER_MS, READER, Group, join_hashes

BatchedRead = tuple[str, int, int, str]
"""(article, accepted at in milliseconds, salt day, visitor);
the last two are 0 and "" if the visitor is not known."""


def grouped(reads: Iterable[BatchedRead]) -> tuple[list[Group], str]:
    """Equal reads as groups, and the hashes of their distinct visitors in the wire's form.

    This runs for each read of the site: one more microsecond is 4 % of a read's cost.
    """
    found: dict[tuple[int, int], dict[str, list[str]]] = {}
    readers: dict[str, list[str]] = {}
    begin = end = day = 0
    for article, accepted_at, salt_day, visitor in reads:
        if (
            not begin <= accepted_at < end or salt_day != day
        ):  # true for a batch's first read and hardly any other
            quarter, day = accepted_at // QUARTER_MS, salt_day
            begin, end = quarter * QUARTER_MS, (quarter + 1) * QUARTER_MS
            readers = found.setdefault((quarter, day), {})
        if article in readers:
            readers[article].append(visitor)
        else:
            readers[article] = [visitor]
    groups, hashes = list[Group](), list[str]()
    for (quarter, day), readers in found.items():
        for article, visitors in readers.items():
            number = len(visitors)
            if not day:
                visitors = []
            elif number > 1:
                visitors = list(dict.fromkeys(visitors))
            groups.append((READER, article, quarter, number, day, len(visitors)))
            hashes += visitors
    return groups, join_hashes(hashes)
