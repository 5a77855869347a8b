"""The searches of `tests/cases/searches.txt` and the articles that they find."""

import json
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from luotdoc_events import events
from services.render.search.questions import Question, begin_of_day, end_of_day, runs_of

CASES = Path(__file__).parents[1] / "cases"
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


@dataclass(frozen=True)
class Search:
    """A search with its expected first results; `every`: it has no others."""

    text: str
    filters: tuple[tuple[str, str], ...]
    first: tuple[str, ...]
    every: bool

    def question(self, text: str) -> Question:
        """The question, in which `text` stands for the words."""
        given = dict(self.filters)
        since, until = given.get("since"), given.get("until")
        return Question(
            runs=runs_of(text),
            sections=(given["in"],) if "in" in given else (),
            language=given.get("lang", ""),
            since=begin_of_day(date.fromisoformat(since), ZONE) if since else None,
            until=end_of_day(date.fromisoformat(until), ZONE) if until else None,
        )


@cache
def searches() -> list[Search]:
    """Every search of the file."""
    found = []
    for line in (CASES / "searches.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            text, filters, expected = (part.strip() for part in line.split("|"))
            every = expected.startswith("=") or expected == "-"
            first = tuple(expected.lstrip("=-").split())
            given = tuple(_pair(each) for each in filters.split())
            found.append(Search(text, given, first, every))
    return found


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition(":")
    return name, value


def searched_article(**fields: Any) -> events.Article:
    """An article as its event has it."""
    fixed: dict[str, Any] = {"revision": 1, "url": "https://tin.vn/x.html", "slug": "x"}
    defaults: dict[str, Any] = {
        "section": "thoi-su",
        "title": "Tin",
        "body_html": "",
        "published_at": "2026-11-01T08:00:00+07:00",
    }
    given = {**fixed, **defaults, **fields}
    return events.Article.model_validate({"modified_at": given["published_at"], **given})


@cache
def searched_articles() -> list[events.Article]:
    """The articles of `tests/cases/searched_articles.json`."""
    held = json.loads((CASES / "searched_articles.json").read_text())
    return [
        searched_article(**{**each, "body_html": f"<p>{each.pop('body')}</p>"}) for each in held
    ]


TONES = "\u0300\u0301\u0303\u0309\u0323"


def decomposed(text: str) -> str:
    """The text in NFD."""
    return unicodedata.normalize("NFD", text)


def as_windows_1258(text: str) -> str:
    """The text as windows-1258 has it: letters are composed, tones follow them."""
    found = ""
    for each in unicodedata.normalize("NFC", text):
        letters = unicodedata.normalize("NFD", each)
        tones = "".join(mark for mark in letters if mark in TONES)
        rest = "".join(mark for mark in letters if mark not in TONES)
        found += unicodedata.normalize("NFC", rest) + tones
    return found


def tones_first(text: str) -> str:
    """The text in NFD with each tone before the other marks of its letter."""
    found = ""
    for each in unicodedata.normalize("NFC", text):
        letters = unicodedata.normalize("NFD", each)
        found += letters[:1] + "".join(sorted(letters[1:], key=lambda mark: mark not in TONES))
    return found


def mixed(text: str) -> str:
    """Each letter in another of the forms, by turns."""
    forms: list[Callable[[str], str]] = [str, decomposed, as_windows_1258, tones_first]
    composed = unicodedata.normalize("NFC", text)
    return "".join(forms[place % 4](each) for place, each in enumerate(composed))


FORMS: dict[str, Callable[[str], str]] = {
    "NFC": str,
    "NFD": decomposed,
    "windows-1258": as_windows_1258,
    "tones first": tones_first,
    "mixed": mixed,
}
