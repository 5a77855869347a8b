"""What is refused before a parser builds a tree of it, and what a parser would misread. Pure.

The cost of parsing is not the length: 50,000 `<div>` left open take a parser 13 s, and an unclosed `<b>` is opened
again in every later paragraph. So the work that a parser will have is added up tag by tag, and bounded.
"""

import re
from collections import Counter

from services.ingest.body.characters import printable
from services.ingest.body.elements import TABLE_PARTS

MAX_TAGS = 150_000
MAX_WORK = 20_000_000
"""Steps of the parser: for each tag the elements that are open. 20 million take 0.2 s."""
MAX_COPIES = 100_000
"""Elements such as `<b>` that are open across the border of a paragraph are made anew behind it."""
MAX_ATTRIBUTES = 100

_TOKEN = re.compile(r"<!--.*?(?:--!?>|\Z)|<(/?)([a-zA-Z][^\s/>]*)((?:[^>\"']|\"[^\"]*\"|'[^']*')*)(>?)", re.DOTALL)
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
_CLOSED_BY_THE_NEXT = frozenset("p li dt dd tr td th thead tbody tfoot colgroup caption option optgroup rp rt".split())
_FORMATTING = frozenset("b big code em font i nobr s small strike strong tt u".split())

_OTHERWISE = {"plaintext": "pre", "html": "div", "body": "div", "form": "div", "frameset": "div"}
"""Elements that are not kept and that a parser treats in ways of their own: `<plaintext>` is never ended."""


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
    html = printable(html)
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
