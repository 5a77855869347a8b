"""The parameters of `/stats/readers`, parsed and checked. Pure."""

import re
from datetime import date, timedelta
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from luotdoc_events.events import ArticleId
from services.stats.moments import FIRST_YEAR, LAST_YEAR
from services.stats.parameters import NoParameters, SectionSlug
from shared.base.errors import Problem

MAX_DAYS = 800
DEFAULT_DAYS = timedelta(days=30)
_DAY = r"^(20[0-9]{2}|2100)-[0-9]{2}-[0-9]{2}$"


def _requested_day(value: Any) -> date:
    if not re.fullmatch(_DAY, str(value)):
        raise ValueError(f"must be a date of {FIRST_YEAR} to {LAST_YEAR}, such as 2026-11-23")
    return date.fromisoformat(str(value))


RequestedDay = Annotated[
    date,
    PlainValidator(_requested_day),
    WithJsonSchema({"type": "string", "pattern": _DAY, "examples": ["2026-11-23"]}),
]


class ReadersParameters(NoParameters):
    """Parameters of `/stats/readers`. A date is the day that begins on it at 04:00."""

    from_: RequestedDay | None = Field(
        None, alias="from", description="first day; default: 30 days before `to`"
    )
    to: RequestedDay | None = Field(
        None, description="the day after the last one; default: tomorrow, so that today is in it"
    )
    article: ArticleId | None = Field(None, description="id of an article; default: the whole site")
    section: SectionSlug | None = Field(
        None, description="slug of a section, in place of an article"
    )
    format: Literal["json", "csv", "ndjson"] | None = Field(
        None, description="csv or ndjson for rows; default: `Accept` decides"
    )


def readers_span(query: ReadersParameters, today: date) -> tuple[date, date]:
    """The first day, and the one after the last. Raises `Problem` 422 for an empty or a long span,
    and for parameters that can't be combined.
    """
    if query.section and query.article:
        raise Problem.invalid("section", "can't be combined with article")
    end = query.to or today + timedelta(days=1)
    first = query.from_ or end - DEFAULT_DAYS
    if first >= end:
        raise Problem.invalid("from", "must be before to")
    if (end - first).days > MAX_DAYS:
        raise Problem.invalid("from", f"must be at most {MAX_DAYS} days before to")
    return first, end
