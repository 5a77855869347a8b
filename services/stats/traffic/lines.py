"""The lines of a series: its reads, and beside them those of each class. Pure.

Every form of a series, JSON, CSV or NDJSON, has the values of `point_rows`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from services.stats.traffic.course import NO_READS, LongCourse, SparseCourse
from services.stats.traffic.export import MOMENT_COLUMNS, quarter_values
from services.stats.traffic.site_buckets import READS, SiteKey
from shared.rabbit.batch import (
    BATCH,
    DEVICES,
    FILTERED_CLASSES,
    OTHER_CLASS,
    READER,
    REFERRERS,
)
from shared.storage.quarters import quarter_of

NOT_KNOWN = "not_known"
"""The kind of a reader's read of which the referrer, or the device, is not known."""
SPLITS: Mapping[str, tuple[str, ...]] = {
    "class": (READER, BATCH, *FILTERED_CLASSES, OTHER_CLASS),
    "referrer": REFERRERS,
    "device": DEVICES,
}
"""The classes of each way to split reads."""
SeriesRow = tuple[str, str, int, *tuple[int | None, ...]]
"""The moment (`MOMENT_COLUMNS`), and the number of each line; None is not known."""
Signed = tuple[LongCourse | SparseCourse, int]
"""A course, and 1 or -1."""


@dataclass(frozen=True, slots=True)
class SeriesLines:
    """The lines of a series, by name; the first one is `reads`. A line is a sum of courses."""

    lines: Mapping[str, Sequence[Signed]]
    since: int | None
    """The quarter before which nothing is known; None if nothing is known at all."""
    as_of: datetime


def lines_of(
    courses: Mapping[SiteKey, LongCourse] | Mapping[SiteKey, SparseCourse],
    chosen: str | None,
    split: str | None,
) -> dict[str, list[Signed]]:
    """The lines of the site or of an article: its reads, or those of the class `chosen`, and with
    `split` those of each class. Reads of classes that this release does not know add to `other`.

    Referrers and devices are those of reads of class reader; what is missing is `not_known`.
    """
    key = key_of(chosen)
    found: dict[str, list[Signed]] = {"reads": [(courses.get(key, NO_READS), 1)]}
    if split is None:
        return found
    for kind in SPLITS[split]:
        found[kind] = []
    for (what, kind), course in courses.items():
        if what == split:
            found[kind if kind in SPLITS[split] else OTHER_CLASS].append((course, 1))
    if split != "class":
        known = [(course, -1) for (what, _), course in courses.items() if what == split]
        found[NOT_KNOWN] = [(courses.get(("class", READER), NO_READS), 1), *known]
    return found


def key_of(chosen: str | None) -> SiteKey:
    """The course of a class, or of all reads."""
    return ("class", chosen) if chosen else READS


def columns_of(split: str | None) -> tuple[str, ...]:
    """The columns of `point_rows`."""
    return (*MOMENT_COLUMNS, *lines_of({}, None, split))


def point_rows(edges: Sequence[int], zone: ZoneInfo, series: SeriesLines) -> Iterator[SeriesRow]:
    """The rows of `columns_of` of the steps between `edges`: quarters in rising order."""
    values = [
        known_reads(edges, line_reads(edges, line), series.since, series.as_of)
        for line in series.lines.values()
    ]
    # The last edge is only the end of the last step.
    for first, *numbers in zip(edges, *values, strict=False):
        yield (*quarter_values(first, zone), *numbers)


def known_reads(
    edges: Sequence[int], reads: Sequence[int], since: int | None, as_of: datetime
) -> list[int | None]:
    """`reads` of the time between each of `edges` and the next one, with None in place of a 0 that
    is not known: where the time ends before the quarter `since`, or begins after `as_of`.
    """
    now = quarter_of(as_of)
    return [
        None if not number and (since is None or end <= since or first > now) else number
        for (first, end), number in zip(pairwise(edges), reads, strict=True)
    ]


def line_reads(edges: Sequence[int], line: Sequence[Signed]) -> list[int]:
    """The reads of a line between each of `edges` and the next one."""
    sums = [0] * (len(edges) - 1)
    for course, sign in line:
        for place, reads in enumerate(course.ranges(edges)):
            sums[place] += sign * reads
    return sums
