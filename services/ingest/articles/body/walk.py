"""Walks the tree of a source once and writes the body. Pure.

Blocks that are not kept become borders between paragraphs, styles such as bold become elements,
ids get a prefix, embeds become links or players.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Literal

from selectolax.lexbor import LexborHTMLParser, LexborNode

from services.ingest.articles.body import elements
from services.ingest.articles.body.attributes import KeptAttributes
from services.ingest.articles.body.blocks import Blocks
from services.ingest.articles.body.characters import plain
from services.ingest.articles.body.context import Context
from services.ingest.articles.body.editor_warnings import Warn
from services.ingest.articles.body.element import Element, Entered
from services.ingest.articles.body.ids import id_of
from services.ingest.articles.body.inlines import Inlines
from services.ingest.articles.body.links import Links
from services.ingest.articles.body.markup import Inline
from services.ingest.articles.body.media_writer import MediaWriter
from services.ingest.articles.body.nodes import (
    Attributes,
    attributes_of,
    is_empty,
    is_in_brackets,
    siblings,
)
from services.ingest.articles.body.replacements import Link
from services.ingest.articles.body.sheets import OWN, Sheet, declared
from services.ingest.articles.body.style import PLAIN_LOOK, Align, Look, align_of, look_of
from services.ingest.articles.body.symbols import FONTS, PRIVATE, readable
from services.ingest.articles.body.writer import Writer

_PLAIN = elements.LEAVES | elements.INLINE | {"li", "ol", "ul", "figure", "figcaption"}
"""Elements that are always written, for their tag alone if they have no attributes."""


class Walker:
    """Walks a tree and writes it into `writer`."""

    def __init__(self, links: Links, sheet: Sheet, warn: Warn) -> None:
        self.writer = Writer()
        self._sheet = sheet
        self._warn = warn
        kept = KeptAttributes(links, warn)
        self._blocks = Blocks(self.writer, kept, warn)
        self._inlines = Inlines(self.writer, links, kept, warn)
        self._media = MediaWriter(self.writer, links, warn)

    def walk(self, html: str) -> None:
        """Write the tree of `html`.

        The stack is a list: the tree may be thousands of elements deep, and Python's recursion is
        bounded.
        """
        # The comment must be the first node: `text()` and `css()` of a fragment's first node also
        # find the nodes after it, so a picture would be published twice.
        parser = LexborHTMLParser(f"<!-- -->{html}", is_fragment=True)
        stack: list[tuple[Iterator[LexborNode], Context, Callable[[], None] | None]] = [
            (siblings(parser.root), Context(), None)
        ]
        while stack:
            nodes, context, leave = stack[-1]
            node = next(nodes, None)
            if node is None:
                stack.pop()
                if leave:
                    leave()
            elif node.is_text_node:
                self._text(plain(node.text_content or ""), context)
            elif node.is_element_node:
                entered = self._enter(node, context)
                if entered:
                    stack.append((siblings(node.first_child), *entered))

    def _text(self, text: str, context: Context) -> None:
        if context.font or (not text.isascii() and PRIVATE.search(text)):
            text = readable(text, context.font)
            if found := PRIVATE.search(text):
                self._warn(
                    f"U+{ord(found[0]):04X} has a shape in one font only: readers see an empty box"
                )
        if not context.lines or context.leaf.tag == "pre":
            self.writer.text(text, context.inlines, context.leaf)
            return
        for number, line in enumerate(text.replace("  ", "\u00a0 ").split("\n")):
            if number:
                self.writer.line_break(context.inlines, context.leaf)
                line = f"\u00a0{line[1:]}" if line.startswith(" ") else line
            self.writer.text(line, context.inlines, context.leaf)

    def _enter(self, node: LexborNode, context: Context) -> Entered | None:
        """Write what begins with an element. None if the walk passes over its content."""
        source = node.tag or ""
        tag = elements.RENAMED.get(source, source)
        attributes = attributes_of(node)
        if not attributes and tag in _PLAIN and self._sheet is OWN:
            # Most elements of most bodies. They have nothing of what is looked for below.
            element = Element(tag, node, attributes, "", PLAIN_LOOK)
            return self._blocks.enter(element, context) or self._inline(element, context)
        if tag == "input" and attributes.get("type") == "image":
            tag = "img"
        look = self._look(source, attributes)
        if look.to_left and "dir" not in attributes:
            attributes = {**attributes, "dir": "rtl"}
        if self._is_dropped(node, tag, attributes, look):
            return None
        if tag in elements.WITHOUT_TEXT:
            return self._without_text(tag, node, attributes, context)
        element = Element(tag, node, attributes, self._id(tag, attributes), look)
        if tag not in elements.INLINE and (
            link := self._media.replacements.widget(tag, node, attributes)
        ):
            self.writer.ids.remember(element.id)
            self._media.link(link)
            return None
        if tag == "rt" and not is_in_brackets(node):
            return self._reading(element, context)
        align = look.align or _attribute_align(tag, attributes)
        if align is not None:
            context = replace(context, align=None if align == "start" else align)
        link = self._media.replacements.quoted(node, attributes) if tag == "blockquote" else None
        entered = self._blocks.enter(element, context) or self._inline(element, context)
        return self._with_link_after(entered, link) if link else entered

    def _look(self, source: str, attributes: Attributes) -> Look:
        sheet = declared(self._sheet, source, attributes.get("class"))
        if "face" in attributes:
            sheet += f";font-family:{attributes['face']}"
        look = look_of(attributes.get("style"), sheet)
        if look.picture or attributes.get("background"):
            self._warn("a picture behind the text was left out")
        if look.font and look.font not in FONTS and look.font.startswith(("webdings", "wingdings")):
            self._warn(
                f"the font {look.font[:40]} is not kept: its symbols show as letters; use Unicode's"
            )
        return look

    def _is_dropped(self, node: LexborNode, tag: str, attributes: Attributes, look: Look) -> bool:
        """Whether an element is left out with its content; warns if readers would have seen it."""
        if look.hidden or "hidden" in attributes:
            if node.text().strip():
                self._warn("text that the source hides was left out")
            return True
        if tag in elements.SEPARATORS and attributes.get("type") != "hidden":
            self.writer.separate_words()
            if tag in elements.DROPPED:
                self.writer.ids.remember(self._id(tag, attributes))
        if tag in ("meter", "progress") and is_empty(node):
            self._warn(f"<{tag}> was left out: write its figure as text")
            return True
        if elements.settings_of_office(tag) or tag in elements.PARTS:
            return True
        if tag not in elements.DROPPED:
            return False
        if tag not in elements.INVISIBLE and attributes.get("type") != "hidden":
            self._warn(f"<{tag}> was left out")
        return True

    def _id(self, tag: str, attributes: Attributes) -> str:
        """The id of an element. If it also has a name, that waits for the next element."""
        raw = attributes.get("id") or ""
        id = "" if not raw or raw.startswith("docs-internal-guid") else id_of(raw)
        name = id_of(attributes.get("name") or "") if tag in ("a", "img") else ""
        if id and name != id:
            self.writer.ids.remember(name)
        return id or name

    def _without_text(
        self, tag: str, node: LexborNode, attributes: Attributes, context: Context
    ) -> Entered | None:
        if tag in elements.EMBEDS:
            self._media.embed(tag, node, context)
            return (context, None) if tag == "object" else None
        if tag == "area":
            self._media.area(attributes)
        elif tag == "noscript":
            self._media.without_scripts(node, context)
        else:
            self._media.void(tag, node, attributes, self._id(tag, attributes), context)
        return None

    def _reading(self, element: Element, context: Context) -> Entered:
        """Put the reading of a `<ruby>` into brackets."""
        self.writer.ids.remember(element.id)
        self.writer.text(" (", context.inlines, context.leaf)

        def leave() -> None:
            self.writer.text(")", context.inlines, context.leaf)

        return context.with_look(element.look), leave

    def _with_link_after(self, entered: Entered, link: Link) -> Entered:
        inside, close = entered

        def leave() -> None:
            self._media.link(link)
            if close:
                close()

        return inside, leave

    def _inline(self, element: Element, context: Context) -> Entered:
        look, tag = element.look, element.tag
        if look.block:
            context, _ = self._blocks.border(context)
        inside = self._inlines.enter(element, context)
        inline = inside.inlines[-1] if inside is not context else None
        if not (look.block or tag == "button" or (inline and inline.id)):
            return inside.with_look(look), None
        return inside.with_look(look), partial(self._leave_inline, element, inline)

    def _leave_inline(self, element: Element, inline: Inline | None) -> None:
        if element.look.block:
            self.writer.border()
        if element.tag == "button":
            self.writer.separate_words()
        if inline:
            self.writer.keep_id(inline)


def _attribute_align(tag: str, attributes: Attributes) -> Align | Literal["start"] | None:
    """The alignment that an element sets without a style. `<table align=…>` moves the table, not
    its text.
    """
    if tag == "center":
        return "center"
    return None if tag == "table" else align_of(attributes.get("align") or "")
