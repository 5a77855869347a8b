"""What stats answers. Times are RFC 3339 UTC with milliseconds; all other numbers are reads unless told."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

Time = Annotated[str, Field(examples=["2026-11-23T07:05:00.000Z"])]


class Site(BaseModel):
    """The whole site; its days begin at midnight in the site's time zone, its weeks on Monday."""

    total: int = Field(description="baseline + counted")
    baseline: int = Field(description="legacy counts of all articles, withdrawn ones too")
    counted: int
    today: int
    yesterday: int
    week: int
    month: int
    year: int
    online: int | None = Field(description="not built yet: null")
    as_of: Time = Field(
        description="every figure is as of this moment, half a second ago at most, two while MongoDB is slow"
    )
    complete_through: Time | None = Field(
        description="every read accepted before this moment is counted; null while no ingest gets through"
    )


class ArticleReads(BaseModel):
    """One article."""

    article: str
    title: str
    url: str
    state: Literal["published", "withdrawn"]
    reads: int = Field(description="baseline + counted")
    baseline: int
    counted: int
    today: int
    as_of: Time


class TopItem(BaseModel):
    """A place in the list."""

    article: str
    title: str
    url: str
    reads: int = Field(description="counted in the window; a legacy count is not in it, not even for `all`")


class TopList(BaseModel):
    """The most read published articles, most reads first, ties by article id."""

    window: str
    items: list[TopItem]
    as_of: Time


class Point(BaseModel):
    """The reads from `start` up to the next point's."""

    start: str = Field(description="RFC 3339 with the time zone's offset at that moment")
    reads: int


class SeriesPoints(BaseModel):
    """Every step of the span, those without reads too."""

    step: Literal["hour", "day", "month"]
    tz: str
    points: list[Point]


class EndedGap(BaseModel):
    """Batches of a start of ingest that has ended, and that nobody has seen yet."""

    epoch: str
    missing: int = Field(description="batches")


class RunningGap(BaseModel):
    """Batches that a running ingest has numbered and that nobody has seen for more than a minute."""

    epoch: str
    missing: int = Field(description="batches")
    since: Time = Field(description="before this moment the ingest misses nothing; it holds complete_through back")
    why: str = Field(description="what may have happened, and what to do")


class Reconciliation(BaseModel):
    """The books, as of one moment: accepted = counted + filtered + parked, so `balance` is 0."""

    accepted: int = Field(description="reads in the batches that were counted or parked, filtered ones included")
    counted: int
    filtered: dict[str, int] = Field(description="by reason")
    parked: int
    in_flight: int = Field(description="batches that are missing in an ingest's sequence; their reads are unknown")
    balance: int = Field(description="accepted - counted - filtered - parked")
    duplicates: int = Field(description="batches that came again and were not counted again")
    complete_through: Time | None
    lost: int = Field(description="batches that operators have given up; their reads are unknown and in no other term")
    running_gaps: list[RunningGap] = Field(description="the part of in_flight that holds complete_through back")
    gaps: list[EndedGap] = Field(description="the part of in_flight whose ingest was not seen for a minute")
    as_of: Time
