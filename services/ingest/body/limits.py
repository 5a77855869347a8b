"""What is refused before a parser builds a tree of it, and what a parser would misread. Pure.

The cost of parsing is not the length: 50,000 `<div>` left open take a parser 13 s, and an unclosed `<b>` is opened
again in every later paragraph. So the work that a parser will have is added up tag by tag, and bounded.
"""

import re
import unicodedata
from collections import Counter

from services.ingest.body.elements import TABLE_PARTS

MAX_TAGS = 150_000
MAX_WORK = 20_000_000
"""Steps of the parser: for each tag the elements that are open. 20 million take 0.2 s."""
MAX_COPIES = 100_000
"""Elements such as `<b>` that are open across the border of a paragraph are made anew behind it."""
MAX_ATTRIBUTES = 100
MAX_MARKS = 8
"""Combining marks on one letter; Vietnamese has at most two."""

_TOKEN = re.compile(r"<!--.*?(?:--!?>|\Z)|<(/?)([a-zA-Z][^\s/>]*)((?:[^>\"']|\"[^\"]*\"|'[^']*')*)(>?)", re.DOTALL)
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_STROKE = re.compile("(?<=[<>=])\u0338")
"""NFC would make one character of `>` and the stroke behind it, and end no tag."""
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
_VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
_CLOSED_BY_THE_NEXT = frozenset("p li dt dd tr td th thead tbody tfoot colgroup caption option optgroup rp rt".split())
_FORMATTING = frozenset("b big code em font i nobr s small strike strong tt u".split())

_UNSEEN_KINDS = frozenset({"Cc", "Cf", "Co", "Cs", "Me", "Mn", "Zl", "Zp", "Zs"})
_FILLERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols to Unicode, blank to a reader: fillers of Hangul, the empty pattern of Braille."""


def shows(text: str) -> bool:
    """Whether a reader sees anything of `text`; false for white space."""
    return any(unicodedata.category(character) not in _UNSEEN_KINDS and character not in _FILLERS for character in text)


def _rows_of_marks(points: range) -> re.Pattern[str]:
    """Matches more than `MAX_MARKS` combining marks of these code points in a row."""
    marks = "".join(chr(p) for p in points if unicodedata.category(chr(p)) in ("Mn", "Mc", "Me"))
    return re.compile(f"([{marks}]{{{MAX_MARKS}}})[{marks}]+")


_ROWS = _rows_of_marks(range(0x300, 0x10000))
_ROWS_BEYOND = _rows_of_marks(range(0x10000, 0x1F000))
"""Apart: a class of both planes is searched ten times slower."""
_OTHERWISE = {"plaintext": "pre", "html": "div", "body": "div", "form": "div", "frameset": "div"}
"""Elements that are not kept and that a parser treats in ways of their own: `<plaintext>` is never ended."""


def normalise(text: str) -> str:
    """NFC, without control characters, and with at most `MAX_MARKS` combining marks on a letter."""
    apart = _STROKE.sub("&#824;", _FORBIDDEN.sub("", text))
    text = unicodedata.normalize("NFC", apart)
    return fewer_marks(text)


def fewer_marks(text: str) -> str:
    """At most `MAX_MARKS` combining marks in a row: 2,000 on one letter make a page 12,000 px wide."""
    if text.isascii():
        return text
    if max(text) > "\uffff":
        text = _ROWS_BEYOND.sub(r"\1", text)
    return _ROWS.sub(r"\1", text)


class TooMuch(ValueError):
    """There is more of something than can be parsed in time; the text says of what, for the editor."""


class _Tally:
    """What is open, and what a parser will have done, after each tag."""

    def __init__(self) -> None:
        self.opened: Counter[str] = Counter()
        self.tags = self.depth = self.formatting = self.work = self.copies = 0

    def take(self, closing: bool, name: str) -> None:
        self.tags += 1
        self.work += self.depth
        if name not in _FORMATTING and not closing:
            self.copies += self.formatting
        if self.tags > MAX_TAGS:
            raise TooMuch(f"must have at most {MAX_TAGS} tags")
        if self.work > MAX_WORK or self.copies > MAX_COPIES:
            raise TooMuch("has too many elements that are never closed")
        if name in _VOID or name in _CLOSED_BY_THE_NEXT or (closing and not self.opened[name]):
            return
        step = -1 if closing else 1
        self.opened[name] += step
        self.depth += step
        self.formatting += step if name in _FORMATTING else 0


def prepare(html: str) -> str:
    """`html`, ready to be parsed. Raises `TooMuch`. Takes time in proportion to the length.

    A parser passes over some tags in places where they make no sense, and joins the text before and behind them:
    `<body>`, a form in a form, parts of a table outside a table. They are made blocks. Empty elements of Word
    (`<w:x/>`) go: to a parser they stay open.
    """
    html = normalise(html)
    tally = _Tally()

    def judged(match: re.Match[str]) -> str:
        closing, name, attributes, _end = match.groups()
        if name is None:
            return match[0]
        name = name.lower()
        if len(attributes) > MAX_ATTRIBUTES and len(_QUOTED.sub("x", attributes).split()) > MAX_ATTRIBUTES:
            raise TooMuch(f"must have at most {MAX_ATTRIBUTES} attributes in a tag")
        if ":" in name and attributes.endswith("/"):
            return ""
        tally.take(bool(closing), name)
        other = _OTHERWISE.get(name)
        if other is None and name in TABLE_PARTS and not tally.opened["table"]:
            other = "div"
        return match[0] if other is None else f"<{closing}{other}{attributes}>"

    return _TOKEN.sub(judged, html)
