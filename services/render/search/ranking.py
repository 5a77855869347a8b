"""Which of the found articles come first. Pure.

First those in which all words stand side by side as asked. Of these those whose accents are the
reader's, if the reader typed any; then by field: title, tags, lead, the rest, and what stands in
both title and tags before all; then those that have the whole question in one place; then the
newest.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from services.render.search.folding import Word, without_tones
from services.render.search.questions import Question, Run

_MOST_PLACES = 8
"""Places of a phrase in one article whose accents are compared."""


@dataclass
class Candidate:
    """An article that has the keys of a question."""

    id: str
    at: int
    folded: bytes
    accented: bytes

    @cached_property
    def words(self) -> list[bytes]:
        """The accented words, by their place."""
        return self.accented.split(b" ")


class Rank(NamedTuple):
    """The order of results: the lowest first."""

    apart: int
    """Pairs of neighbours in the question that are no neighbours in the article."""
    distance: int
    """How much the accents differ from the reader's."""
    field: int
    """0: title and tags, 1: title, 2: tags, 3: lead, 4: the rest."""
    scattered: int
    """0 if each run of the question stands in one place."""
    unlike: int
    """0 if a question without accents stands in this field just so."""
    newest: int
    """The time of publication, negative."""
    id: str


class _Match(NamedTuple):
    apart: int
    distance: int
    field: int
    scattered: int


def rank_of(question: Question, candidate: Candidate) -> Rank | None:
    """The article's rank; None if it is no answer."""
    marked = question.marked
    matches = list[_Match]()
    for run in question.runs:
        match = _match(run, candidate, marked)
        if match is None:
            return None
        matches.append(match)
    distance, field = sum(m.distance for m in matches), max(m.field for m in matches)
    exact = [_exact(run.words, candidate) for run in question.runs]
    as_typed = all(each is not None and each <= field for each in exact)
    return Rank(
        sum(match.apart for match in matches),
        distance,
        0 if field == 0 and _is_tag(question, candidate, marked and not distance) else field + 1,
        max(match.scattered for match in matches),
        0 if marked or as_typed else 1,
        -candidate.at,
        candidate.id,
    )


def _match(run: Run, candidate: Candidate, marked: bool) -> _Match | None:
    whole = _best(run.words, candidate, marked)
    if whole is not None and (whole[0] == 0 or len(run.words) == 1 or run.strict):
        return _Match(0, *whole, 0)
    if run.strict or len(run.words) == 1:
        return None
    split = _pairs(run, candidate, marked)
    if whole is None:
        return split
    together = _Match(0, *whole, 0)
    return together if split is None else min(together, split)


def _pairs(run: Run, candidate: Candidate, marked: bool) -> _Match | None:
    """The match of a run whose words don't stand in one place. At least half of its neighbours must
    be neighbours in the article: two Vietnamese syllables apart are another word.
    """
    bests = [_best(pair, candidate, marked) for pair in pairwise(run.words)]
    found = [best for best in bests if best is not None]
    if len(found) < len(bests):
        if 2 * len(found) < len(bests) or len(run.words) < 3:
            return None
        singles = [_best((word,), candidate, marked) for word in run.words]
        if None in singles:
            return None
        found += [single for single in singles if single is not None]
    distance, field = sum(best[0] for best in found), max(best[1] for best in found)
    return _Match(sum(best is None for best in bests), distance, field, 1)


def _best(words: tuple[Word, ...], candidate: Candidate, marked: bool) -> tuple[int, int] | None:
    """Distance and field of the best place where the words stand side by side."""
    sought = _bytes([word.folded for word in words])
    place = candidate.folded.find(sought)
    if place < 0:
        return None
    if not marked:
        return 0, candidate.folded.count(b"\n", 0, place)
    if (field := _exact(words, candidate)) is not None:
        return 0, field
    bests = list[tuple[int, int]]()
    while place >= 0 and len(bests) < _MOST_PLACES:
        first = candidate.folded.count(b" ", 0, place + 1)
        written = candidate.words[first : first + len(words)]
        distance = sum(map(_distance, words, [each.decode() for each in written]))
        bests.append((distance, candidate.folded.count(b"\n", 0, place)))
        place = candidate.folded.find(sought, place + 1)
    return min(bests)


def _exact(words: tuple[Word, ...], candidate: Candidate) -> int | None:
    """The first field in which the words stand side by side with their accents."""
    place = candidate.accented.find(_bytes([word.accented for word in words]))
    return None if place < 0 else candidate.accented.count(b"\n", 0, place)


def _is_tag(question: Question, candidate: Candidate, accented: bool) -> bool:
    """Whether every run of the question stands in the article's tags."""
    tags = (candidate.accented if accented else candidate.folded).split(b"\n", 2)[1]
    return all(
        _bytes([*(run.accented if accented else run.folded)]) in tags for run in question.runs
    )


def _distance(word: Word, written: str) -> int:
    """0: the same word; 1: nothing differs but its tone, or d and đ, or one of the two has no marks
    at all; 2: other letters.
    """
    folded, accented = word
    if accented == written:
        return 0
    if folded in (accented, written) or without_tones(accented) == without_tones(written):
        return 1
    return 1 if accented.replace("đ", "d") == written.replace("đ", "d") else 2


def _bytes(words: list[str]) -> bytes:
    return f" {' '.join(words)} ".encode()
