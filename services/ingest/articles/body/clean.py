"""The way from an editor's HTML to the body that is published: `clean`. Pure.

The tree that a browser would make of it is walked once. Blocks that are not kept become borders
between paragraphs, styles that mean something become elements, ids get a prefix, embeds become
links or players. What is written then goes through the sanitiser: it alone decides what is safe.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal

from selectolax.lexbor import LexborHTMLParser, LexborNode

from services.ingest.articles.body import elements
from services.ingest.articles.body.characters import (
    composed,
    plain,
    printable,
    with_escapes_composed,
)
from services.ingest.articles.body.context import MAX_INLINE, Context
from services.ingest.articles.body.limits import prepare
from services.ingest.articles.body.links import PREFIX, Attributes, Links, id_of, unfinished
from services.ingest.articles.body.lists import kind_of_list, other_list
from services.ingest.articles.body.pictures import picture as picture_address
from services.ingest.articles.body.sanitiser import ALIGNABLE, has_content, sanitise
from services.ingest.articles.body.style import (
    OWN,
    Align,
    Look,
    Sheet,
    align_of,
    declared,
    look_of,
    read_sheets,
)
from services.ingest.articles.body.symbols import FONTS, PRIVATE, readable
from services.ingest.articles.body.things import Things, attributes_of, emoji, is_empty, siblings
from services.ingest.articles.body.writer import Inline, Leaf, Pairs, Writer

MAX_CONTAINERS = 60
MAX_WARNINGS = 50

_SHORTCODE = re.compile(
    r"\[(audio|caption|contact-form-7|embed|et_pb_\w+|gallery|playlist|vc_\w+|video|wp_caption)\s[^][]*=[^][]*\]"
    r"|\[(gallery|embed)\]"
)
"""What WordPress would replace with something."""
_GROUPS = {
    "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "s": "struck",
    "del": "struck",
    "sub": "raised", "sup": "raised",
}  # fmt: skip


@dataclass(frozen=True)
class Warned:
    """Something that was changed or left out, for the editor: the field, and what became of it."""

    path: str
    message: str


@dataclass(frozen=True)
class Body:
    """A body as it is stored, and what the editor should know of how it came to be so."""

    html: str
    warnings: tuple[Warned, ...] = ()


def clean(html: str, page: str) -> Body:
    """The body of an article: text, headings, lists, tables, links, pictures and players; nothing
    that runs.

    `page` is the absolute address of the article's page: relative addresses are resolved against
    it. Those on the same site are kept from its root. Raises ValueError (`limits.TooMuch`,
    `writer.TooLarge`) with words for the editor where the markup is too costly, or where nothing is
    left of it.
    """
    walker, shown = _Walker(Links(page)), printable(html)
    if len(shown) < len(html):
        walker.warn(
            "control characters were taken out: has the text been read in its right encoding?"
        )
    if code := _SHORTCODE.search(shown):
        walker.warn(
            f"{code[0][:80]} is published as it stands: it means something to WordPress only"
        )
    sheets: list[str] = []
    prepared = prepare(shown, sheets)
    walker.sheet = read_sheets(sheets)
    walker.walk(prepared)
    written, missing = walker.writer.finish()
    for target in dict.fromkeys(missing):
        walker.warn(
            f"the link to #{target.removeprefix(PREFIX)} was taken off: nothing has that id"
        )
    safe = with_escapes_composed(sanitise(composed(written)))
    if not has_content(safe):
        raise ValueError("must not be empty: nothing is left of it once it is cleaned")
    return Body(safe, tuple(Warned("body_html", message) for message in walker.warnings))


class _Walker:
    """Walks a tree and writes it."""

    def __init__(self, links: Links) -> None:
        self.writer = Writer()
        self.warnings: list[str] = []
        self.sheet: Sheet = OWN
        self._links = links
        self._things = Things(links, self.warn)
        self._level = 2

    def warn(self, message: str) -> None:
        """Note `message` for the editor, once."""
        if message not in self.warnings and len(self.warnings) < MAX_WARNINGS:
            self.warnings.append(message)

    def walk(self, html: str) -> None:
        """Write the tree of `html`. An own stack: the tree may be thousands of elements deep."""
        # The comment is the first node: `text()` and `css()` of a fragment's first node also
        # find what follows it, and a picture would be published twice.
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
        if context.font or not text.isascii():
            text = readable(text, context.font)
            if found := PRIVATE.search(text):
                self.warn(
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

    def _look(self, source: str, attributes: Attributes) -> Look:
        sheet = declared(self.sheet, source, attributes.get("class"))
        if "face" in attributes:
            sheet += f";font-family:{attributes['face']}"
        look = look_of(attributes.get("style"), sheet)
        if look.picture or attributes.get("background"):
            self.warn("a picture behind the text was left out")
        if look.font and look.font not in FONTS and look.font.startswith(("webdings", "wingdings")):
            self.warn(
                f"text in the font {look.font[:40]} shows as letters: write its signs otherwise"
            )
        return look

    def _enter(
        self, node: LexborNode, context: Context
    ) -> tuple[Context, Callable[[], None] | None] | None:
        """Write what begins here. Answers how to go on inside, or None to pass over it."""
        source = node.tag or ""
        tag = elements.RENAMED.get(source, source)
        attributes = attributes_of(node)
        if tag == "input" and attributes.get("type") == "image":
            tag = "img"
        look = self._look(source, attributes)
        if look.to_left and "dir" not in attributes:
            attributes = {**attributes, "dir": "rtl"}
        if self._is_dropped(node, tag, attributes, look):
            return None
        if tag == "area":
            self._area(attributes)
            return None
        if tag in elements.EMBEDS:
            self._embed(tag, node, context)
            return (context, None) if tag == "object" else None
        if tag == "noscript":
            self._without_scripts(node, context)
            return None
        if tag in ("br", "hr", "img"):
            self._void(tag, node, attributes, context)
            return None
        id = self._id(tag, attributes)
        if tag not in elements.INLINE and (link := self._things.widget(tag, node, attributes)):
            self.writer.remember(id)
            self._paragraph(*link)
            return None
        if tag == "rt" and not _in_brackets(node):
            self.writer.remember(id)
            self.writer.text(" (", context.inlines, context.leaf)
            return context.with_look(look), lambda: self.writer.text(
                ")", context.inlines, context.leaf
            )
        align = look.align or _attribute_align(tag, attributes)
        if align is not None:
            context = replace(context, align=None if align == "start" else align)
        if tag in elements.LISTS:
            tag, numbers = kind_of_list(tag, node, look)
            look = replace(look, numbers=numbers)
        is_container = tag in elements.CONTAINERS and self.writer.depth < MAX_CONTAINERS
        if (
            is_container
            and tag in elements.PARENTS
            and self.writer.container not in elements.PARENTS[tag]
        ):
            is_container = False
        if is_container:
            link = self._things.quoted(node, attributes) if tag == "blockquote" else None
            return self._container(tag, attributes, id, context, look, link)
        if tag in elements.LEAVES:
            return self._leaf(tag, attributes, id, context, look)
        if tag in elements.BLOCKS or tag in elements.CONTAINERS:
            self.writer.remember(id)
            return self._border(
                context.told(tag, self._things.kept("", attributes)).with_look(look), tag
            )
        if look.block:
            context, _ = self._border(context, tag)
        inside = self._inline(tag, attributes, id, context)
        inline = inside.inlines[-1] if inside is not context else None
        if not (look.block or tag == "button" or (inline and inline.id)):
            return inside.with_look(look), None

        def leave() -> None:
            if look.block:
                self.writer.border()
            if tag == "button":
                self.writer.gap()
            if inline:
                self.writer.keep(inline)

        return inside.with_look(look), leave

    def _id(self, tag: str, attributes: Attributes) -> str:
        """The id of an element; where it has a name beside it, that is kept for what comes next."""
        raw = attributes.get("id") or ""
        id = "" if raw.startswith("docs-internal-guid") else id_of(raw)
        name = id_of(attributes.get("name") or "") if tag in ("a", "img") else ""
        if id and name != id:
            self.writer.remember(name)
        return id or name

    def _is_dropped(self, node: LexborNode, tag: str, attributes: Attributes, look: Look) -> bool:
        if look.hidden or "hidden" in attributes:
            if node.text().strip():
                self.warn("text that the source hides was left out")
            return True
        if tag in elements.APART and attributes.get("type") != "hidden":
            self.writer.gap()
            if tag in elements.DROPPED:
                self.writer.remember(self._id(tag, attributes))
        if tag in ("meter", "progress") and is_empty(node):
            self.warn(f"<{tag}> was left out: write its figure as text")
            return True
        if elements.settings_of_office(tag) or tag in elements.LOOSE:
            return True
        if tag not in elements.DROPPED:
            return False
        if tag not in elements.UNSEEN and attributes.get("type") != "hidden":
            self.warn(f"<{tag}> was left out")
        return True

    def _border(self, context: Context, tag: str) -> tuple[Context, Callable[[], None]]:
        self.writer.border()
        leaf = context.leaf
        if leaf.tag in elements.HEADINGS or leaf.tag == "pre":
            return context, self.writer.border
        said = context.inherited(context.aligned())
        return replace(context, leaf=Leaf("p" if said else "", said)), self.writer.border

    def _container(
        self,
        tag: str,
        attributes: Attributes,
        id: str,
        context: Context,
        look: Look,
        link: tuple[str, str] | None,
    ) -> tuple[Context, Callable[[], None]]:
        if tag == "li" and (other := other_list(self.writer.container, attributes)):
            self.writer.close()
            self.writer.open(other, (), "")
        aligned = context.aligned() if tag in ALIGNABLE else ()
        kept = context.inherited(self._things.kept(tag, attributes))
        if tag == "ol" and look.numbers and not attributes.get("type"):
            kept = (*kept, ("type", look.numbers))
        self.writer.open(tag, (*kept, *aligned), id)

        def leave() -> None:
            if link:
                self._paragraph(*link)
            self.writer.close()

        inside = replace(context, leaf=Leaf(), said=(), align=None if aligned else context.align)
        return inside.with_look(look), leave if link else self.writer.close

    def _leaf(
        self, tag: str, attributes: Attributes, id: str, context: Context, look: Look
    ) -> tuple[Context, Callable[[], None]]:
        self.writer.border()
        if tag in elements.HEADINGS:
            level = int(tag[1])
            if level > self._level + 1 or (self._level == 2 and level > 3):
                self.warn(f"heading levels are skipped: <{tag}> follows <h{self._level}>")
            self._level = level
            look = replace(look, bold=None)
        elif tag == "p" and (context.leaf.tag in elements.HEADINGS or context.leaf.tag == "pre"):
            self.writer.remember(id)
            return context.with_look(look), self.writer.border
        leaf = Leaf(
            tag, (*context.inherited(self._things.kept(tag, attributes)), *context.aligned()), id
        )

        def leave() -> None:
            self.writer.border()
            self.writer.keep(leaf)

        return replace(context, leaf=leaf).with_look(look), leave

    def _inline(self, tag: str, attributes: Attributes, id: str, context: Context) -> Context:
        kept = self._things.kept(tag, attributes)
        group = _GROUPS.get(tag, "")
        if tag == "a":
            return self._link(attributes, kept, id, context)
        known = tag in elements.INLINE
        if tag in ("span", "font") and any(name in ("lang", "dir") for name, _ in kept):
            tag, known = "span", True
        again = tag not in elements.NESTED and any(
            inline.tag == tag and not inline.attributes for inline in context.inlines
        )
        if not known or len(context.inlines) >= MAX_INLINE or (again and not kept):
            self.writer.remember(id)
            return context
        return replace(context, inlines=(*context.inlines, Inline(tag, kept, group, id)))

    def _link(self, attributes: Attributes, kept: Pairs, id: str, context: Context) -> Context:
        href = (attributes.get("href") or "").strip()
        address = self._links.link(href)
        if address and unfinished(href):
            self.warn(
                f"the link {href[:80]!r} leads to {address[:80]} on this site: is its beginning "
                "missing?"
            )
        if address is None or any(inline.tag == "a" for inline in context.inlines):
            if address is None and "href" in attributes:
                self.warn(
                    f"a link was taken off: {href[:80]!r} is no address that a reader can follow"
                )
            self.writer.remember(id)
            return context
        kept = (("href", address), *(pair for pair in kept if pair[0] != "href"))
        target = address[1:] if address.startswith("#") else ""
        return replace(context, inlines=(*context.inlines, Inline("a", kept, "", id, target)))

    def _without_scripts(self, node: LexborNode, context: Context) -> None:
        """Pictures and embeds of a `<noscript>` that no script loads; its text is for old
        browsers.
        """
        found = False
        for thing in node.css("img, iframe, audio, video, embed, object"):
            found, attributes = True, attributes_of(thing)
            if thing.tag != "img":
                self._embed(thing.tag or "", thing, context, spare=True)
            elif picture_address(self._links, attributes) not in self._things.pictures:
                self._picture(attributes, context)
        if not found and node.text().strip():
            self.warn("text in <noscript> was left out")

    def _void(self, tag: str, node: LexborNode, attributes: Attributes, context: Context) -> None:
        id = self._id(tag, attributes)
        if tag == "br":
            self.writer.remember(id)
            self.writer.line_break(context.inlines, context.leaf)
        elif tag == "hr":
            self.writer.rule(id)
        else:
            parent = node.parent
            sources: Iterable[Attributes] = ()
            if parent is not None and parent.tag == "picture":
                parts = islice(siblings(parent.first_child), 20)
                sources = (attributes_of(part) for part in parts if part.tag == "source")
            self._picture(attributes, context, id, sources)

    def _picture(
        self,
        attributes: Attributes,
        context: Context,
        id: str = "",
        around: Iterable[Attributes] = (),
    ) -> None:
        if letter := emoji(attributes):
            self.writer.remember(id)
            self.writer.text(letter, context.inlines, context.leaf)
        elif html := self._things.picture(attributes, around):
            self.writer.thing(html, context.inlines, context.leaf, id)
        else:
            self.writer.gap()
            self.writer.remember(id)

    def _area(self, attributes: Attributes) -> None:
        """A link of an image map."""
        if link := self._things.area(attributes):
            self._paragraph(*link)

    def _embed(self, tag: str, node: LexborNode, context: Context, spare: bool = False) -> None:
        self.writer.remember(id_of(node.attributes.get("id") or ""))
        if tag in ("audio", "video") and (player := self._things.player(tag, node)):
            self.writer.thing(player[0], context.inlines, context.leaf, rest=player[1])
        elif link := self._things.embedded(tag, node, spare):
            self._paragraph(*link)

    def _paragraph(self, address: str, words: str) -> None:
        """A link that stands for what was embedded."""
        self.writer.border()
        self.writer.text(words, (Inline("a", (("href", address),)),), Leaf("p"))
        self.writer.border()


def _in_brackets(node: LexborNode) -> bool:
    """Whether brackets for old browsers (`<rp>`) stand before a reading (`<rt>`)."""
    before = node.prev
    if before is not None and before.is_text_node:
        before = before.prev
    return before is not None and before.tag == "rp"


def _attribute_align(tag: str, attributes: Attributes) -> Align | Literal["start"] | None:
    """What an element says of alignment without a style. A `<table align=…>` is itself aligned, not
    its text.
    """
    if tag == "center":
        return "center"
    return None if tag == "table" else align_of(attributes.get("align") or "")
