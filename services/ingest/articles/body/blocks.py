"""Writes the blocks of a body: containers, blocks of text, borders for other blocks. Pure."""

from dataclasses import dataclass, replace

from services.ingest.articles.body import elements
from services.ingest.articles.body.attributes import KeptAttributes
from services.ingest.articles.body.context import Context
from services.ingest.articles.body.editor_warnings import Warn
from services.ingest.articles.body.element import Element, Entered
from services.ingest.articles.body.lists import kind_of_list, list_to_begin
from services.ingest.articles.body.markup import Leaf
from services.ingest.articles.body.sanitiser import ALIGNABLE
from services.ingest.articles.body.writer import Writer

MAX_CONTAINERS = 60
"""Upper bound for open containers. Further ones become borders; their text stays."""


@dataclass(slots=True)
class Blocks:
    """Enters one block after another. `warn` takes a message for each skipped heading level."""

    writer: Writer
    kept: KeptAttributes
    warn: Warn
    _level: int = 2
    """The level of the last heading."""

    def enter(self, element: Element, context: Context) -> Entered | None:
        """Begin a block. None if `element` is not a block."""
        tag = element.tag
        if tag in elements.CONTAINERS:
            if tag in elements.LISTS:
                tag, numbers = kind_of_list(tag, element.node, element.look)
                element = element._replace(tag=tag, look=replace(element.look, numbers=numbers))
            if self._fits(tag):
                return self._container(element, context)
        elif tag in elements.LEAVES:
            return self._leaf(element, context)
        elif tag not in elements.BLOCKS:
            return None
        self.writer.ids.remember(element.id)
        inside = context.in_unwritten(tag, self.kept.of("", element.attributes))
        return self.border(inside.with_look(element.look))

    def border(self, context: Context) -> Entered:
        """Separate a block that is not written from what comes before and after it."""
        self.writer.border()
        leaf = context.leaf
        if leaf.tag in elements.HEADINGS or leaf.tag == "pre":
            return context, self.writer.border
        attributes = context.inherited(context.aligned())
        leaf = Leaf("p" if attributes else "", attributes)
        return context.holding(leaf), self.writer.border

    def _fits(self, tag: str) -> bool:
        """True if the container is allowed in the one that is open, and is not too deep."""
        if self.writer.depth >= MAX_CONTAINERS:
            return False
        return tag not in elements.PARENTS or self.writer.container in elements.PARENTS[tag]

    def _container(self, element: Element, context: Context) -> Entered:
        tag, _, attributes, id, look = element
        if tag == "li" and (other := list_to_begin(self.writer.container, attributes)):
            self.writer.close()
            self.writer.open(other, (), "")
        aligned = context.aligned() if tag in ALIGNABLE else ()
        kept = context.inherited(self.kept.of(tag, attributes))
        if tag == "ol" and look.numbers and not attributes.get("type"):
            kept = (*kept, ("type", look.numbers))
        self.writer.open(tag, (*kept, *aligned), id)
        align = None if aligned else context.align
        inside = replace(context, leaf=Leaf(), unwritten=(), align=align)
        return inside.with_look(look), self.writer.close

    def _leaf(self, element: Element, context: Context) -> Entered:
        tag, _, attributes, id, look = element
        self.writer.border()
        if tag in elements.HEADINGS:
            self._check_level(int(tag[1]))
            look = replace(look, bold=None)
        elif tag == "p" and (context.leaf.tag in elements.HEADINGS or context.leaf.tag == "pre"):
            self.writer.ids.remember(id)
            return context.with_look(look), self.writer.border
        kept = context.inherited(self.kept.of(tag, attributes))
        leaf = Leaf(tag, (*kept, *context.aligned()), id)

        def leave() -> None:
            self.writer.border()
            self.writer.keep_id(leaf)

        return context.holding(leaf).with_look(look), leave

    def _check_level(self, level: int) -> None:
        """Warn if levels between the last heading and this one are skipped."""
        if level > self._level + 1 or (self._level == 2 and level > 3):
            self.warn(f"heading levels are skipped: <h{level}> follows <h{self._level}>")
        self._level = level
