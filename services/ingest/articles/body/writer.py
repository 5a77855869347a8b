"""Writes a body as blocks that hold runs of text. Pure.

A run is the text and inline elements between two borders of blocks. At its first text the writer
opens the block that the run needs, and the inline elements around the text. So two blocks never
join, and an inline element that crosses a border is written once on each side of it.
"""

import re
from dataclasses import dataclass, field
from html import escape

from services.ingest.articles.body.characters import fewer_marks
from services.ingest.articles.body.elements import LISTS
from services.ingest.articles.body.ids import Ids
from services.ingest.articles.body.inline_stack import InlineStack
from services.ingest.articles.body.markup import AttributePairs, Inline, Leaf, start_tag
from services.ingest.articles.body.output import Output

_SPACE = " \t\n\r\f"
_ANCHOR = re.compile(r"<span( id=\"[^\"]*\")></span>")
_WRAPPING = frozenset({"", "blockquote"})
"""Containers in which a loose run becomes a paragraph once a second piece follows. A run is loose
if the source has no element such as `<p>` around it."""


@dataclass(slots=True)
class _Container:
    tag: str
    pieces: int = 0
    """Runs and blocks that it holds so far."""
    bordered: bool = False
    """True once a block began or ended in it, written or not."""
    reopened: bool = False
    """True for a list inside an item that was opened again for it."""
    loose: tuple[int, int] | None = None
    """Places in the output before and after a loose first run, for a later `<p>` and `</p>`."""


@dataclass(slots=True)
class Writer:
    """Collects the output. Raises `TooLarge`."""

    output: Output = field(default_factory=Output)
    ids: Ids = field(init=False)
    _inlines: InlineStack = field(init=False)
    _containers: list[_Container] = field(default_factory=lambda: [_Container("")])
    _run: str | None = None
    """The element of the current run, "" for a loose one; None between runs."""
    _run_start: int = 0
    _visible: bool = False
    """True if the current run has more than white space and line breaks."""
    _marks: int = 0
    """Combining marks on the last letter of the current run."""
    _last: str = ""
    """The last character of the current run, if it ends with text."""
    _needs_space: bool = False

    def __post_init__(self) -> None:
        self.ids = Ids(self.output)
        self._inlines = InlineStack(self.output, self.ids)

    @property
    def container(self) -> str:
        """The tag of the innermost open container, "" outside any."""
        return self._containers[-1].tag

    @property
    def depth(self) -> int:
        """How many containers are open."""
        return len(self._containers) - 1

    def open(self, tag: str, attributes: AttributePairs, id: str) -> None:
        """Begin a container.

        A list directly after an item of a list is written into that item: most editors write nested
        lists so, and HTML allows only items in a list.
        """
        container = self._begin_piece()
        reopens = tag in LISTS and container.tag in LISTS and self.output.parts[-1] == "</li>"
        if reopens:
            self.output.parts.pop()
            self._containers.append(_Container("li", pieces=1))
        self.output.add(start_tag(tag, (*attributes, *self.ids.claim(id))))
        self._containers.append(_Container(tag, reopened=reopens))

    def close(self) -> None:
        """End the innermost open container."""
        self.border()
        closed = self._containers.pop()
        self.output.add(f"</{closed.tag}>")
        if closed.reopened:
            self.close()

    def rule(self, id: str = "") -> None:
        """Write `<hr>`."""
        self._begin_piece()
        self.output.add(start_tag("hr", self.ids.claim(id)))

    def border(self) -> None:
        """End the current run: what comes next is another block."""
        self._containers[-1].bordered = True
        if self._run is None:
            return
        self._inlines.sync(())
        run, self._run = self._run, None
        container = self._containers[-1]
        if not self._visible:  # line breaks alone: editors write them as space between blocks
            del self.output.parts[self._run_start :]
            self._inlines.forget_links(self._run_start)
            self.ids.withdraw_run()
            return
        if run:
            self.output.add(f"</{run}>")
        else:
            container.loose = (self._run_start, len(self.output.parts))
            self.output.add("")
        container.pieces += 1

    def text(self, text: str, inlines: tuple[Inline, ...], leaf: Leaf) -> None:
        """Write text into the current run, or begin one."""
        text, marks = fewer_marks(text, self._marks)
        if not text:
            return
        if self._needs_space and self._last.isalnum() and text[0].isalnum():
            text = f" {text}"
        blank = not text.strip(_SPACE)
        if self._run is None:
            if blank:
                return
            if leaf.tag != "pre":
                text = text.lstrip(_SPACE)
            elif text.startswith("\n"):
                text = f"\n\n{text}"  # the sanitiser removes one, the reader's browser the other
        self._begin(leaf)
        self._inlines.sync(inlines)
        self.ids.write_waiting()
        self._visible, self._marks = self._visible or not blank, marks
        self._last, self._needs_space = text[-1], False
        self.output.add(escape(text, quote=False))

    def line_break(self, inlines: tuple[Inline, ...], leaf: Leaf) -> None:
        """Write `<br>`."""
        self._begin(leaf)
        self._inlines.sync(inlines)
        self._marks, self._last = 0, ""
        self.output.add("<br>")

    def media(
        self, html: str, inlines: tuple[Inline, ...], leaf: Leaf, id: str = "", rest: str = ""
    ) -> None:
        """Write a picture or a player.

        `html` is its start tag without the `>`, `rest` everything after the start tag.
        """
        self._begin(leaf)
        self._inlines.sync(inlines)
        self._visible, self._marks, self._last = True, 0, ""
        claimed = "".join(f' {name}="{escape(value)}"' for name, value in self.ids.claim(id))
        self.output.add(f"{html}{claimed}>{rest}")

    def separate_words(self) -> None:
        """Put a space between the words before and after this place: something is left out here."""
        self._needs_space = True

    def keep_id(self, ended: Inline | Leaf) -> None:
        """Let the id of an ended element wait, if the element was empty and so not written."""
        id, ended.id = ended.id, ""
        self.ids.remember(id)

    def finish(self) -> tuple[str, list[str]]:
        """End everything. Returns the HTML, and the ids that links lead to and no element has."""
        self.border()
        while self.depth:
            self.close()
        self.ids.write_waiting()
        missing = self._inlines.unlink_missing()
        return "".join(self.output.parts), missing

    def _begin_piece(self) -> _Container:
        """End the current run and count one more piece of the container, which is returned."""
        self.border()
        container = self._containers[-1]
        if container.tag in _WRAPPING:
            self._wrap_first(container)
        container.pieces += 1
        return container

    def _begin(self, leaf: Leaf) -> None:
        """Begin a run, unless one is open."""
        if self._run is not None:
            return
        self._marks, self._last, self._needs_space = 0, "", False
        self._visible, self._run_start, self.ids.of_run = False, len(self.output.parts), []
        container, tag = self._containers[-1], leaf.tag
        if not tag or (tag == "p" and container.tag in LISTS):
            tag = self._loose(container)
        elif container.tag in _WRAPPING:
            self._wrap_first(container)
        self._run = tag
        if tag:
            id, leaf.id = leaf.id, ""
            self.output.add(start_tag(tag, (*leaf.attributes, *self.ids.claim(id))))
        else:
            self.output.add("")  # the place of a <p>, which `_wrap_first` may write
        self.ids.write_waiting()

    def _loose(self, container: _Container) -> str:
        """The element for a run that has none in the source; "" for none so far."""
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
        if container.loose is None:
            return
        start, end = container.loose
        parts = self.output.parts
        parts[start], parts[end] = "<p>", "</p>"
        if anchor := _ANCHOR.fullmatch(parts[start + 1]):
            parts[start], parts[start + 1] = f"<p{anchor[1]}>", ""
        container.loose = None
