"""Limits on the cost of parsing a body, checked before a parser builds a tree. Pure.

A bound on the length is not enough: a parser needs 13 s for 50,000 unclosed `<div>`, and it opens
an unclosed `<b>` again in every later paragraph. So the parser's work is added up tag by tag, and
bounded.
"""

import re
from collections import Counter

from services.ingest.articles.body.elements import TABLE_PARTS

MAX_TAGS = 150_000
MAX_WORK = 20_000_000
"""Upper bound for the parser's steps: for each tag, the number of open elements. 20 million steps
take 0.2 s."""
MAX_COPIES = 100_000
"""Upper bound for copies of elements such as `<b>`: a parser opens each open one again in the next
block."""
MAX_ATTRIBUTES = 100

_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_VOID = frozenset(
    "area base br col embed frame hr img input link meta param source track wbr".split()
)
_CLOSED_BY_THE_NEXT = frozenset(
    "p li dt dd tr td th thead tbody tfoot colgroup caption option optgroup rp rt".split()
)
_FORMATTING = frozenset("b big code em font i nobr s small strike strong tt u".split())
_MOST_EQUAL = 3
"""A parser copies at most this many equal formatting elements (HTML's "Noah's Ark clause")."""
_CELLS = frozenset({"caption", "td", "th"})
"""Formatting elements that are open outside these are not copied inside."""
_BARRIERS = frozenset({"applet", "marquee", "object", "select", "svg", "math", "template"})
"""Inside these, an end tag may not close a formatting element that began outside."""
_SHAPES = frozenset(
    "animate circle clippath defs ellipse g image line lineargradient mask path pattern polygon "
    "polyline radialgradient rect stop svg symbol text tspan use".split()
)
"""Elements of SVG that hold no HTML."""


class TooMuch(ValueError):
    """The body would take too long to parse. The text tells the editor why."""


class _Formats:
    """The formatting elements that a parser would copy into the next block."""

    def __init__(self) -> None:
        self.count = 0
        self._open: dict[str, list[str]] = {}
        self._equal: Counter[str] = Counter()

    @property
    def unused(self) -> bool:
        """Whether none was opened so far."""
        return not self._open

    def opened(self, name: str, attributes: str) -> None:
        key = f"{name} {attributes}"
        self._open.setdefault(name, []).append(key)
        self._equal[key] += 1
        self.count += self._equal[key] <= _MOST_EQUAL

    def closed(self, name: str) -> None:
        if keys := self._open.get(name):
            key = keys.pop()
            self.count -= self._equal[key] <= _MOST_EQUAL
            self._equal[key] -= 1


class ParseEffort:
    """Adds up what a parser will do, tag by tag."""

    def __init__(self) -> None:
        self.opened: Counter[str] = Counter()
        self.tags = self.depth = self.work = self.copies = 0
        self._tables: list[_Formats] = []
        """Formatting elements around each open table."""
        self._formats = _Formats()
        self._drawing = False
        self._barriers = 0
        """How many elements of `_BARRIERS` are open."""

    def take(self, closing: bool, name: str, attributes: str = "") -> None:
        """Count one start or end tag. Raises `TooMuch`."""
        self.tags += 1
        self.work += self.depth
        if name not in _FORMATTING and not closing:
            self.copies += self._formats.count
        if self.tags > MAX_TAGS:
            raise TooMuch(f"must have at most {MAX_TAGS} tags")
        if self.work > MAX_WORK or self.copies > MAX_COPIES:
            raise TooMuch("has too many elements that are never closed")
        self._drawing = name in _SHAPES and (self._drawing or name == "svg")
        if self._drawing and not closing and self_closed(attributes):
            return
        if name in TABLE_PARTS or name == "table":
            self._table(closing, name)
        if name in _VOID or name in _CLOSED_BY_THE_NEXT or (closing and not self.opened[name]):
            return
        self.opened[name] += -1 if closing else 1
        self.depth += -1 if closing else 1
        if name in _BARRIERS:
            self._barriers += -1 if closing else 1
        if name not in _FORMATTING:
            return
        if not closing:
            self._formats.opened(name, attributes)
        elif not (self._barriers or self._between_cells()):
            self._formats.closed(name)

    def _between_cells(self) -> bool:
        """True if a table is open and none of its cells is. There, an end tag can't close an
        element that began outside the table.
        """
        return bool(self._tables) and self._formats is self._tables[-1]

    def _table(self, closing: bool, name: str) -> None:
        """Formatting elements of a cell end with it; those around the table continue after it."""
        if self._barriers:
            return  # a parser ignores parts of tables in some of these
        if name == "table" and not closing:
            self._tables.append(self._formats)
        elif self._tables:
            in_cell = name in _CELLS and not closing
            if not (in_cell and self._formats.unused and not self._between_cells()):
                self._formats = _Formats() if in_cell else self._tables[-1]
            if name == "table":
                self._tables.pop()


def self_closed(attributes: str) -> bool:
    """Whether a tag ends in `/>`. In `<a href=/x/>` the last slash belongs to the address."""
    return attributes == "/" or attributes.endswith((" /", '"/', "'/", "\n/", "\t/"))


def check_attributes(attributes: str) -> None:
    """Raise `TooMuch` if a tag has too many attributes."""
    if len(_QUOTED.sub("x", attributes).split()) > MAX_ATTRIBUTES:
        raise TooMuch(f"must have at most {MAX_ATTRIBUTES} attributes in a tag")
