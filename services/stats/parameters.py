"""The parameters of stats' API, parsed and checked. Pure.

Each fault names its parameter. An unknown parameter is a fault too: if a misspelt one were ignored,
the answer would be to another request than the client meant.
"""

import re
from array import array
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from luotdoc_events.events import ArticleId
from services.stats import periods
from services.stats.moments import RequestedMoment, TimeZoneName, placed
from services.stats.traffic.archive_export import EVERY_QUARTER
from services.stats.traffic.compare import ComparedBy
from services.stats.traffic.windows import FIXED
from shared.base.errors import Problem
from shared.storage.quarters import QUARTER, quarter_of, start_of

MAX_POINTS, MAX_LONG_POINTS = 2000, 200_000
"""Upper bounds for the points of a series, as JSON and as CSV or NDJSON."""
MAX_WINDOW = timedelta(days=31)
SECTION_SLUG = r"^[a-z0-9]+(-[a-z0-9]+)*$"

_WINDOW = re.compile(r"([1-9][0-9]{0,2})([hd])")
_SPAN = (
    f"^({'|'.join(FIXED)}"
    + "|([1-9][0-9]?|[1-6][0-9]{2}|7[0-3][0-9]|74[0-4])h|([1-9]|[12][0-9]|3[01])d)$"
)


def _window(value: str) -> str:
    if value in FIXED:
        return value
    if window_span(value) > MAX_WINDOW:
        raise ValueError("must be at most 31d")
    return value


def window_span(window: str) -> timedelta:
    """The length of `<n>h` or `<n>d`. Raises ValueError for anything else."""
    found = _WINDOW.fullmatch(window)
    if not found:
        raise ValueError(
            "must be a number of hours or days such as 24h or 7d, or a name such as today or all"
        )
    return timedelta(**{"hours" if found[2] == "h" else "days": int(found[1])})


def window_start(window: str, now: datetime) -> int:
    """The quarter of an hour in which `window` starts."""
    return quarter_of(now - window_span(window))


SectionSlug = Annotated[str, Field(pattern=SECTION_SLUG, max_length=100)]
ReadClass = Literal["reader", "batch", "bot", "reload", "prefetch", "origin", "limit", "other"]
"""The classes of `shared.rabbit.batch`."""
Format = Annotated[
    Literal["json", "csv"] | None, Field(description="csv for a table; default: `Accept` decides")
]


class NoParameters(BaseModel):
    """No parameters."""

    model_config = ConfigDict(extra="forbid")


class CompareParameters(NoParameters):
    """Parameters of figures."""

    compare: ComparedBy | None = Field(
        None,
        description="adds `compared`, each period beside an earlier one, up to the same moment of "
        "it: `previous` is the one before, `last_week` the same days a week earlier, `last_year` "
        "the same dates a year earlier (of a week: 52 weeks earlier)",
    )


class TableParameters(NoParameters):
    """The form of a table."""

    format: Format = None


class TopParameters(NoParameters):
    """Parameters of `/stats/top`."""

    window: Annotated[
        str,
        AfterValidator(_window),
        Field(
            description="`<n>h` or `<n>d`, at most 31d; `90d`; `12mo`; the site's `today`, "
            "`yesterday`, `week` (since Monday), `month` or `year`; or `all`",
            max_length=10,
            json_schema_extra={"pattern": _SPAN},
        ),
    ] = "24h"
    limit: int = Field(10, ge=1, le=100, description="number of articles, 1 to 100")
    section: SectionSlug | None = Field(None, description="slug of a section; default: all")
    format: Format = None


class TrendingParameters(NoParameters):
    """Parameters of `/stats/trending`."""

    limit: int = Field(10, ge=1, le=100, description="number of articles, 1 to 100")
    section: SectionSlug | None = Field(None, description="slug of a section; default: all")
    format: Format = None


class SeriesParameters(NoParameters):
    """Parameters of `/stats/series`. A time has an offset; a date is its midnight in `tz`."""

    step: periods.Step = Field(
        "day",
        description="length of time of each point; a series has at most 2000 points, as CSV or "
        "NDJSON 200,000",
    )
    from_: RequestedMoment | None = Field(
        None,
        alias="from",
        description="start, rounded down to a step; years 2000 to 2100; default: 24 hours, 30 "
        "days, 26 weeks or 12 months before `to`",
    )
    to: RequestedMoment | None = Field(
        None, description="end, exclusive, rounded up to a step; default: now"
    )
    tz: TimeZoneName | None = Field(
        None, description="name of a time zone, such as Asia/Ho_Chi_Minh; default: the site's"
    )
    article: ArticleId | None = Field(None, description="id of an article; default: the whole site")
    section: SectionSlug | None = Field(
        None, description="slug of a section, in place of an article: reads of the articles in it"
    )
    class_: ReadClass | None = Field(
        None,
        alias="class",
        description="a class of reads of the site or of an article. `reader` and `batch` are "
        "people's, the others are filtered, by reason; default: all of people's",
    )
    split: Literal["class", "referrer", "device"] | None = Field(
        None,
        description="adds the reads of each class beside the reads: of the site, or (`class` "
        "alone) of an article",
    )
    format: Literal["json", "csv", "ndjson"] | None = Field(
        None, description="csv or ndjson for rows; default: `Accept` decides"
    )


class ExportParameters(NoParameters):
    """Parameters of `/stats/export`. A time has an offset; a date is its midnight in `tz`."""

    from_: RequestedMoment | None = Field(
        None,
        alias="from",
        description="start, rounded down to a quarter of an hour; years 2000 to 2100; default: "
        "the first read",
    )
    to: RequestedMoment | None = Field(
        None,
        description="end, exclusive, rounded up to a quarter of an hour; default: the last read",
    )
    article: ArticleId | None = Field(None, description="id of an article; default: all articles")
    tz: TimeZoneName | None = Field(
        None, description="name of the time zone of `start`; default: the site's"
    )
    format: Literal["csv", "ndjson"] | None = Field(
        None, description="default: `Accept` decides, else csv"
    )


def export_span(query: ExportParameters, zone: ZoneInfo) -> periods.Period:
    """The quarters of an export. Raises `Problem` 422 for an empty span, and for years outside
    2000 to 2100.
    """
    first, end = EVERY_QUARTER
    if query.from_ is not None:
        first = quarter_of(placed("from", query.from_, zone))
    if query.to is not None:
        end = quarter_of(placed("to", query.to, zone) + QUARTER - timedelta(microseconds=1))
    if first >= end:
        raise Problem.invalid("from", "must be before to")
    return first, end


def series_span(
    query: SeriesParameters, now: datetime, zone: ZoneInfo
) -> tuple[datetime, datetime]:
    """The start and the end of a series.

    Raises `Problem` 422 for an empty span, years outside 2000 to 2100, and parameters that can't be
    combined.
    """
    if query.section and (query.article or query.class_):
        raise Problem.invalid("section", "can't be combined with article or class")
    if query.split and (query.section or query.class_):
        raise Problem.invalid("split", "can't be combined with section or class")
    if query.split and query.split != "class" and query.article:
        raise Problem.invalid("split", "must be class: an article's sources are not known")
    end = now if query.to is None else placed("to", query.to, zone)
    if query.from_ is None:
        start = periods.back(query.step, end, zone)
    else:
        start = placed("from", query.from_, zone)
    if start >= end:
        raise Problem.invalid("from", "must be before to")
    return start, end


def series_edges(query: SeriesParameters, now: datetime, zone: ZoneInfo) -> Sequence[int]:
    """The quarters that bound the series' points, in rising order: one more than there are points.

    Raises `Problem` 422 for more than 2000 points, and as `series_span`.
    """
    start, end = series_span(query, now, zone)
    # Steps begin with a quarter: the same ones end the series wherever in a quarter it ends.
    found = _edges(query.step, quarter_of(start), quarter_of(end - datetime.resolution) + 1, zone)
    if len(found) > MAX_POINTS + 1:
        raise too_many_points(MAX_POINTS)
    return found


@lru_cache(maxsize=64)  # a dashboard asks for the same ones again and again
def _edges(step: periods.Step, first: int, end: int, zone: ZoneInfo) -> Sequence[int]:
    """At most one more than a series may have."""
    edges = periods.steps(step, start_of(first), start_of(end), zone)
    return array("q", map(quarter_of, islice(edges, MAX_POINTS + 2)))


def too_many_points(most: int) -> Problem:
    """`Problem` 422 for a series with more than `most` points."""
    return Problem.invalid("from", f"asks for more than {most} points; a longer step gives fewer")
