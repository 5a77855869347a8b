"""The parameters of stats' API, parsed and checked. Pure.

Each fault names its parameter. An unknown parameter is a fault too: if a misspelt one were ignored,
the answer would be to another request than the client meant.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import islice
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema

from luotdoc_events.events import ArticleId
from services.stats import periods
from services.stats.traffic.compare import ComparedBy
from services.stats.traffic.windows import FIXED
from shared.base.errors import Problem
from shared.storage.quarters import quarter_of

MAX_POINTS = 2000
MAX_WINDOW = timedelta(days=31)
FIRST_YEAR, LAST_YEAR = 2000, 2100
SECTION_SLUG = r"^[a-z0-9]+(-[a-z0-9]+)*$"

_WINDOW = re.compile(r"([1-9][0-9]{0,2})([hd])")
_MOMENT = (
    r"^20[0-9]{2}-[0-9]{2}-[0-9]{2}"
    r"([Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2}))?$|^2100"
)
_SPAN = (
    f"^({'|'.join(FIXED)}"
    + "|([1-9][0-9]?|[1-6][0-9]{2}|7[0-3][0-9]|74[0-4])h|([1-9]|[12][0-9]|3[01])d)$"
)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATE_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]"
    r"([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?"
    r"([Zz]|[+ -][0-9]{2}:[0-9]{2})"
)


def _moment(value: Any) -> datetime | date:
    text = str(value)
    if _DATE.fullmatch(text):
        return date.fromisoformat(text)
    found = _DATE_TIME.fullmatch(text)
    if not found:
        raise ValueError(
            "must be a date such as 2026-11-23 or a time with an offset, 2026-11-23T07:00:00+07:00"
        )
    day, clock, fraction, offset = found.groups()
    offset = offset.upper().replace(" ", "+")  # an unescaped plus arrives as a space
    return datetime.fromisoformat(f"{day}T{clock}.{(fraction or '0')[:6]:<06}{offset}")


@cache
def _zones() -> frozenset[str]:
    # Only listed names are allowed: `ZoneInfo` opens a file whose path is the name.
    return frozenset(available_timezones())


def _zone(value: str) -> str:
    if value not in _zones():
        raise ValueError("must be the name of a time zone, such as Asia/Ho_Chi_Minh")
    return value


def _window(value: str) -> str:
    if value in FIXED:
        return value
    span = window_span(value)
    if span is not None and span > MAX_WINDOW:
        raise ValueError("must be at most 31d")
    return value


def window_span(window: str) -> timedelta | None:
    """The length of `<n>h` or `<n>d`, None for `all`. Raises ValueError for anything else."""
    if window == "all":
        return None
    found = _WINDOW.fullmatch(window)
    if not found:
        raise ValueError(
            "must be a number of hours or days such as 24h or 7d, or a name such as today or all"
        )
    return timedelta(**{"hours" if found[2] == "h" else "days": int(found[1])})


def window_start(window: str, now: datetime) -> int | None:
    """The quarter of an hour in which `window` starts; None for `all`."""
    span = window_span(window)
    return None if span is None else quarter_of(now - span)


RequestedMoment = Annotated[
    datetime | date,
    PlainValidator(_moment),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": _MOMENT,
            "examples": ["2026-11-23", "2026-11-23T07:00:00+07:00"],
        }
    ),
]
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
        "day", description="length of time of each point; a series has at most 2000 points"
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
    tz: Annotated[str, AfterValidator(_zone), Field(max_length=64)] | None = Field(
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
    format: Format = None


def series_steps(query: SeriesParameters, now: datetime, zone: ZoneInfo) -> list[datetime]:
    """The bounds of the series' points in rising order: one more than there are points.

    Raises `Problem` 422 for an empty span, years outside 2000 to 2100, more than 2000 points, and a
    section together with an article or a class.
    """
    if query.section and (query.article or query.class_):
        raise Problem.invalid("section", "can't be combined with article or class")
    end = _place("to", query.to, zone, lambda: now)
    start = _place("from", query.from_, zone, lambda: periods.back(query.step, end, zone))
    if start >= end:
        raise Problem.invalid("from", "must be before to")
    found = list(islice(periods.steps(query.step, start, end, zone), MAX_POINTS + 2))
    if len(found) > MAX_POINTS + 1:
        raise Problem.invalid(
            "from", f"asks for more than {MAX_POINTS} points; a longer step gives fewer"
        )
    return found


def _place(
    name: str, moment: datetime | date | None, zone: ZoneInfo, default: Callable[[], datetime]
) -> datetime:
    if moment is None:
        return default()
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise Problem.invalid(name, f"must lie in the years {FIRST_YEAR} to {LAST_YEAR}")
    placed = moment if isinstance(moment, datetime) else periods.midnight(moment, zone)
    return placed.astimezone(UTC)
