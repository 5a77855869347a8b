"""Questions about series, in any zone and form, and exports of articles' quarters of an hour."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from tests.oracle.figures import SPLITS, ExportedRow, Figures
from tests.oracle.question import Question, Rows, Told, moment, number
from tests.support.traffic_oracle import CLASSES, PEOPLE, STEPS
from tests.support.wall_clock import DAY, ODD_ZONES, begin, start_at, wall

SERIES, EXPORT = "series", "export"
ZONES = (
    *("Asia/Ho_Chi_Minh", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia"),
    *("America/St_Johns", "UTC"),
)
LENGTHS = {"hour": 80, "day": 1900, "week": 13_000, "month": 30_000}
"""Days of the longest series by step: at most 2000 points."""
EXACT_SINCE = datetime(2013, 11, 1, tzinfo=UTC)
"""Before that clocks moved within a quarter of an hour in some of `ODD_ZONES` and `ZONES`."""
ALWAYS_EXACT = ("Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Cairo", "UTC")
SKIPPED = datetime(2011, 12, 30, 10, tzinfo=UTC)
"""Apia's clock jumped over a whole day."""


def series_questions(figures: Figures, as_of: datetime, random: Random) -> Iterator[Question]:
    """A hundred of them: of the site, its classes, sections and articles, whole or split."""
    articles, sections = list(figures.catalogue(as_of)), figures.sections(as_of)
    for place in range(100):
        of: dict[str, str] = {}
        match place % 6:
            case 1:
                of = {"section": random.choice(sections)}
            case 2:
                of = {"article": random.choice(articles)}
            case 3:
                of = {"article": random.choice(articles), "class": random.choice(CLASSES)}
            case 4:
                of = {"class": random.choice(CLASSES)}
            case 5:
                of = {"split": random.choice(tuple(SPLITS))}
                if of["split"] == "class" and random.random() < 0.5:
                    of["article"] = random.choice(articles)
        yield _series(of, as_of, random)


def export_questions(figures: Figures, as_of: datetime, random: Random) -> Iterator[Question]:
    """Of one article, or of all of them in a while."""
    for article in ("", *random.sample(list(figures.catalogue(as_of)), 3)):
        first, end = _span(as_of, random, 60 if not article else 800)
        asked = {"from": _text(first), "to": _text(end), "tz": _zone(first, random)}
        asked |= {"article": article} if article else {}
        yield _export(asked, first, end, article, random.choice(("csv", "ndjson")))


def _span(as_of: datetime, random: Random, days: int) -> tuple[datetime, datetime]:
    """Some time of the last years, a little of the future, and of Apia's lost day."""
    way = random.random()
    if way < 0.1 and as_of < SKIPPED + 40 * DAY:
        end = SKIPPED + random.random() * 2 * DAY
    elif way < 0.4:
        end = as_of + random.random() * DAY
    else:
        end = as_of - random.random() * 780 * DAY
    first = end - max(timedelta(hours=1), random.random() * days * DAY)
    return max(first, as_of - 2500 * DAY).replace(microsecond=0), end.replace(microsecond=0)


def _zone(first: datetime, random: Random) -> str:
    return random.choice((*ZONES, *ODD_ZONES) if first > EXACT_SINCE else ALWAYS_EXACT)


def _text(given: datetime) -> str:
    return given.isoformat().replace("+00:00", "Z")


def _series(of: dict[str, str], as_of: datetime, random: Random) -> Question:
    step = random.choice(STEPS)
    first, end = _span(as_of, random, LENGTHS[step] if random.random() < 0.5 else 40)
    zone = _zone(first, random)
    asked = {"step": step, "from": _text(first), "to": _text(end), "tz": zone, **of}
    if random.random() < 0.1:  # a date is its midnight in the zone
        day = wall_date(first, zone)
        asked["from"], first = day.date().isoformat(), start_at(begin(day.date(), zone))
    split = of.get("split", "")

    def expected(figures: Figures, as_of: datetime) -> Told:
        points = figures.points(
            step, first, end, as_of, zone=zone, article=of.get("article", ""),
            section=of.get("section", ""), kind=of.get("class", ""), split=split,
        )  # fmt: skip
        told: Told = {"points": len(points)}
        for point in points:
            told[f"at {point.start}"] = point.reads
            told |= {f"at {point.start}: {name}": n for name, n in point.by.items()}
        return told

    def found(answer: Any) -> Told:
        told: Told = {"points": len(answer["points"])}
        for point in answer["points"]:
            at = datetime.fromtimestamp(point["time"] / 1000, UTC)
            assert moment(point["start"]) == at, point
            told[f"at {at}"] = point["reads"]
            told |= {f"at {at}: {name}": n for name, n in (point.get("by") or {}).items()}
        return told

    def rows(table: Rows) -> Told:
        told: Told = {"points": len(table)}
        for row in table:
            at = datetime.fromtimestamp(int(row["time"]) / 1000, UTC)
            told[f"at {at}"] = number(row["reads"])
            told |= {f"at {at}: {name}": number(row[name]) for name in SPLITS.get(split, ())}
        return told

    form = random.choice(("json", "json", "csv", "ndjson"))
    return Question(
        SERIES, "/stats/series", "/stats/series", expected, found, asked, rows=rows, form=form
    )


def wall_date(given: datetime, zone: str) -> datetime:
    """What the clock of `zone` shows."""
    return wall(int(given.timestamp() // 900), zone)


def _export(
    asked: dict[str, str], first: datetime, end: datetime, article: str, form: str
) -> Question:
    def expected(figures: Figures, as_of: datetime) -> Told:
        return _rows_told(figures.exported(first, end, as_of, article))

    def rows(table: Rows) -> Told:
        return _rows_told(
            [
                ExportedRow(
                    row["article"],
                    datetime.fromtimestamp(int(row["time"]) / 1000, UTC),
                    {kind: int(row[kind]) for kind in CLASSES} | {"reads": int(row["reads"])},
                )
                for row in table
            ]
        )

    return Question(
        EXPORT,
        "/stats/export",
        "/stats/export",
        expected,
        lambda _: {},
        asked,
        rows=rows,
        form=form,
    )


def _rows_told(rows: list[ExportedRow]) -> Told:
    """Numbers of 0 are told of as one figure: that there is nothing else."""
    told: Told = {"order": [(row.article, row.start) for row in rows]}
    for row in rows:
        people = sum(row.by[kind] for kind in PEOPLE)
        told[f"{row.article} at {row.start}"] = row.by.get("reads", people)
        for kind, reads in row.by.items():
            if reads and kind in CLASSES:
                told[f"{row.article} at {row.start}: {kind}"] = reads
    return told
