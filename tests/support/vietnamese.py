"""Every Vietnamese letter with marks, by hand, and the ways in which editors' systems write it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

GRAVE, ACUTE, HOOK, TILDE, DOT = "\u0300", "\u0301", "\u0309", "\u0303", "\u0323"
CIRCUMFLEX, BREVE, HORN = "\u0302", "\u0306", "\u031b"
TONES = ("", GRAVE, ACUTE, HOOK, TILDE, DOT)
"""The tones in the order of the columns of `VOWELS`."""
VOWELS = (
    ("a", "", "aàáảãạ"),
    ("a", BREVE, "ăằắẳẵặ"),
    ("a", CIRCUMFLEX, "âầấẩẫậ"),
    ("e", "", "eèéẻẽẹ"),
    ("e", CIRCUMFLEX, "êềếểễệ"),
    ("i", "", "iìíỉĩị"),
    ("o", "", "oòóỏõọ"),
    ("o", CIRCUMFLEX, "ôồốổỗộ"),
    ("o", HORN, "ơờớởỡợ"),
    ("u", "", "uùúủũụ"),
    ("u", HORN, "ưừứửữự"),
    ("y", "", "yỳýỷỹỵ"),
    ("A", "", "AÀÁẢÃẠ"),
    ("A", BREVE, "ĂẰẮẲẴẶ"),
    ("A", CIRCUMFLEX, "ÂẦẤẨẪẬ"),
    ("E", "", "EÈÉẺẼẸ"),
    ("E", CIRCUMFLEX, "ÊỀẾỂỄỆ"),
    ("I", "", "IÌÍỈĨỊ"),
    ("O", "", "OÒÓỎÕỌ"),
    ("O", CIRCUMFLEX, "ÔỒỐỔỖỘ"),
    ("O", HORN, "ƠỜỚỞỠỢ"),
    ("U", "", "UÙÚỦŨỤ"),
    ("U", HORN, "ƯỪỨỬỮỰ"),
    ("Y", "", "YỲÝỶỸỴ"),
)
"""Plain letter, the mark of its shape, and the letters: one without a tone, then with each."""
BARRED = "đĐ"
"""They have no other form: the bar is no mark."""


@dataclass(frozen=True)
class Letter:
    """A letter as one character, and what it is made of."""

    one: str
    plain: str
    shape: str
    tone: str
    shaped: str
    """The letter without its tone, as one character."""
    toned: str
    """The plain letter with the tone, as one character."""


def letters() -> Iterator[Letter]:
    """The 132 vowels with a mark."""
    bare = {plain: row for plain, shape, row in VOWELS if not shape}
    for plain, shape, row in VOWELS:
        for column, one in enumerate(row):
            if one != plain:
                yield Letter(one, plain, shape, TONES[column], row[0], bare[plain][column])


WAYS: dict[str, Callable[[Letter], str]] = {
    "composed": lambda each: each.one,
    "shape, then tone": lambda each: each.plain + each.shape + each.tone,
    "tone, then shape": lambda each: each.plain + each.tone + each.shape,
    "windows-1258": lambda each: each.shaped + each.tone,
    "tone composed, shape apart": lambda each: each.toned + each.shape,
    "old tone marks": lambda each: (
        each.shaped + {GRAVE: "\u0340", ACUTE: "\u0341"}.get(each.tone, each.tone)
    ),
}
"""Ways to write a letter."""
