"""The models of the answers about classes of reads, and about where people's reads came from. Times
are RFC 3339 in UTC, with milliseconds. Numbers without a description are numbers of reads; days
begin at midnight in the site's time zone, weeks on Monday. A total has all reads since `since` of
the site.
"""

from pydantic import BaseModel, Field

from services.stats.answers import Since, TimeText
from services.stats.parameters import ReadClass


class ClassFigures(BaseModel):
    """Reads of one class."""

    class_: ReadClass = Field(
        serialization_alias="class", description="what they were judged to be"
    )
    people: bool = Field(
        description="true for people's reads, which all other figures count; others are filtered, "
        "and the class is the reason"
    )
    total: int
    today: int
    yesterday: int
    week: int
    month: int
    year: int


class ClassList(BaseModel):
    """People's reads and filtered ones side by side."""

    classes: list[ClassFigures]
    as_of: TimeText
    since: Since


class ReferrerFigures(BaseModel):
    """Reads of class `reader` from one class of places."""

    referrer: str = Field(description="where the readers came from, or `not_known`")
    total: int
    today: int
    yesterday: int
    week: int
    month: int
    year: int


class DeviceFigures(BaseModel):
    """Reads of class `reader` on one class of devices."""

    device: str = Field(description="what they read on, or `not_known`")
    total: int
    today: int
    yesterday: int
    week: int
    month: int
    year: int


class SourceList(BaseModel):
    """Where the reads of class `reader` came from, and on what they were read. Each list adds up to
    the class: `not_known` has the rest.
    """

    referrers: list[ReferrerFigures]
    devices: list[DeviceFigures]
    as_of: TimeText
    since: Since
