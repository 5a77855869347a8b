"""Questions about lists: tops of every window, trending articles, classes, sources, the books."""

from collections.abc import Iterator
from datetime import datetime
from random import Random
from typing import Any

from tests.oracle.figures import UNKNOWN, Figures
from tests.oracle.question import Question, Rows, Told
from tests.support.traffic_oracle import CLASSES, NOT_KNOWN, PEOPLE, WINDOWS

TOP, TRENDING, KINDS, BOOKS = "top", "trending", "classes and sources", "books"
OTHER_WINDOWS = ("2h", "5h", "23h", "37h", "744h", "2d", "10d", "31d")
PERIOD_NAMES = ("total", "today", "yesterday", "week", "month", "year")
HALF_PLACE = 0.005 + 1e-9


def top_questions(figures: Figures, as_of: datetime, random: Random) -> Iterator[Question]:
    """Every window, of all sections and of each."""
    for window in (*WINDOWS, *OTHER_WINDOWS):
        for section in ("", *figures.sections(as_of)):
            limit = random.choice((100, 100, 100, 10, 3, 1))
            yield _top(window, section, limit, random.choice(("json", "json", "csv")))


def trending_questions(figures: Figures, as_of: datetime, random: Random) -> Iterator[Question]:
    """Of all sections and of each."""
    for section in ("", *figures.sections(as_of)):
        limit, form = random.choice((100, 10, 3)), random.choice(("json", "json", "csv"))
        yield _trending(section, limit, form)


def kind_questions() -> Iterator[Question]:
    """Classes, referrers and devices."""
    for form in ("json", "csv"):
        yield Question(
            KINDS, "/stats/classes", "/stats/classes", _classes,
            lambda answer: _class_rows(answer["classes"]), rows=_class_rows, form=form,
        )  # fmt: skip
        yield Question(
            KINDS, "/stats/sources", "/stats/sources", _sources, _found_sources,
            rows=_source_rows, form=form,
        )  # fmt: skip


def book_questions() -> Iterator[Question]:
    """The books."""
    yield Question(BOOKS, "/stats/reconciliation", "/stats/reconciliation", _books, _found_books)


def _asked(section: str, limit: int, **more: str) -> dict[str, str]:
    return {**more, "limit": str(limit)} | ({"section": section} if section else {})


def _top(window: str, section: str, limit: int, form: str) -> Question:
    def expected(figures: Figures, as_of: datetime) -> Told:
        return _listed(figures.top(window, as_of, section)[:limit])

    def rows(found: Rows) -> Told:
        return _listed([(row["article"], int(row["reads"])) for row in found])

    return Question(
        TOP, "/stats/top", "/stats/top", expected, lambda answer: rows(answer["items"]),
        _asked(section, limit, window=window), rows=rows, form=form,
    )  # fmt: skip


def _listed(items: list[tuple[str, int]]) -> Told:
    told: Told = {"items": len(items)}
    return told | {f"place {place}": item for place, item in enumerate(items, 1)}


def _trending(section: str, limit: int, form: str) -> Question:
    def expected(figures: Figures, as_of: datetime) -> Told:
        found = figures.trending(as_of, section)[:limit]
        told: Told = {"items": len(found)}
        for place, each in enumerate(found, 1):
            told[f"place {place}"] = (each.article, each.reads)
            told[f"expected {place}"] = Rounded(each.expected)
            told[f"score {place}"] = Rounded(each.score)
        return told

    def rows(found: Rows) -> Told:
        told: Told = {"items": len(found)}
        for place, row in enumerate(found, 1):
            told[f"place {place}"] = (row["article"], int(row["reads"]))
            told[f"expected {place}"] = float(row["expected"])
            told[f"score {place}"] = float(row["score"])
        return told

    return Question(
        TRENDING, "/stats/trending", "/stats/trending", expected,
        lambda answer: rows(answer["items"]), _asked(section, limit), rows=rows, form=form,
    )  # fmt: skip


class Rounded:
    """A number that equals what comes of rounding it to 2 places."""

    def __init__(self, exact: float) -> None:
        self._exact = exact

    def __eq__(self, other: object) -> bool:
        return isinstance(other, float) and abs(self._exact - other) < HALF_PLACE

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        return f"{self._exact:.6f}, rounded"


def _classes(figures: Figures, as_of: datetime) -> Told:
    counts = figures.classes(as_of)
    told: Told = {f"{kind}: people": kind in PEOPLE for kind in CLASSES}
    return told | {f"{k}: {name}": counts[name][k] for k in CLASSES for name in PERIOD_NAMES}


def _class_rows(rows: list[dict[str, Any]]) -> Told:
    told: Told = {}
    for row in rows:
        told[f"{row['class']}: people"] = str(row["people"]).lower() == "true"
        told |= {f"{row['class']}: {name}": int(row[name]) for name in PERIOD_NAMES}
    return told


def _sources(figures: Figures, as_of: datetime) -> Told:
    told: Told = {}
    for what, counts in (
        ("referrer", figures.referrers(as_of)),
        ("device", figures.devices(as_of)),
    ):
        for name in PERIOD_NAMES:
            for kind, count in counts[name].items():
                told[f"{what} {UNKNOWN if kind == NOT_KNOWN else kind}: {name}"] = count
    return told


def _found_sources(answer: Any) -> Told:
    rows = [
        {"what": what, "class": row[what], **row}
        for what in ("referrer", "device")
        for row in answer[f"{what}s"]
    ]
    return _source_rows(rows)


def _source_rows(rows: list[dict[str, Any]]) -> Told:
    return {
        f"{row['what']} {row['class']}: {name}": int(row[name])
        for row in rows
        for name in PERIOD_NAMES
    }


def _books(figures: Figures, _as_of: datetime) -> Told:
    books = figures.books
    accepted = books.counted + books.filtered.total() + books.parked
    told: Told = {"accepted": accepted, "counted": books.counted, "parked": books.parked}
    told |= {"balance": 0, "in_flight": 0, "lost": 0, "running_gaps": [], "gaps": []}
    told |= {f"filtered: {kind}": number for kind, number in books.filtered.items()}
    return told | {
        f"corrected: {kind}": number for kind, number in books.corrected.items() if number
    }


def _found_books(answer: Any) -> Told:
    names = (
        "accepted",
        "counted",
        "parked",
        "balance",
        "in_flight",
        "lost",
        "running_gaps",
        "gaps",
    )
    told: Told = {name: answer[name] for name in names}
    told |= {f"filtered: {kind}": n for kind, n in answer["filtered"].items() if n}
    return told | {f"corrected: {kind}": n for kind, n in answer["corrected"].items() if n}
