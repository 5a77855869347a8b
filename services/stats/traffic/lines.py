"""The lines of a series: its reads, and beside them those of each class. Pure.

Every form of a series, JSON, CSV or NDJSON, has the values of `point_rows`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from services.stats.traffic.course import NO_READS, LongCourse
from services.stats.traffic.export import MOMENT_COLUMNS, ExportRow, moment_values
from services.stats.traffic.site_buckets import READS, SiteKey
from shared.rabbit.batch import (
    BATCH,
    DEVICES,
    FILTERED_CLASSES,
    OTHER_CLASS,
    READER,
    REFERRERS,
)
from shared.storage.quarters import quarter_of, start_of

NOT_KNOWN = "not_known"
SPLITS: Mapping[str, tuple[str, ...]] = {
    "class": (READER, BATCH, *FILTERED_CLASSES, OTHER_CLASS),
    "referrer": REFERRERS,
    "device": DEVICES,
}
"""The classes of each way to split reads."""
Signed = tuple[LongCourse, int]
"""A course, and 1 or -1."""


@dataclass(frozen=True, slots=True)
class SeriesLines:
    """The lines of a series, by name; the first one is `reads`. A line is a sum of courses."""

    lines: Mapping[str, Sequence[Signed]]
    since: int | None
    """The quarter before which nothing is known; None if nothing is known at all."""
    as_of: datetime

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of its rows."""
        return (*MOMENT_COLUMNS, *self.lines)


def lines_of(
    courses: Mapping[SiteKey, LongCourse], chosen: str | None, split: str | None
) -> dict[str, list[Signed]]:
    """The lines of the site or of an article: its reads, or those of the class `chosen`, and with
    `split` those of each class. Reads of classes that this release does not know add to `other`.

    Referrers and devices are those of reads of class reader; what is missing is `not_known`.
    """
    key = ("class", chosen) if chosen else READS
    found = {"reads": [(courses.get(key, NO_READS), 1)]}
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


def point_rows(edges: Sequence[int], zone: ZoneInfo, series: SeriesLines) -> Iterator[ExportRow]:
    """The rows of `series.columns` of the steps between `edges`: quarters in rising order.

    A number is None, not known, if it is 0 and its step ended before `series.since` or begins after
    `series.as_of`.
    """
    since, now = series.since, quarter_of(series.as_of)
    values = [_ranges(edges, line) for line in series.lines.values()]
    for (first, end), *numbers in zip(pairwise(edges), *values, strict=True):
        known = since is not None and end > since and first <= now
        moment = moment_values(start_of(first), zone)
        yield (*moment, *(numbers if known else [number or None for number in numbers]))


def _ranges(edges: Sequence[int], line: Sequence[Signed]) -> list[int]:
    sums = [0] * (len(edges) - 1)
    for course, sign in line:
        for place, reads in enumerate(course.ranges(edges)):
            sums[place] += sign * reads
    return sums
