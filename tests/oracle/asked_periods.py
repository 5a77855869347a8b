"""Questions about the figures of periods: of the site, of articles, of sections; also beside those
of earlier periods.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from tests.oracle.figures import Figures
from tests.oracle.question import Question, Rows, Told, moment, number
from tests.support.wall_clock import PERIODS, quarter_at, start_at

PERIOD, COMPARED, SECTION = "periods", "compare", "sections"
BY = ("previous", "last_week", "last_year")
COUNTS = ("baseline", "counted", *PERIODS)


def period_questions(figures: Figures, as_of: datetime) -> Iterator[Question]:
    """The site and each article."""
    yield _site("")
    for article in figures.catalogue(as_of):
        yield _article(article, "")


def compared_questions(figures: Figures, as_of: datetime) -> Iterator[Question]:
    """Site, articles and sections beside each earlier period."""
    for by in BY:
        yield _site(by)
        for section in figures.sections(as_of):
            yield _section(section, by)
        for article in figures.catalogue(as_of):
            yield _article(article, by)


def section_questions(figures: Figures, as_of: datetime) -> Iterator[Question]:
    """All sections, as JSON and CSV, and each one."""
    yield SECTIONS
    yield replace(SECTIONS, form="csv")
    for section in figures.sections(as_of):
        yield _section(section, "")


def _parameters(by: str) -> dict[str, str]:
    return {"compare": by} if by else {}


def _site(by: str) -> Question:
    def expected(figures: Figures, as_of: datetime) -> Told:
        told: Told = {**figures.site(as_of), "since": figures.since(as_of)}
        return told | _beside(figures, as_of, by)

    def found(answer: Any) -> Told:
        told = {name: answer[name] for name in ("total", *COUNTS)}
        return told | {"since": moment(answer["since"])} | _compared(answer["compared"])

    return Question(
        COMPARED if by else PERIOD, "/stats/site", "/stats/site", expected, found, _parameters(by)
    )


def _article(article: str, by: str) -> Question:
    def expected(figures: Figures, as_of: datetime) -> Told:
        told: Told = dict(figures.article(article, as_of) or {})
        told["state"] = figures.catalogue(as_of)[article].state
        return told | _beside(figures, as_of, by, article=article)

    def found(answer: Any) -> Told:
        told = {"total": answer["reads"], "state": answer["state"]}
        told |= {name: answer[name] for name in COUNTS}
        return told | _compared(answer["compared"])

    return Question(
        COMPARED if by else PERIOD, "/stats/articles/{id}", f"/stats/articles/{article}",
        expected, found, _parameters(by),
    )  # fmt: skip


def _section(section: str, by: str) -> Question:
    def expected(figures: Figures, as_of: datetime) -> Told:
        told: Told = dict(figures.section(section, as_of) or {})
        return told | _beside(figures, as_of, by, section=section)

    def found(answer: Any) -> Told:
        told = {name: answer[name] for name in ("articles", "total", *COUNTS)}
        return told | _compared(answer["compared"])

    return Question(
        COMPARED if by else SECTION, "/stats/sections/{section}", f"/stats/sections/{section}",
        expected, found, _parameters(by),
    )  # fmt: skip


def _beside(figures: Figures, as_of: datetime, by: str, **of: str) -> Told:
    """The earlier periods, by names of one level; nothing without `by`."""
    if not by:
        return {"compared": None}
    told: Told = {"by": by, "through": start_at(quarter_at(as_of))}
    for name, (reads, before) in figures.compared(as_of, by, **of).items():
        told |= {f"{name} until then": reads, f"before {name}": before}
    return told


def _compared(answer: Any) -> Told:
    if answer is None:
        return {"compared": None}
    told: Told = {"by": answer["by"], "through": moment(answer["through"])}
    for name in PERIODS:
        told[f"{name} until then"] = answer[name]["reads"]
        told[f"before {name}"] = answer[name]["before"]
    return told


def _sections(figures: Figures, as_of: datetime) -> Told:
    told: Told = {"sections": figures.sections(as_of)}
    for section in figures.sections(as_of):
        counts = figures.section(section, as_of) or {}
        told |= {f"{section}: {name}": count for name, count in counts.items()}
    return told


def _found_sections(answer: Any) -> Told:
    return _section_rows([{k: str(v) for k, v in each.items()} for each in answer["sections"]])


def _section_rows(rows: Rows) -> Told:
    told: Told = {"sections": [row["section"] for row in rows]}
    for row in rows:
        for name in ("articles", "total", *COUNTS):
            told[f"{row['section']}: {name}"] = number(row[name])
    return told


SITE = _site("")
SECTIONS = Question(
    SECTION,
    "/stats/sections",
    "/stats/sections",
    _sections,
    _found_sections,
    rows=_section_rows,
)
