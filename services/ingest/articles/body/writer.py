"""Writes a body as blocks that hold runs of text. Pure.

A run is text and inline elements between two borders of blocks. The writer opens the paragraph that
a run needs, and the inline elements that are open in it, when the first of its text comes; so a
border always separates, and an inline element that reaches over a border is made anew behind it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from html import escape

from services.ingest.articles.body.characters import fewer_marks
from services.ingest.articles.body.elements import LISTS

MAX_SIZE = 2 << 20
"""Characters of a body as it is stored."""
_SPACE = " \t\n\r\f"
_ANCHOR = re.compile(r"<span( id=\"[^\"]*\")></span>")
_WRAPPING = frozenset({"", "blockquote"})
"""Containers whose loose runs become paragraphs as soon as they have more than one piece."""

Pairs = tuple[tuple[str, str], ...]


class TooLarge(ValueError):
    """The body has grown beyond what is stored."""


@dataclass(eq=False, slots=True)
class Inline:
    """An inline element of the source."""

    tag: str
    attributes: Pairs = ()
    group: str = ""
    """What it says of the text, where a style can say the opposite: bold, italic, underline,
    struck, raised.
    """
    id: str = ""
    target: str = ""
    """The id that a link leads to, in the same body."""


@dataclass(eq=False, slots=True)
class Leaf:
    """A block of the source that holds text: its runs are written as this element. `tag` "" leaves
    it open.
    """

    tag: str = ""
    attributes: Pairs = ()
    id: str = ""


@dataclass(slots=True)
class _Container:
    tag: str
    pieces: int = 0
    """Runs and blocks that it holds so far."""
    bordered: bool = False
    """Whether a block began or ended in it, if only one that is not written."""
    reopened: bool = False
    """Whether the item of a list was opened again for it."""
    loose: tuple[int, int] | None = None
    """Places in the output before and behind a first run without an element of its own."""


def start_tag(tag: str, attributes: Iterable[tuple[str, str]]) -> str:
    """`<tag name="value">`."""
    said = "".join(f' {name}="{escape(value)}"' for name, value in attributes)
    return f"<{tag}{said}>"


@dataclass(slots=True)
class Writer:
    """Collects the output. Raises `TooLarge`."""

    out: list[str] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    _size: int = 0
    _containers: list[_Container] = field(default_factory=lambda: [_Container("")])
    _run: str | None = None
    """The tag of the run in hand, "" for a loose one; None between runs."""
    _run_start: int = 0
    _run_ids: list[str] = field(default_factory=list)
    _visible: bool = False
    _marks: int = 0
    """Combining marks on the last letter of the run in hand."""
    _last: str = ""
    """The last character of the run in hand, where that is text."""
    _gap: bool = False
    _open: list[Inline] = field(default_factory=list)
    _waiting: list[str] = field(default_factory=list)
    """Ids of elements that were taken away, for what comes next."""
    _links: list[tuple[str, int, int]] = field(default_factory=list)
    _link_starts: list[int] = field(default_factory=list)

    @property
    def container(self) -> str:
        """The tag of the container in hand, "" outside any."""
        return self._containers[-1].tag

    @property
    def depth(self) -> int:
        """How many containers are open."""
        return len(self._containers) - 1

    def open(self, tag: str, attributes: Pairs, id: str) -> None:
        """Begin a container. A list behind an item of a list belongs into that item, as most
        editors mean it.
        """
        self.border()
        container = self._containers[-1]
        if container.tag in _WRAPPING:
            self._wrap_first(container)
        container.pieces += 1
        reopens = tag in LISTS and container.tag in LISTS and self.out[-1] == "</li>"
        if reopens:
            self.out.pop()
            self._containers.append(_Container("li", pieces=1))
        self._add(start_tag(tag, (*attributes, *self._claim(id))))
        self._containers.append(_Container(tag, reopened=reopens))

    def close(self) -> None:
        """End the container in hand."""
        self.border()
        closed = self._containers.pop()
        self._add(f"</{closed.tag}>")
        if closed.reopened:
            self.close()

    def border(self) -> None:
        """End the run in hand: what comes next is another block."""
        self._containers[-1].bordered = True
        if self._run is None:
            return
        self._sync(())
        run, self._run = self._run, None
        container = self._containers[-1]
        if not self._visible:  # line breaks alone: space between blocks
            del self.out[self._run_start :]
            self._links = [link for link in self._links if link[1] < self._run_start]
            self.ids.difference_update(self._run_ids)
            self._waiting = [*self._run_ids, *self._waiting]
            return
        if run:
            self._add(f"</{run}>")
        else:
            container.loose = (self._run_start, len(self.out))
            self._add("")
        container.pieces += 1

    def text(self, text: str, inlines: tuple[Inline, ...], leaf: Leaf) -> None:
        """Write text into the run in hand, or begin one."""
        text, marks = fewer_marks(text, self._marks)
        if not text:
            return
        if self._gap and self._last.isalnum() and text[0].isalnum():
            text = f" {text}"
        blank = not text.strip(_SPACE)
        if self._run is None:
            if blank:
                return
            if leaf.tag != "pre":
                text = text.lstrip(_SPACE)
            elif text.startswith("\n"):
                text = f"\n\n{text}"  # the sanitiser takes one off, the reader's browser another
        self._begin(leaf)
        self._sync(inlines)
        self._anchors()
        self._visible, self._marks = self._visible or not blank, marks
        self._last, self._gap = text[-1], False
        self._add(escape(text, quote=False))

    def line_break(self, inlines: tuple[Inline, ...], leaf: Leaf) -> None:
        """Write `<br>`."""
        self._begin(leaf)
        self._sync(inlines)
        self._marks, self._last = 0, ""
        self._add("<br>")

    def thing(
        self, html: str, inlines: tuple[Inline, ...], leaf: Leaf, id: str = "", rest: str = ""
    ) -> None:
        """Write a picture, a player: what is visible and no text.

        `html` is its start tag without the `>`; `rest` comes behind that.
        """
        self._begin(leaf)
        self._sync(inlines)
        self._visible, self._marks, self._last = True, 0, ""
        claimed = "".join(f' {name}="{escape(value)}"' for name, value in self._claim(id))
        self._add(f"{html}{claimed}>{rest}")

    def gap(self) -> None:
        """Keep the words apart between which something was left out."""
        self._gap = True

    def rule(self, id: str = "") -> None:
        """Write `<hr>`."""
        self.border()
        container = self._containers[-1]
        if container.tag in _WRAPPING:
            self._wrap_first(container)
        container.pieces += 1
        self._add(start_tag("hr", self._claim(id)))

    def remember(self, id: str) -> None:
        """Keep the id of an element that is not written: what is written next takes it."""
        if id and id not in self.ids:
            self._waiting.append(id)

    def keep(self, left: Inline | Leaf) -> None:
        """Keep the id of an element that ends and was not written, because it is empty."""
        id, left.id = left.id, ""
        self.remember(id)

    def finish(self) -> tuple[str, list[str]]:
        """End everything; answers the HTML, and the ids that links led to and nothing has."""
        self.border()
        while self.depth:
            self.close()
        self._anchors()
        missing = []
        for target, start, end in self._links:
            if target not in self.ids:
                missing.append(target)
                self.out[start] = self.out[end] = ""
        return "".join(self.out), missing

    def _begin(self, leaf: Leaf) -> None:
        if self._run is not None:
            return
        self._marks, self._last, self._gap = 0, "", False
        self._visible, self._run_start, self._run_ids = False, len(self.out), []
        container, tag = self._containers[-1], leaf.tag
        if not tag or (tag == "p" and container.tag in LISTS):
            tag = self._loose(container)
        elif container.tag in _WRAPPING:
            self._wrap_first(container)
        self._run = tag
        if tag:
            id, leaf.id = leaf.id, ""
            self._add(start_tag(tag, (*leaf.attributes, *self._claim(id))))
        else:
            self._add("")  # the place of a <p>, should it need one
        self._anchors()

    def _anchors(self) -> None:
        """Write the ids that wait, each with an empty element of its own."""
        waiting, self._waiting = self._waiting, []
        for id in waiting:
            self._add(self._anchor(id))

    def _loose(self, container: _Container) -> str:
        """The element for a run that stands in its container without one."""
        if container.tag in LISTS:
            return "li"
        if container.tag == "dl":
            return "dd"
        wraps = container.tag in _WRAPPING
        if not container.pieces and not (wraps and container.bordered):
            return ""
        self._wrap_first(container)
        return "p"

    def _wrap_first(self, container: _Container) -> None:
        """Make a paragraph of the loose run that the container began with."""
        if container.loose is not None:
            start, end = container.loose
            self.out[start], self.out[end] = "<p>", "</p>"
            if anchor := _ANCHOR.fullmatch(self.out[start + 1]):
                self.out[start], self.out[start + 1] = f"<p{anchor[1]}>", ""
            container.loose = None

    def _claim(self, id: str) -> Pairs:
        """The id attribute of what is written now: its own, or one that waits."""
        if id and id not in self.ids:
            self.ids.add(id)
            self._run_ids.append(id)
            return (("id", id),)
        if not id and self._waiting:
            return self._claim(self._waiting.pop(0))
        return ()

    def _anchor(self, id: str) -> str:
        claimed = self._claim(id) if id not in self.ids else ()
        return f"{start_tag('span', claimed)}</span>" if claimed else ""

    def _sync(self, wanted: tuple[Inline, ...]) -> None:
        """Close the inline elements that are not wanted any more, open those that are."""
        common = 0
        for have, want in zip(self._open, wanted, strict=False):
            if have is not want:
                break
            common += 1
        while len(self._open) > common:
            self._close_inline()
        for inline in wanted[common:]:
            self._open_inline(inline)

    def _open_inline(self, inline: Inline) -> None:
        id, inline.id = inline.id, ""
        self._link_starts.append(len(self.out))
        self._add(start_tag(inline.tag, (*inline.attributes, *(self._claim(id) if id else ()))))
        self._open.append(inline)

    def _close_inline(self) -> None:
        inline, start = self._open.pop(), self._link_starts.pop()
        if inline.target:
            self._links.append((inline.target, start, len(self.out)))
        self._add(f"</{inline.tag}>")

    def _add(self, html: str) -> None:
        self._size += len(html)
        if self._size > MAX_SIZE:
            raise TooLarge("the markup is too deeply nested to be repaired")
        self.out.append(html)
