"""Questions about unique readers: of the site and each article, by day. Readers online are asked
apart, because their number changes within a quarter of an hour.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

from tests.oracle.figures import Figures
from tests.oracle.question import Question, Rows, Told, number
from tests.oracle.traffic import Delivery
from tests.oracle.visitors import reader_day
from tests.support.wall_clock import DAY, quarter_at

READERS, ONLINE = "readers", "online"
SLICE, WINDOW = 5_000, 300_000
"""Readers online are those of the batches of whole slices of time, in milliseconds."""
AGE_SECONDS = 8
"""Age at most of an answer's number of readers online, in seconds."""


def reader_questions(figures: Figures, as_of: datetime) -> Iterator[Question]:
    """Of the site and of each article: today and yesterday, and series in each form. Readers are
    known since the first round.
    """
    first = figures.readers_since
    today = reader_day(quarter_at(as_of), figures.zone)
    for article in ("", *figures.catalogue(as_of)):
        if today > first + DAY:
            yield _both(article)
        for form in ("json", "csv", "ndjson") if not article else ("json",):
            yield _series(article, first + DAY, today + 3 * DAY, form)


def _both(article: str) -> Question:
    def expected(figures: Figures, as_of: datetime) -> Told:
        today = reader_day(quarter_at(as_of), figures.zone)
        return {
            "today": figures.readers(today, article),
            "yesterday": figures.readers(today - DAY, article),
            "errors": (None, None),
        }

    def found(answer: Any) -> Told:
        days = {name: answer["readers"][name] for name in ("today", "yesterday")}
        errors = tuple(each["error"] for each in days.values())
        return {name: each["number"] for name, each in days.items()} | {"errors": errors}

    path = f"/stats/articles/{article}" if article else "/stats/site"
    endpoint = "/stats/articles/{id}" if article else path
    return Question(READERS, endpoint, path, expected, found)


def _series(article: str, first: date, end: date, form: str) -> Question:
    days = [first + n * DAY for n in range((end - first).days)]

    def expected(figures: Figures, as_of: datetime) -> Told:
        today = reader_day(quarter_at(as_of), figures.zone)
        told: Told = {
            str(day): figures.readers(day, article) if day <= today else None for day in days
        }
        if form == "json":
            over = [figures.readers(day, article) for day in days if day < today]
            told["mean"] = round(sum(over) / len(over), 1) if over else None
        return told

    def found(answer: Any) -> Told:
        told: Told = {point["day"]: point["readers"] for point in answer["points"]}
        return told | {"mean": answer["mean"]}

    def rows(found: Rows) -> Told:
        return {row["day"]: number(row["readers"]) for row in found}

    asked = {"from": str(first), "to": str(end)} | ({"article": article} if article else {})
    return Question(
        READERS, "/stats/readers", "/stats/readers", expected, found, asked, rows=rows, form=form
    )


def online_numbers(batches: Iterable[Delivery], since: datetime, until: datetime) -> set[int]:
    """What the number of readers online may be, in an answer that was asked for and came between
    two moments.
    """
    minted = [(each.batch.minted_at, each.hashes) for each in batches if each.hashes]
    moment, found = since - timedelta(seconds=AGE_SECONDS), set[int]()
    while moment <= until + timedelta(seconds=1):
        oldest = (round(moment.timestamp() * 1000) - WINDOW) // SLICE
        seen = {each for at, hashes in minted if at // SLICE >= oldest for each in hashes}
        found.add(len(seen))
        moment += timedelta(seconds=0.5)
    return found
