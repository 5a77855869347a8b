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
