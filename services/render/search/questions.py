"""What a reader asks for: words, phrases in quotation marks, a section, days. Pure."""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from services.render.search.folding import Word, words_in

LONGEST_QUESTION = 200
"""Characters that are looked at."""
MOST_ASKED_WORDS = 16
_PHRASE = re.compile(r"[\"“”„‟«»]([^\"“”„‟«»]*)[\"“”„‟«»]")
_PARTS = re.compile(r"[,;]+(?:\s|$)|\n")
_DAY = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})")
_DAY_FIRST = re.compile(r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{4})")


@dataclass(frozen=True, slots=True)
class Run:
    """Words that a reader wrote side by side. `strict`: in quotation marks, so that they must stand
    so in the article.
    """

    words: tuple[Word, ...]
    strict: bool = False

    @property
    def folded(self) -> tuple[str, ...]:
        """The words without marks."""
        return tuple(word.folded for word in self.words)

    @property
    def accented(self) -> tuple[str, ...]:
        """The words with their marks."""
        return tuple(word.accented for word in self.words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A search. Two that ask for the same are equal."""

    runs: tuple[Run, ...]
    sections: tuple[str, ...] = ()
    """Slugs; empty: in every section."""
    language: str = ""
    """The language of the list; empty: the site has one only."""
    since: datetime | None = None
    until: datetime | None = None
    """Published in [since, until)."""

    @property
    def marked(self) -> bool:
        """Whether the reader types marks: then articles with the same marks come first."""
        return any(word.folded != word.accented for run in self.runs for word in run.words)


def runs_of(text: str) -> tuple[Run, ...]:
    """The words of a question. Words beyond the bounds are left out."""
    found, place, left = list[Run](), 0, MOST_ASKED_WORDS
    text = text[:LONGEST_QUESTION]
    parts = list[tuple[str, bool]]()
    for match in _PHRASE.finditer(text):
        parts += [(text[place : match.start()], False), (match[1], True)]
        place = match.end()
    parts.append((text[place:], False))
    for part, strict in parts:
        for piece in [part] if strict else _PARTS.split(part):
            if piece_words := words_in(piece)[:left]:
                left -= len(piece_words)
                found.append(Run(tuple(piece_words), strict))
    return tuple(dict.fromkeys(found))


def typed_day(text: str) -> date | None:
    """A day as browsers send it (`2026-11-28`) or as people write it (`28/11/2026`); None if the
    text is no day.
    """
    if match := _DAY.fullmatch(text.strip()):
        year, month, day = match.groups()
    elif match := _DAY_FIRST.fullmatch(text.strip()):
        day, month, year = match.groups()
    else:
        return None
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def begin_of_day(day: date, zone: ZoneInfo) -> datetime | None:
    """The beginning of a day in the site's zone; None if the calendar ends before."""
    try:
        moment = datetime.combine(day, time(), zone)
        moment.timestamp()
    except (OverflowError, ValueError):
        return None
    return moment


def end_of_day(day: date, zone: ZoneInfo) -> datetime | None:
    """The beginning of the day after; None if the calendar ends before."""
    try:
        return begin_of_day(day + timedelta(days=1), zone)
    except OverflowError:
        return None
