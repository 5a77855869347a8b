"""Questions about series, in any zone and form, and exports of articles' quarters of an hour."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from tests.oracle.figures import SPLITS, ExportedRow, Figures
from tests.oracle.question import Question, Rows, Told, moment, number
from tests.support.traffic_oracle import CLASSES, PEOPLE, STEPS
from tests.support.wall_clock import DAY, ODD_ZONES, begin, quarter_at, start_at, wall

SERIES, EXPORT = "series", "export"
FORMS = ("json", "json", "csv", "ndjson")
ZONES = (
    *("Asia/Ho_Chi_Minh", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia"),
    *("America/St_Johns", "UTC"),
)
POINTS = 1900
"""Points of a series at most, so that its ends may be moved out; JSON has 2000."""
DAYS = {"hour": 1 / 24, "day": 1.0, "week": 7.0, "month": 30.0}
MOST_AT_ONCE = 3000
"""Reads of a site that are exported at once."""
MANY = {"hour": 730, "day": 8000}
"""Days of a series with more points than JSON may have."""
EXACT_SINCE = datetime(2013, 11, 1, tzinfo=UTC)
"""Before that clocks moved within a quarter of an hour in some of `ODD_ZONES` and `ZONES`."""
ALWAYS_EXACT = ("Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Cairo", "UTC")
SKIPPED = datetime(2011, 12, 30, 10, tzinfo=UTC)
"""Apia's clock jumped over a whole day."""


def series_questions(
    figures: Figures, as_of: datetime, random: Random, most: int
) -> Iterator[Question]:
    """A hundred of them: of the site, its classes, sections and articles, whole or split, with
    about `most` points at most, and a few with many more.
    """
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
        yield _series(of, figures, as_of, random, most)


def export_questions(figures: Figures, as_of: datetime, random: Random) -> Iterator[Question]:
    """Of one article, of all of them in a while, or, of a small site, of everything."""
    forms = ("csv", "ndjson")
    for article in ("", *random.sample(list(figures.catalogue(as_of)), 3)):
        first, end = _span(as_of, random, 800 if article else 60)
        asked = {"from": _text(first), "to": _text(end), "tz": _zone(first, random)}
        asked |= {"article": article} if article else {}
        yield _export(asked, first, end, article, random.choice(forms))
    if len(figures.reads) < MOST_AT_ONCE:
        yield _export({}, as_of - 5000 * DAY, as_of + 5000 * DAY, "", random.choice(forms))


def _span(as_of: datetime, random: Random, days: float) -> tuple[datetime, datetime]:
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


@dataclass(frozen=True)
class _Series:
    """A series and what it is asked of: `article`, `section`, `class` and `split` of `of`."""

    step: str
    span: tuple[datetime, datetime] | None
    """None: until now, as long as it is by default."""
    zone: str
    of: dict[str, str]

    def expected(self, figures: Figures, as_of: datetime) -> Told:
        """Its figures."""
        points = figures.points(
            self.step,
            *(self.span or _until_now(self.step, as_of, self.zone)),
            as_of,
            zone=self.zone,
            article=self.of.get("article", ""),
            section=self.of.get("section", ""),
            kind=self.of.get("class", ""),
            split=self.of.get("split", ""),
        )
        told: Told = {"points": len(points)}
        for point in points:
            told[f"at {point.start}"] = point.reads
            told |= {f"at {point.start}: {name}": n for name, n in point.by.items()}
        return told

    def found(self, answer: Any) -> Told:
        """Those of a JSON answer."""
        told: Told = {"points": len(answer["points"])}
        for point in answer["points"]:
            at = datetime.fromtimestamp(point["time"] / 1000, UTC)
            told[f"at {at}"] = point["reads"]
            told |= {f"at {at}: {name}": n for name, n in (point["by"] or {}).items()}
            if moment(point["start"]) != at:
                told[f"start of {at}"] = point["start"]
        return told

    def rows(self, table: Rows) -> Told:
        """Those of a table."""
        told: Told = {"points": len(table)}
        for row in table:
            at = datetime.fromtimestamp(int(row["time"]) / 1000, UTC)
            told[f"at {at}"] = number(row["reads"])
            parts = SPLITS.get(self.of.get("split", ""), ())
            told |= {f"at {at}: {name}": number(row[name]) for name in parts}
        return told


def _series(
    of: dict[str, str], figures: Figures, as_of: datetime, random: Random, most: int
) -> Question:
    step, way, form = random.choice(STEPS), random.random(), random.choice(FORMS)
    length = most * DAYS[step] if way < 0.5 else min(40, most * DAYS[step])
    if way > 0.97 and most == POINTS and "split" not in of:
        step, form = random.choice(tuple(MANY)), random.choice(FORMS[2:])
        length = MANY[step]
    first, end = _span(as_of, random, length)
    span: tuple[datetime, datetime] | None = (first, end)
    zone = _zone(first, random)
    asked = {"step": step, "from": _text(first), "to": _text(end), "tz": zone, **of}
    if 0.5 < way < 0.6:  # a date is its midnight in the zone
        day = wall(quarter_at(first), zone).date()
        asked["from"], span = day.isoformat(), (start_at(begin(day, zone)), end)
    elif 0.6 < way < 0.7:
        del asked["from"], asked["to"]
        span = None
    elif 0.7 < way < 0.8:
        del asked["tz"]
        zone = figures.zone
    one = _Series(step, span, zone, of)
    return Question(
        SERIES, "/stats/series", "/stats/series", one.expected, one.found, asked, one.rows, form
    )


def _until_now(step: str, as_of: datetime, zone: str) -> tuple[datetime, datetime]:
    """The span of a series without `from` and `to`."""
    lengths = {"hour": DAY, "day": 30 * DAY, "week": 26 * 7 * DAY}
    end = as_of + timedelta(milliseconds=1)
    if step in lengths:
        return as_of - lengths[step], end
    day = wall(quarter_at(as_of), zone).date()
    return start_at(begin(day.replace(year=day.year - 1, day=1), zone)), end


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
