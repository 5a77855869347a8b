"""The slug of a title: its part of the page's address. Pure."""

import re
import unicodedata
from functools import lru_cache

from slugify import slugify

from shared.base.letters import one_form

MAX_SLUG = 100

_BETWEEN_FIGURES = re.compile(r"(?<=\d)[^\w\s]+(?=\d)")
# `slugify` would write "deg", "eur" or a nought for them: "4‰" as "4-0", "50°C" as "50degc", "5 £"
# as "5-ps".
_SIGN = re.compile(r"[^\x00-\x7f\w]")
_MARKS_OF_TRADE = frozenset("™℠")
_LIKE = str.maketrans({"º": "°", "’": "'", "ʼ": "'", "‘": "'", "µ": "u", "₫": "đ"})
"""Characters that are typed for others: with them a word is the same word."""
_IGNORED = re.compile("[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]")
_UNUSUAL = re.compile(r"[⁰¹²³⁴-⁹]+|[₀-₉]+|[^\x00-\x7f\d]")
_JOINT = "\u2060"  # neither a letter nor a space: `_BETWEEN_FIGURES` finds it


@lru_cache(64)  # a request asks twice, and it takes a tenth of a millisecond
def slug_of(title: str) -> str:
    """A Vietnamese title as a slug:
    `Đường về bản Lác` becomes `duong-ve-ban-lac`; `bai-viet` if nothing is left.

    Numbers stay apart: `3,5%` becomes `3-5`, `3½` becomes `3-1-2`, `10⁵` becomes `10-5`.
    """
    shown = one_form(_IGNORED.sub("", title)).translate(_LIKE)
    apart = _BETWEEN_FIGURES.sub("-", _UNUSUAL.sub(_spelled, shown)).replace(_JOINT, "")
    apart = _SIGN.sub(_without_sign, apart)
    return (
        slugify(
            apart,
            max_length=MAX_SLUG,
            word_boundary=True,
            entities=False,
            decimal=False,
            hexadecimal=False,
            backend="text-unidecode",  # else it looks for another one first, each time
        )
        or "bai-viet"
    )


def _spelled(found: re.Match[str]) -> str:
    """Raised, lowered and circled figures,
    fractions and units in plain figures, between two joints.
    """
    plain = unicodedata.normalize("NFKD", found[0])
    return f"{_JOINT}{plain}{_JOINT}" if plain[0].isdigit() or plain[-1].isdigit() else found[0]


def _without_sign(found: re.Match[str]) -> str:
    """A space for a sign, the letters for one that is made of letters (`℃`, `№`); marks stay on
    their letters.
    """
    sign = found[0]
    if unicodedata.category(sign) in ("Mn", "Mc"):
        return sign
    plain = unicodedata.normalize("NFKD", sign).replace("°", " ")
    return plain if any(map(str.isalnum, plain)) and sign not in _MARKS_OF_TRADE else " "
