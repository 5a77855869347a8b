"""The models of the answers about unique readers. A day of readers is the site's, and begins at
04:00 in its time zone, because visitors of two such days can't be compared.
"""

from typing import Annotated

from pydantic import BaseModel, Field

OnlineNumber = Annotated[
    int | None,
    Field(
        description="distinct readers of the last five minutes; null while that is not known: "
        "stats has just started, or is behind"
    ),
]


class ReadersOfDay(BaseModel):
    """The distinct readers of one day."""

    number: int | None = Field(
        description="null: not known. The day ended before `since`, or its batches were lost"
    )
    error: float | None = Field(
        description="null: the number is exact, as it is up to 1000 readers. Else it is within "
        "± this share of the true one in 95 of 100 cases",
        examples=[0.02],
    )


class Readers(BaseModel):
    """Distinct readers by day. They can't be added up to weeks or months: who reads on two days
    would be counted twice.
    """

    today: ReadersOfDay = Field(description="of the day that began at 04:00")
    yesterday: ReadersOfDay
    mean_7d: float | None = Field(
        description="mean of the last seven days before today, of those that are known as a whole"
    )
    mean_30d: float | None = Field(description="the same of the last thirty days")
    since: str | None = Field(
        description="the moment from which readers are known, RFC 3339; null: they are not yet",
        examples=["2026-11-23T07:05:00.000Z"],
    )


class ReadersPoint(BaseModel):
    """The distinct readers of the day from `start` until the next day's 04:00."""

    day: str = Field(examples=["2026-11-23"])
    start: str = Field(description="RFC 3339 with the site's offset at that moment")
    time: int = Field(
        description="the same moment in milliseconds since 1970", examples=[1795381200000]
    )
    readers: int | None = Field(description="null: not known, or the day is to come")
    error: float | None = Field(description="as in the site's figures; null: exact, or not known")


class ReadersSeries(BaseModel):
    """Distinct readers by day."""

    points: list[ReadersPoint]
    mean: float | None = Field(
        description="mean daily readers: of the days that are over and known as a whole; null if "
        "there is none"
    )
    since: str | None = Field(description="the moment from which readers are known; null: never")
    as_of: str = Field(description="the moment of all figures")
