"""Moments and time zones as a client names them in the parameters of stats' API. Pure."""

import re
from datetime import UTC, date, datetime
from functools import cache
from typing import Annotated, Any
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field, PlainValidator, WithJsonSchema

from services.stats import periods
from shared.base.errors import Problem

FIRST_YEAR, LAST_YEAR = 2000, 2100

_MOMENT = (
    r"^(20[0-9]{2}|2100)-[0-9]{2}-[0-9]{2}"
    r"([Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2}))?$"
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
TimeZoneName = Annotated[str, AfterValidator(_zone), Field(max_length=64)]


def placed(name: str, moment: datetime | date, zone: ZoneInfo) -> datetime:
    """A requested moment, in UTC: a date is its midnight in `zone`. Raises `Problem` 422 for years
    outside 2000 to 2100, which blames the parameter `name`.
    """
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise Problem.invalid(name, f"must lie in the years {FIRST_YEAR} to {LAST_YEAR}")
    whole = moment if isinstance(moment, datetime) else periods.midnight(moment, zone)
    return whole.astimezone(UTC)
