"""Articles' reads as rows for an export: one for each article and quarter of an hour. Pure.

Days of articles lie in two collections, the archive and the buckets, and a bucket is spread over
slots. So days come as sorted streams, and `merged_days` adds up those of one article and date.
"""

from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import heappop, heappush
from typing import Any
from zoneinfo import ZoneInfo

from services.stats.periods import Period
from services.stats.traffic.export import MOMENT_COLUMNS, ExportRow, moment_values
from shared.rabbit.batch import BATCH, FILTERED_CLASSES, OTHER_CLASS, READER
from shared.storage.quarters import PER_DAY, day_name, quarter_of, quarters, start_of

EVERY_QUARTER: Period = (0, quarter_of(datetime(3000, 1, 1, tzinfo=UTC)))
"""The span of every quarter that a bucket can have."""
_FILTERED = (*FILTERED_CLASSES, OTHER_CLASS)
_COUNTED = ""
_KNOWN = {_COUNTED, BATCH, *_FILTERED}
ARCHIVE_COLUMNS = (*MOMENT_COLUMNS, "article", "reads", READER, BATCH, *_FILTERED)
"""`reads` is reader + batch, what is counted; the rest is filtered. Each is the number of reads in
the quarter of an hour that begins at `start`."""


@dataclass(frozen=True, slots=True)
class ArticleDay:
    """The reads of an article on a UTC day, by quarter of the day "0" to "95": `q` those that are
    counted, `by` those of each other class, and of `batch`, which are in `q`, too.
    """

    article: str
    day: str
    q: Mapping[str, int]
    by: Mapping[str, Mapping[str, int]]

    @property
    def place(self) -> tuple[str, str]:
        """What streams are sorted by."""
        return self.article, self.day


_MONTHS = tuple(f"{month:02}" for month in range(1, 13))
_Head = tuple[tuple[str, str], int, ArticleDay]
"""The next day of a stream: its place, the stream's number, the day."""


def bucket_day(bucket: Mapping[str, Any]) -> ArticleDay:
    """The day of a bucket (`shared.storage.counts`)."""
    return ArticleDay(bucket["article"], bucket["day"], bucket.get("q", {}), bucket.get("by", {}))


def days_of_archive(archived: Mapping[str, Any]) -> Iterator[ArticleDay]:
    """The days, in order, of a document of the archive: {article, month, days: {"DD": {q, by}}}."""
    for day, reads in sorted(archived["days"].items()):
        yield ArticleDay(
            archived["article"],
            f"{archived['month']}-{day}",
            reads.get("q", {}),
            reads.get("by", {}),
        )


def months_pattern(span: Period) -> str:
    """A regular expression for the ids `<article>/<YYYY-MM>` of the months that `span` touches."""
    first, last = (day_name(quarter // PER_DAY)[:7] for quarter in (span[0], span[1] - 1))
    years = range(int(first[:4]), int(last[:4]) + 1)
    parts = [
        f"{year}-({'|'.join(months)})" if len(months) < 12 else f"{year}-"
        for year in years
        if (months := [m for m in _MONTHS if first <= f"{year}-{m}" <= last])
    ]
    return f"/({'|'.join(parts)})"


async def merged_days(
    *streams: AsyncGenerator[ArticleDay, None],
) -> AsyncGenerator[ArticleDay, None]:
    """The days of all streams in one, sorted by article and day, equal ones added up. Holds one day
    of each stream.

    Raises ValueError if a stream is not sorted.
    """
    heads: list[_Head] = []
    current: ArticleDay | None = None
    async with AsyncExitStack() as ending:
        for stream in streams:
            ending.push_async_callback(stream.aclose)
        for number, stream in enumerate(streams):
            await _advance(stream, number, heads)
        while heads:
            place, number, day = heappop(heads)
            if current and current.place == place:
                current = _added(current, day)
            else:
                if current:
                    yield current
                current = day
            await _advance(streams[number], number, heads, place)
    if current:
        yield current


def archive_rows(
    day: ArticleDay, zone: ZoneInfo, span: Period = EVERY_QUARTER
) -> Iterator[ExportRow]:
    """The rows of `ARCHIVE_COLUMNS` of those quarters in `span` that have a read, in order.

    Reads of classes that this release does not know add to `other`. A day without `by.batch` was
    written before batch reads were kept apart: all its counted reads count as reader.
    """
    for quarter, values in sorted(_by_quarter(day).items()):
        if span[0] <= quarter < span[1]:
            counted, batch = values.get(_COUNTED, 0), values.get(BATCH, 0)
            moment = moment_values(start_of(quarter), zone)
            filtered = (values.get(kind, 0) for kind in _FILTERED)
            yield (*moment, day.article, counted, counted - batch, batch, *filtered)


def _by_quarter(day: ArticleDay) -> dict[int, dict[str, int]]:
    """The reads of each quarter by class; `_COUNTED` stands for `q`."""
    found: dict[int, dict[str, int]] = {}
    for name, reads in ((_COUNTED, day.q), *day.by.items()):
        kind = name if name in _KNOWN else OTHER_CLASS
        for quarter, number in quarters(day.day, reads):
            values = found.setdefault(quarter, {})
            values[kind] = values.get(kind, 0) + number
    return found


async def _advance(
    stream: AsyncGenerator[ArticleDay, None],
    number: int,
    heads: list[_Head],
    after: tuple[str, ...] = (),
) -> None:
    day = await anext(stream, None)
    if day is None:
        return
    if day.place < after:
        raise ValueError(f"{day.place} comes after {after}: the days are not sorted")
    heappush(heads, (day.place, number, day))


def _added(a: ArticleDay, b: ArticleDay) -> ArticleDay:
    by = {name: _sums(a.by.get(name, {}), b.by.get(name, {})) for name in {**a.by, **b.by}}
    return ArticleDay(a.article, a.day, _sums(a.q, b.q), by)


def _sums(a: Mapping[str, int], b: Mapping[str, int]) -> dict[str, int]:
    sums = dict(a)
    for quarter, number in b.items():
        sums[quarter] = sums.get(quarter, 0) + number
    return sums
