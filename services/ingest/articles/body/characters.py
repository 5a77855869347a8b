"""Control characters, combining marks, invisible characters and letters' one form, in texts and
HTML. Pure.
"""

import re
import unicodedata
from collections.abc import Iterable

from shared.base.letters import one_form

MAX_MARKS = 8
"""Upper bound for combining marks on one letter; Vietnamese has at most two."""

FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
_PLANES = "".join(chr(plane << 16 | end) for plane in range(1, 17) for end in (0xFFFE, 0xFFFF))
NONCHARACTERS = re.compile(f"[\ufdd0-\ufdef{_PLANES}]")
"""Further code points that are no characters and never will be. HTML forbids them."""
_BREAKS = re.compile(r"[\x0b\x0c\x1c-\x1f\x85]")
"""Control characters that separate words: Word's line break, a PDF's page break, the separators of
ASCII, U+0085 (next line).
"""

_INVISIBLE_KINDS = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Me", "Mn", "Zl", "Zp", "Zs"})
_FILLERS = frozenset("\u115f\u1160\u2800\u3164\uffa0\ufffc\U0001d159")
"""Letters and symbols by their category that show nothing: the Hangul fillers, the blank Braille
pattern, the object replacement character, the null notehead."""


def shows(text: str) -> bool:
    """True if `text` has a visible character. White space and fillers are invisible."""
    return any(
        unicodedata.category(character) not in _INVISIBLE_KINDS and character not in _FILLERS
        for character in text
    )


def without_controls(text: str) -> str:
    """`text` without control characters and noncharacters; those that separate words become line
    breaks.
    """
    if text.isprintable():
        return text
    return NONCHARACTERS.sub("", FORBIDDEN.sub("", _BREAKS.sub("\n", text)))


def plain(text: str) -> str:
    """A text or attribute value from the parser, in one form and without control characters. An
    entity such as `&#11;` puts one there that the source did not have.
    """
    return one_form(without_controls(text))


def _of_kinds(points: Iterable[int], *kinds: str) -> str:
    return "".join(chr(point) for point in points if unicodedata.category(chr(point)) in kinds)


_BASIC, _BEYOND = range(0x300, 0x10000), range(0x10000, 0x1F000)
_MARKS = _of_kinds(_BASIC, "Mn", "Mc", "Me")
_MARKS_BEYOND = _of_kinds(_BEYOND, "Mn", "Mc", "Me")
_FORMATS = re.escape(_of_kinds(range(0x80, 0xE0100), "Cf"))
"""Format characters, such as the joiner U+200D. They don't end a stack of marks."""
_STACKED = f"[{_MARKS}{_MARKS_BEYOND}{_FORMATS}]"
_STACKS = re.compile(f"[{_MARKS}]{_STACKED}*")
_STACKS_BEYOND = re.compile(f"[{_MARKS_BEYOND}]{_STACKED}*")
"""Marks above U+FFFF, in a pattern of their own: one pattern for all marks is ten times slower."""
_LEADING = re.compile(f"{_STACKED}*")
_TRAILING = re.compile(f"{_STACKED}*\\Z")
_ONE_FORMAT = re.compile(f"[{_FORMATS}]")


def has_marks(text: str) -> bool:
    """True if there is a combining mark that no letter is composed with."""
    # A code point above U+FFFF takes two units. Some 200 times faster than max(text).
    beyond = len(text.encode("utf-16-le", "surrogatepass")) > 2 * len(text)
    return bool(_STACKS.search(text) or (beyond and _STACKS_BEYOND.search(text)))


def fewer_marks(text: str, before: int = 0) -> tuple[str, int]:
    """Remove combining marks beyond `MAX_MARKS` on a letter. 2,000 marks on one letter make a page
    12,000 px wide.

    `before` is the number of marks that the letter before `text` has already. Returns the text and
    the number of marks on its last letter.
    """
    if text.isascii():
        return text, 0 if text else before
    if not has_marks(text):
        return text, before if before and not _ONE_FORMAT.sub("", text) else 0
    head = _LEADING.match(text)
    start = head.end() if head else 0
    first, on_first = _cut_stack(text[:start], before)
    rest = _STACKS.sub(lambda stack: _cut_stack(stack[0], 0)[0], text[start:])
    if _STACKS_BEYOND.search(rest):
        rest = _STACKS_BEYOND.sub(lambda stack: _cut_stack(stack[0], 0)[0], rest)
    last = _TRAILING.search(rest)
    return first + rest, on_first if not rest else _cut_stack(last[0] if last else "", 0)[1]


def _cut_stack(stack: str, before: int) -> tuple[str, int]:
    """Remove the marks beyond the limit from a stack of marks and format characters. Returns the
    stack and its number of marks, `before` included.
    """
    kept = []
    for character in stack:
        if not _ONE_FORMAT.match(character):
            if before >= MAX_MARKS:
                continue
            before += 1
        kept.append(character)
    return "".join(kept), before


_STROKE = re.compile("(?<=>)\u0338")
"""A combining stroke after a tag. NFC would make `≯` of it and the `>`; the tag would not end."""


def composed(html: str) -> str:
    """HTML in one form. A letter and a mark that came from two entities or elements are composed
    too.
    """
    return one_form(_STROKE.sub("&#824;", html) if "\u0338" in html else html)


def with_escapes_composed(html: str) -> str:
    """Escaped HTML with `≯` and `≮` composed, so that its text is in NFC too: the text of `&gt;`
    with a combining stroke would have two characters for the one of NFC.
    """
    return html.replace("&gt;\u0338", "\u226f").replace("&lt;\u0338", "\u226e")
