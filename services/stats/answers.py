"""The models of stats' answers. Times are RFC 3339 in UTC, with milliseconds. Numbers without a
description are numbers of reads.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from services.stats.periods import Step

TimeText = Annotated[str, Field(examples=["2026-11-23T07:05:00.000Z"])]


class Site(BaseModel):
    """Reads of the whole site. Days begin at midnight in the site's time zone, weeks on Monday."""

    total: int = Field(description="baseline + counted")
    baseline: int = Field(
        description="read counts from an earlier system, of all articles, withdrawn ones included"
    )
    counted: int
    today: int
    yesterday: int
    week: int
    month: int
    year: int
    online: int | None = Field(description="null: not built yet")
    as_of: TimeText = Field(
        description=(
            "the moment of all figures. It is at most half a second ago, plus the time that "
            "MongoDB took to answer; while MongoDB is slow, at most two seconds, plus that time"
        )
    )
    complete_through: TimeText | None = Field(
        description=(
            "every read accepted before this moment is counted; null while no ingest reaches "
            "RabbitMQ"
        )
    )


class ArticleReads(BaseModel):
    """Reads of one article."""

    article: str
    title: str
    url: str
    state: Literal["published", "withdrawn"]
    reads: int = Field(description="baseline + counted")
    baseline: int
    counted: int
    today: int
    yesterday: int
    week: int
    month: int
    year: int
    as_of: TimeText


class SectionFigures(BaseModel):
    """Reads of one section: of all articles that are in it now, whenever they were read."""

    section: str
    articles: int = Field(description="number of its published articles")
    total: int = Field(description="baseline + counted")
    baseline: int
    counted: int
    today: int
    yesterday: int
    week: int
    month: int
    year: int


class SectionReads(SectionFigures):
    """Reads of one section, with their moment."""

    as_of: TimeText


class SectionList(BaseModel):
    """Every section that has an article, by name."""

    sections: list[SectionFigures]
    as_of: TimeText


class TopItem(BaseModel):
    """One article of the list."""

    article: str
    title: str
    url: str
    reads: int = Field(
        description="reads counted in the window, without the article's baseline, also for `all`"
    )


class TopList(BaseModel):
    """The most read published articles, most reads first, ties by article id."""

    window: str
    section: str | None = Field(None, description="null: all sections")
    items: list[TopItem]
    as_of: TimeText


class Point(BaseModel):
    """The reads from `start` until the next point's `start`."""

    start: str = Field(description="RFC 3339 with the time zone's offset at that moment")
    reads: int


class SeriesPoints(BaseModel):
    """Reads over time: one point for each step, also for steps without reads."""

    step: Step
    tz: str
    points: list[Point]
    as_of: TimeText = Field(description="the moment of all figures")


class EndedGap(BaseModel):
    """A gap of an epoch (one run of an ingest) that has ended."""

    epoch: str
    missing: int = Field(description="number of missing batches")


class RunningGap(BaseModel):
    """A gap in the epoch of a running ingest:
    batches that have been missing for more than a minute.
    """

    epoch: str
    missing: int = Field(description="number of missing batches")
    since: TimeText = Field(
        description="no batch from before this moment is missing; complete_through can't pass it"
    )
    why: str = Field(description="what may have happened, and what to do")


class Reconciliation(BaseModel):
    """The books, as of one moment: accepted = counted + filtered + parked, so `balance` is 0."""

    accepted: int = Field(
        description="reads in all batches that were counted or parked, filtered reads included"
    )
    counted: int
    filtered: dict[str, int] = Field(description="by reason")
    parked: int
    in_flight: int = Field(
        description="batches missing in the sequences of ingest; how many reads is not known"
    )
    balance: int = Field(
        description="accepted - counted - filtered - parked; anything but 0 is a fault"
    )
    duplicates: int = Field(description="batches that arrived again and were not counted again")
    complete_through: TimeText | None
    lost: int = Field(
        description="batches that an operator declared lost; their reads are in no other term"
    )
    running_gaps: list[RunningGap] = Field(
        description="the gaps in in_flight that hold complete_through back"
    )
    gaps: list[EndedGap] = Field(
        description="the gaps in in_flight of ingests that were not seen for a minute"
    )
    as_of: TimeText
