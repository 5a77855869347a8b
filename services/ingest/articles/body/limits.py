"""What is refused before a parser builds a tree of it, and what a parser would misread. Pure.

The cost of parsing is not the length: 50,000 `<div>` left open take a parser 13 s, and an unclosed
`<b>` is opened again in every later paragraph. So the work that a parser will have is added up tag
by tag, and bounded.
"""

import re
from collections import Counter
from html import escape

from services.ingest.articles.body.elements import TABLE_PARTS

MAX_TAGS = 150_000
MAX_WORK = 20_000_000
"""Steps of the parser: for each tag the elements that are open. 20 million take 0.2 s."""
MAX_COPIES = 100_000
"""Elements such as `<b>` that are open across the border of a paragraph are made anew behind it."""
MAX_ATTRIBUTES = 100

_RAW = frozenset("iframe noembed noframes script style textarea title xmp".split())
_ATTRIBUTES = r"(?:[^>\"']|\"[^\"]*\"|'[^']*')*"
_TOKEN = re.compile(
    r"(?P<comment><!--(?:-?>|.*?(?:--!?>|\Z)))"
    r"|<[!?][^>]*>?|</[^a-zA-Z>][^>]*>?"
    rf"|<(?P<raw>{'|'.join(sorted(_RAW))})(?=[\s/>])(?!/>)"
    rf"(?P<said>{_ATTRIBUTES})(?<![\s\"']/)>(?P<content>.*?)(?=</(?P=raw)[\s/>]|\Z)"
    rf"|<(?P<closing>/?)(?P<name>[a-zA-Z][^\s/>]*)(?P<attributes>{_ATTRIBUTES})>?",
    re.DOTALL | re.IGNORECASE,
)
"""A comment, what a parser takes for one, an element whose content is no markup, or a tag."""
_READ = frozenset({"noframes", "xmp"})
"""Of the elements whose content is no markup: those whose content is text for readers."""
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_VOID = frozenset(
    "area base br col embed frame hr img input link meta param source track wbr".split()
)
_CLOSED_BY_THE_NEXT = frozenset(
    "p li dt dd tr td th thead tbody tfoot colgroup caption option optgroup rp rt".split()
)
_FORMATTING = frozenset("b big code em font i nobr s small strike strong tt u".split())

_EQUAL = 3
"""A parser makes anew at most so many equal formatting elements (the "Noah's Ark clause" of HTML).
"""
_CELLS = frozenset({"caption", "td", "th"})
"""What is open outside these is not made anew inside."""
_CLOSE_NOTHING = frozenset({"applet", "marquee", "object", "select", "svg", "math", "template"})
"""Within these an end tag may not close a formatting element that began outside."""
_MEANS_SOMETHING = re.compile(r"\b(?:dir|id|lang|style)\s*=", re.IGNORECASE)
_SHAPES = frozenset(
    "animate circle clippath defs ellipse g image line lineargradient mask path pattern polygon "
    "polyline radialgradient rect stop svg symbol text tspan use".split()
)
"""Elements of SVG that hold no HTML."""

_OTHERWISE = {"plaintext": "pre", "html": "main", "body": "main", "form": "div", "frameset": "div",
              "xmp": "pre", "noframes": "div"}  # fmt: skip
"""Elements that are not kept and that a parser treats in ways of their own: `<plaintext>` is never
ended.
"""


class TooMuch(ValueError):
    """There is more of something than can be parsed in time; the text says of what, for the
    editor.
    """


class _Formats:
    """Formatting elements that a parser makes anew behind the border of a block."""

    def __init__(self) -> None:
        self.count = 0
        self._open: dict[str, list[str]] = {}
        self._equal: Counter[str] = Counter()

    @property
    def unused(self) -> bool:
        """Whether none was ever opened."""
        return not self._open

    def opened(self, name: str, attributes: str) -> None:
        key = f"{name} {attributes}"
        self._open.setdefault(name, []).append(key)
        self._equal[key] += 1
        self.count += self._equal[key] <= _EQUAL

    def closed(self, name: str) -> None:
        if keys := self._open.get(name):
            key = keys.pop()
            self.count -= self._equal[key] <= _EQUAL
            self._equal[key] -= 1


class _Tally:
    """What is open, and what a parser will have done, after each tag."""

    def __init__(self) -> None:
        self.opened: Counter[str] = Counter()
        self.tags = self.depth = self.work = self.copies = 0
        self._tables: list[_Formats] = []
        """What is open around each open table."""
        self._formats = _Formats()
        self._drawing = False
        self._shut = 0

    def take(self, closing: bool, name: str, attributes: str = "") -> None:
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
        if name in _CLOSE_NOTHING:
            self._shut += -1 if closing else 1
        if name not in _FORMATTING:
            return
        if not closing:
            self._formats.opened(name, attributes)
        elif not (self._shut or self._between_cells()):
            self._formats.closed(name)

    def _between_cells(self) -> bool:
        """Whether a table is open and none of its cells: what began outside can't be closed
        here.
        """
        return bool(self._tables) and self._formats is self._tables[-1]

    def _table(self, closing: bool, name: str) -> None:
        """Formatting elements of a cell end with it; those around the table go on behind it."""
        if self._shut:
            return  # a parser passes over parts of tables in some of these
        if name == "table" and not closing:
            self._tables.append(self._formats)
        elif self._tables:
            in_cell = name in _CELLS and not closing
            if not (in_cell and self._formats.unused and not self._between_cells()):
                self._formats = _Formats() if in_cell else self._tables[-1]
            if name == "table":
                self._tables.pop()


def self_closed(attributes: str) -> bool:
    """Whether a tag ends in `/>`; the slash of an address without quotes is none."""
    return attributes == "/" or attributes.endswith((" /", '"/', "'/", "\n/", "\t/"))


def prepare(html: str, sheets: list[str] | None = None) -> str:
    """`html`, ready to be parsed. Raises `TooMuch`. Takes time in proportion to the length.

    What its `<style>` elements hold is added to `sheets`.

    A parser passes over some tags in places where they make no sense, and joins the text before and
    behind them: `<body>`, a form in a form, parts of a table outside a table. They are made blocks.
    Empty elements of Word (`<w:x/>`) go: to a parser they stay open. So does what scripts and
    styles hold: it could hide tags from the tally. An editor's `<iframe/>` is empty. `<font>`
    becomes `<span>` where it says nothing: a parser makes a `<font>` anew in every later paragraph.
    """
    tally = _Tally()
    fonts: list[str] = []

    def judged(match: re.Match[str]) -> str:
        comment, raw, said, content, closing, name, attributes = match.groups()
        if raw:
            if sheets is not None and raw.lower() == "style":
                sheets.append(content)
            content = escape(content, quote=False) if raw.lower() in _READ else ""
            bounded(said)
            tally.take(False, raw.lower())
            return f"<{_OTHERWISE.get(raw.lower(), raw)}{said}>{content}"
        if name is None:
            return comment or ""
        name = name.lower()
        if len(attributes) > MAX_ATTRIBUTES:
            bounded(attributes)
        if name == "v:imagedata":  # Word's <img>
            return "" if closing else f"<img{attributes}>"
        if name == "frame":
            tally.take(bool(closing), name)
            return "" if closing else f"<iframe{attributes}></iframe>"
        if ":" in name and attributes.endswith("/"):
            return ""
        if name in _RAW and not closing and self_closed(attributes):
            return f"<{name}{attributes[:-1]}></{name}>"
        other = _OTHERWISE.get(name)
        if name == "font":
            if not closing:
                fonts.append("font" if _MEANS_SOMETHING.search(attributes) else "span")
            other = (fonts.pop() if fonts else "span") if closing else fonts[-1]
        elif other is None and name in TABLE_PARTS and not tally.opened["table"]:
            other = "div"
        tally.take(bool(closing), other or name, attributes)
        return match[0] if other is None else f"<{closing}{other}{attributes}>"

    return _TOKEN.sub(judged, html)


def bounded(attributes: str) -> None:
    """Raise `TooMuch` for a tag with too many attributes."""
    if len(_QUOTED.sub("x", attributes).split()) > MAX_ATTRIBUTES:
        raise TooMuch(f"must have at most {MAX_ATTRIBUTES} attributes in a tag")
