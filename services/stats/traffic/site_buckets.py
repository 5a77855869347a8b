"""What the site's buckets, or an article's, say by what is counted. Pure.

A key is (what, which): (`reads`, "") people's reads; (`class`, "reader") and the other classes of
`shared.rabbit.batch`; (`referrer`, class) and (`device`, class). People's reads are of the class
`batch` if `by.batch` says so, else of `reader`: an earlier release told none apart.
"""

from collections.abc import Iterable, Iterator, Mapping

from shared.rabbit.batch import BATCH, READER
from shared.storage.quarters import PER_DAY, day_number
from shared.storage.versions import Document

SiteKey = tuple[str, str]
READS: SiteKey = ("reads", "")
SOURCES = ("referrer", "device")
DayReads = dict[int, dict[SiteKey, dict[int, int]]]
"""{UTC day, counted from 1970: {key: {quarter of the day: reads}}}."""


def site_days(buckets: Iterable[Document]) -> DayReads:
    """The reads in `buckets` of the site or of one article, slots added up."""
    found: DayReads = {}
    for bucket in buckets:
        into = found.setdefault(day_number(bucket["day"]), {})
        for key, quarters, sign in _maps(bucket):
            held = into.setdefault(key, {})
            for name, reads in quarters.items():
                quarter = int(name)
                held[quarter] = held.get(quarter, 0) + sign * reads
    return found


def add_bucket(
    found: dict[SiteKey, dict[int, int]], bucket: Document, wanted: SiteKey | None = None
) -> None:
    """Add a bucket of the site or of one article to `found`: {key: {quarter since 1970: reads}}; of
    the key `wanted` alone, if that is given.
    """
    first = day_number(bucket["day"]) * PER_DAY
    for key, quarters, sign in _maps(bucket):
        if wanted is None or key == wanted:
            into = found.setdefault(key, {})
            for name, reads in quarters.items():
                quarter = first + int(name)
                into[quarter] = into.get(quarter, 0) + sign * reads


def add_days(found: dict[SiteKey, dict[int, int]], days: DayReads) -> None:
    """Add `days` to `found`: {key: {quarter since 1970: reads}}."""
    for day, kinds in days.items():
        for key, reads in kinds.items():
            into = found.setdefault(key, {})
            for place, number in reads.items():
                quarter = day * PER_DAY + place
                into[quarter] = into.get(quarter, 0) + number


def _maps(bucket: Document) -> Iterator[tuple[SiteKey, Mapping[str, int], int]]:
    yield READS, bucket["q"], 1
    yield ("class", READER), bucket["q"], 1
    for kind, quarters in bucket.get("by", {}).items():
        yield ("class", kind), quarters, 1
        if kind == BATCH:
            yield ("class", READER), quarters, -1
    for what in SOURCES:
        for kind, quarters in bucket.get(what, {}).items():
            yield (what, kind), quarters, 1
