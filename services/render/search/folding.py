"""Words as search compares them: one form for every way to write a word. Pure.

A word has two forms. `folded` has no marks, and d for đ: `Điện` and `dien` are one. `accented` has
the marks, tones after the letters: `hòa` and `hoà` are one, in whatever normal form they come.
Both are in lower case, and have i for the y of `kỹ`, `lý`, `quý`, which are written in both ways.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

LONGEST_WORD = 40
"""Characters of a word that count; the rest of it is left out."""
_CACHED = 20_000
_TONES = frozenset("\u0300\u0301\u0303\u0309\u0323")  # grave, acute, tilde, hook above, dot below
_WITHOUT_MARKS = str.maketrans(
    {"đ": "d", "ð": "d", "ɖ": "d", "ø": "o", "ł": "l", "ħ": "h", "æ": "ae", "œ": "oe", "ı": "i"}
)
_SAME_LETTER = str.maketrans({"ð": "đ", "ɖ": "đ"})
"""Ð (eth) looks like Đ, and old keyboards wrote it."""
_I_OR_Y = frozenset(("hy", "ky", "ly", "my", "sy", "ty", "vy", "quy"))
_IDEOGRAPHS = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_MARKS = "\u0300-\u036f"
_WORD = re.compile(
    # 1.500.000 is one number; then digits, and letters with what stands above and below them.
    # Chinese and Japanese have no spaces: each character is a word.
    r"(?<![\d.,])\d{1,3}(?:[.,]\d{3})+(?![\d])"
    r"|[\d²³¹]+"
    rf"|[{_IDEOGRAPHS}]"
    rf"|[^\W\d_²³¹{_IDEOGRAPHS}](?:[^\W\d_²³¹{_IDEOGRAPHS}]|[{_MARKS}])*"
)


class Word(NamedTuple):
    """A word in both forms."""

    folded: str
    accented: str


def words_in(text: str) -> list[Word]:
    """The words of a text, in order."""
    return [word for word, _, _ in placed_words(text)]


def placed_words(text: str) -> Iterator[tuple[Word, int, int]]:
    """The words of a text, each with its first and its last place in `in_nfc(text)`."""
    for match in _WORD.finditer(in_nfc(text)):
        if (word := word_of(match[0])).folded:
            yield word, match.start(), match.end()


def in_nfc(text: str) -> str:
    """The text in the normal form that `placed_words` counts in."""
    return text if unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", text)


@lru_cache(_CACHED)
def word_of(written: str) -> Word:
    """The forms of one word. Both are empty if nothing of it can be compared."""
    if written[0].isdigit():
        return _number(unicodedata.normalize("NFKC", written))
    plain = unicodedata.normalize("NFKC", written[:LONGEST_WORD]).casefold()
    letters, tones = list[str](), list[str]()
    for each in unicodedata.normalize("NFD", plain.translate(_SAME_LETTER)):
        if each in _TONES:
            tones.append(each)
        elif each.isalnum() or unicodedata.combining(each):
            letters.append(each)
    folded = "".join(each for each in letters if not unicodedata.combining(each))
    folded = unicodedata.normalize("NFC", folded.translate(_WITHOUT_MARKS))
    accented = unicodedata.normalize("NFC", "".join(letters))
    if folded in _I_OR_Y:
        folded, accented = f"{folded[:-1]}i", f"{accented[:-1]}i"
    return Word(folded, accented + "".join(tones))


def _number(written: str) -> Word:
    digits = "".join(each for each in written if each.isdigit())[:LONGEST_WORD]
    # The sixth of July is 06/07 and 6/7.
    digits = digits[1:] if len(digits) == 2 and digits[0] == "0" else digits
    return Word(digits, digits)


def without_tones(accented: str) -> str:
    """The accented form of a word without its tones: of `điên`, `điện` and `điển` the same."""
    return accented.rstrip("".join(_TONES))
