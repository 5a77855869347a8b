"""The piece of an article that shows why it was found, with the found words marked. Pure."""

from itertools import pairwise

from markupsafe import Markup, escape

from services.render.search.folding import Word, in_nfc, placed_words
from services.render.search.questions import Question

_BEFORE, _AFTER = 8, 24
"""Words of a snippet before and after the first word found."""
_MOST_TEXT = 40_000
"""Characters of an article that are looked through for a snippet."""
_ELLIPSIS = "…"


def snippet_of(question: Question, text: str) -> Markup | None:
    """About thirty words of `text` around what was asked for; None if it isn't there."""
    text = in_nfc(text[:_MOST_TEXT])
    placed = list(placed_words(text))
    found = _found(question, [word for word, _, _ in placed])
    if not found:
        return None
    first = min(found)
    begin, end = max(0, first - _BEFORE), min(len(placed), first + _AFTER)
    piece = _marked(text, placed, found, begin, end)
    before = _ELLIPSIS if begin else ""
    return Markup("{}{}{}").format(before, piece, _ELLIPSIS if end < len(placed) else "")


def marked(question: Question, text: str) -> Markup:
    """The whole of a short text, such as a title, with the found words marked."""
    text = in_nfc(text)
    placed = list(placed_words(text))
    if not placed:
        return escape(text)
    found = _found(question, [word for word, _, _ in placed])
    piece = _marked(text, placed, found, 0, len(placed))
    return Markup("{}{}{}").format(text[: placed[0][1]], piece, text[placed[-1][2] :])


def _found(question: Question, words: list[Word]) -> set[int]:
    """The places of the words that are marked: of the runs as asked, else of their pairs; with the
    reader's accents, if the text has them.
    """
    accented = [word.accented for word in words]
    folded = [word.folded for word in words]
    found = set[int]()
    for run in question.runs:
        pairs = [*pairwise(run.words)]
        for sought in ([run.words], pairs):
            here = set[int]()
            for each in sought:
                here |= (
                    _places([word.accented for word in each], accented)
                    if question.marked
                    else set()
                ) or _places([word.folded for word in each], folded)
            if here:
                found |= here
                break
    return found


def _places(sought: list[str], words: list[str]) -> set[int]:
    length, found = len(sought), set[int]()
    place = -1
    while True:
        try:
            place = words.index(sought[0], place + 1)
        except ValueError:
            return found
        if words[place : place + length] == sought:
            found.update(range(place, place + length))


def _marked(
    text: str, placed: list[tuple[Word, int, int]], found: set[int], begin: int, end: int
) -> Markup:
    """`text` from word `begin` up to word `end`; neighbours that are found share a mark."""
    pieces, number = list[Markup](), begin
    while number < end:
        last = number
        while last + 1 < end and (last + 1 in found) == (number in found):
            last += 1
        piece = _on_one_line(text[placed[number][1] : placed[last][2]])
        pieces.append(Markup("<mark>{}</mark>").format(piece) if number in found else escape(piece))
        if last + 1 < end:
            pieces.append(escape(_on_one_line(text[placed[last][2] : placed[last + 1][1]])))
        number = last + 1
    return Markup("").join(pieces)


def _on_one_line(text: str) -> str:
    return text.replace("\n", " ")
