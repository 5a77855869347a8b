"""The models of stats' answers. Times are RFC 3339 in UTC, with milliseconds. Numbers without a
description are numbers of reads.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from luotdoc_subscriber.base.clock import rfc3339
from services.stats.periods import Step
from services.stats.readers.answers import OnlineNumber, Readers
from services.stats.traffic.compare import ComparedBy
from shared.storage.quarters import start_of

TimeText = Annotated[str, Field(examples=["2026-11-23T07:05:00.000Z"])]
Since = Annotated[
    TimeText | None,
    Field(
        description=(
            "the start of the first UTC day with counted reads of the site: what was read earlier "
            "is not known, and not 0. A figure of a period that began earlier counts from this "
            "moment on; null while no read is counted"
        )
    ),
]
Generation = Annotated[
    int,
    Field(
        description="number of corrections that lowered the total. Of two answers the one with "
        "the larger generation is the later one, else the one with more counted reads"
    ),
]
ViewTime = Annotated[
    TimeText,
    Field(
        description=(
            "the moment of all figures. It is at most a few seconds ago; while many late reads "
            "arrive, or MongoDB or the machine is busy, at most a minute, plus the time that the "
            "figures took to be made"
        )
    ),
]


def moment_of(quarter: int | None) -> str | None:
    """The start of a quarter of an hour as an answer has it."""
    return None if quarter is None else rfc3339(start_of(quarter))


class PeriodPairReads(BaseModel):
    """The reads of a period, and those of the earlier one until the same moment of it."""

    reads: int
    before: int | None = Field(description="null: not known, it began before `since` of the site")


class Compared(BaseModel):
    """Each period beside an earlier one. Both are whole quarters of an hour: `reads` ends at
    `through`, `before` at the same weekday, day of the month or date, and time on the clock.
    Yesterday and what it is compared with are whole days.
    """

    by: ComparedBy
    through: TimeText = Field(description="the start of the current quarter of an hour")
    today: PeriodPairReads
    yesterday: PeriodPairReads
    week: PeriodPairReads
    month: PeriodPairReads
    year: PeriodPairReads


ComparedOrNot = Annotated[
    Compared | None, Field(description="null without the parameter `compare`")
]


class Site(BaseModel):
    """Reads of the whole site. Days begin at midnight in the site's time zone, weeks on Monday."""

    total: int = Field(description="baseline + counted")
    baseline: int = Field(
        description="read counts from an earlier system, of all articles, withdrawn ones included"
    )
    counted: int
    generation: Generation
    today: int
    yesterday: int
    week: int
    month: int
    year: int
    online: OnlineNumber
    readers: Readers
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
    since: Since
    compared: ComparedOrNot = None


class ArticleReads(BaseModel):
    """Reads of one article."""

    article: str
    title: str
    url: str
    state: Literal["published", "withdrawn"]
    reads: int = Field(description="baseline + counted")
    baseline: int
    counted: int
    generation: Generation
    today: int
    yesterday: int
    week: int
    month: int
    year: int
    online: OnlineNumber
    readers: Readers
    as_of: TimeText
    since: Since
    compared: ComparedOrNot = None


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
    online: OnlineNumber
    readers: Readers = Field(
        description="each reader of an article that was in the section when it was read"
    )


class SectionReads(SectionFigures):
    """Reads of one section, with their moment."""

    as_of: ViewTime
    since: Since
    compared: ComparedOrNot = None


class SectionList(BaseModel):
    """Every section that has an article, by name."""

    sections: list[SectionFigures]
    as_of: ViewTime
    since: Since


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
    from_: TimeText | None = Field(
        serialization_alias="from", description="the window's start; null for `all`"
    )
    to: TimeText | None = Field(
        description="the window's end, exclusive; null for one without an end, which all windows "
        "are but `today`, `yesterday`, `week`, `month` and `year`"
    )
    section: str | None = Field(None, description="null: all sections")
    items: list[TopItem]
    as_of: ViewTime
    since: Since


class TrendingItem(BaseModel):
    """One article of the list."""

    article: str
    title: str
    url: str
    reads: int = Field(description="its reads of the last two hours")
    expected: float = Field(
        description="the reads that were to be expected: as its day before and the site's course "
        "of the day say; of an article that is younger than that, at least the mean of the others"
    )
    score: float = Field(description="(reads - expected) / √(expected + 4)")


class TrendingList(BaseModel):
    """The published articles that are read more in the last two hours than was to be expected,
    highest score first, ties by article id.
    """

    section: str | None = Field(None, description="null: all sections")
    items: list[TrendingItem]
    as_of: ViewTime


class Point(BaseModel):
    """The reads from `start` until the next point's `start`."""

    start: str = Field(description="RFC 3339 with the time zone's offset at that moment")
    time: int = Field(
        description="the same moment in milliseconds since 1970", examples=[1795417500000]
    )
    reads: int | None = Field(
        description="null: not known. The point ended before `since` of the site, or begins after "
        "`as_of`, and has no reads"
    )
    by: dict[str, int | None] | None = Field(
        None,
        description="null without the parameter `split`; else the reads of each class: of reads, "
        "or of the referrers or devices of reads of class `reader`, with `not_known`",
        examples=[{"search": 3, "not_known": 0}],
    )


class SeriesPoints(BaseModel):
    """Reads over time: one point for each step, also for steps without reads."""

    step: Step
    tz: str
    points: list[Point]
    as_of: TimeText = Field(description="the moment of all figures")
