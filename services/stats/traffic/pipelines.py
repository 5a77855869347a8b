"""Queries over buckets and archive as MongoDB's pipelines. Pure.

`counter` moves old days of articles from `buckets` to `archive`, in one transaction each:
    archive  <article>/<month>  {article, month, days: {"01" … "31": {reads, q, filtered, by}}}
A day has the fields of a bucket, all slots added up. Both may have reads of one day. So the reads
of a span are the sum over both, in one snapshot. The site's buckets are never moved.
"""

import itertools
from collections.abc import Iterator, Sequence

from services.stats.periods import Period
from shared.storage.counts import SITE
from shared.storage.quarters import PER_DAY, day_name, day_number
from shared.storage.versions import Document

ARCHIVED_DAYS = 95
"""Age in days from which a day may be archived: `LUOTDOC_KEEP_BUCKETS_DAYS` is at least 100."""
FEW_DAYS = 3
"""Number of days up to which a query over the archive looks whether an article has one of them."""
DayParts = dict[str, tuple[int, int]]
"""{UTC day: (first, end)}: which quarters of the day, 0 to 96."""


def day_parts(span: Period) -> DayParts:
    """The parts of the UTC days that lie in `span`."""
    first, end = span
    days = range(first // PER_DAY, (end - 1) // PER_DAY + 1)
    return {
        day_name(day): (max(first - day * PER_DAY, 0), min(end - day * PER_DAY, PER_DAY))
        for day in days
    }


def _part(first: int, end: int, under: str = "$") -> Document | str:
    """The reads of the quarters `first` to before `end` of the day at the path `under`."""
    if (first, end) == (0, PER_DAY):
        return f"{under}reads"
    return {"$sum": [f"{under}q.{quarter}" for quarter in range(first, end)]}


def reads_of_buckets(span: Period) -> list[Document]:
    """A pipeline over `buckets`: rows {_id: article, reads} of all articles in `span`."""
    parts = day_parts(span)
    names = sorted(parts)
    cut = [
        {"case": {"$eq": ["$day", day]}, "then": _part(*parts[day])}
        for day in sorted({names[0], names[-1]})
        if parts[day] != (0, PER_DAY)
    ]
    reads = {"$switch": {"branches": cut, "default": "$reads"}} if cut else "$reads"
    return [
        {"$match": {"day": {"$gte": names[0], "$lte": names[-1]}, "article": {"$ne": SITE}}},
        {"$group": {"_id": "$article", "reads": {"$sum": reads}}},
        {"$match": {"reads": {"$ne": 0}}},
    ]


def reads_of_archive(span: Period) -> list[Document]:
    """A pipeline over `archive`: rows {_id: article, reads} of all articles in `span`."""
    months: dict[str, list[Document | str]] = {}
    parts = day_parts(span)
    for day, part in parts.items():
        months.setdefault(day[:7], []).append(_part(*part, f"$days.{day[8:]}."))
    wanted: Document = {"month": {"$in": sorted(months)}}
    if len(parts) <= FEW_DAYS:
        # Most articles of a month were not read on one of its days.
        wanted["$or"] = [{f"days.{day[8:]}": {"$exists": True}} for day in sorted(parts)]
    cases = [
        {"case": {"$eq": ["$month", month]}, "then": {"$sum": days}}
        for month, days in months.items()
    ]
    return [
        {"$match": wanted},
        {
            "$group": {
                "_id": "$article",
                "reads": {"$sum": {"$switch": {"branches": cases, "default": 0}}},
            }
        },
        {"$match": {"reads": {"$ne": 0}}},
    ]


def may_be_archived(first: int, today: int) -> bool:
    """True if a day from the quarter `first` on may be in the archive. `today` is a quarter too."""
    return first < today - ARCHIVED_DAYS * PER_DAY


def segments(edges: Sequence[int]) -> list[int]:
    """The places 0 to 96 of a day at which some edge cuts it, with both ends of the day."""
    return sorted({0, PER_DAY} | {edge % PER_DAY for edge in edges})


def _sums(places: Sequence[int], kinds: Sequence[str], under: str) -> Document:
    """A sum for each segment of a day, called `s<place>`. `kinds` are paths of maps by quarter."""
    return {
        f"s{first}": {
            "$sum": {"$sum": [f"{under}{kind}.{q}" for kind in kinds for q in range(first, end)]}
        }
        for first, end in itertools.pairwise(places)
    }


def article_days(article: str, span: Period, places: Sequence[int], kind: str) -> list[Document]:
    """A pipeline over `buckets`: rows {_id: UTC day, s<place>: reads} of one article. `kind` is the
    path of the map by quarter: `q`, or `by.<class>`.
    """
    names = sorted(day_parts(span))
    return [
        {"$match": {"article": article, "day": {"$gte": names[0], "$lte": names[-1]}}},
        {"$group": {"_id": "$day", **_sums(places, [kind], "$")}},
    ]


def archived_days(article: str, span: Period, places: Sequence[int], kind: str) -> list[Document]:
    """A pipeline over `archive`, with the rows of `article_days`."""
    names = sorted(day_parts(span))
    first, last = names[0], names[-1]
    return [
        {"$match": {"_id": {"$gte": f"{article}/{first[:7]}", "$lte": f"{article}/{last[:7]}"}}},
        {"$project": {"month": 1, "v": 1, "day": {"$objectToArray": "$days"}}},
        {"$unwind": "$day"},
        {
            "$group": {
                "_id": {"$concat": ["$month", "-", "$day.k"]},
                **_sums(places, [kind], "$day.v."),
            }
        },
    ]


def day_rows(row: Document, places: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The (quarter, reads) of a row of `article_days`."""
    first = day_number(row["_id"]) * PER_DAY
    return ((first + place, row[f"s{place}"]) for place in places[:-1])


def open_quarters(closed: int) -> list[list[Document]]:
    """Pipelines over `buckets` with rows {article, day, q} of the quarters from `closed` on, of all
    articles: one for the day that contains `closed`, one for later days.
    """
    day, place = divmod(closed, PER_DAY)
    wanted = {f"q.{quarter}": 1 for quarter in range(place, PER_DAY)}
    article = {"article": {"$ne": SITE}}
    return [
        [
            {"$match": {"day": day_name(day), **article}},
            {"$project": {"article": 1, "day": 1, "v": 1, **wanted}},
            {"$match": {"q": {"$gt": {}}}},
        ],
        [
            {"$match": {"day": {"$gt": day_name(day)}, **article}},
            {"$project": {"article": 1, "day": 1, "v": 1, "q": 1}},
        ],
    ]
