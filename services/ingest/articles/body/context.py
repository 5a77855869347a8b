"""What a text inherits from the elements around it: inline elements, block, alignment. Pure."""

from dataclasses import dataclass, field, replace

from services.ingest.articles.body.markup import AttributePairs, Inline, Leaf
from services.ingest.articles.body.style import CLASSES, PLAIN_LOOK, Align, Look
from services.ingest.articles.body.symbols import FONTS

MAX_INLINE = 16
"""Inline elements that may be open at once. Further ones are left out; their text stays."""


@dataclass(frozen=True, slots=True)
class Context:
    """The inline elements, block and alignment of a text at one place of the tree."""

    inlines: tuple[Inline, ...] = ()
    leaf: Leaf = field(default_factory=Leaf)
    align: Align | None = None
    unwritten: AttributePairs = ()
    """`lang` and `dir` of enclosing blocks that are not written; the blocks inside get them."""
    lines: bool = False
    """True if line ends of the source are line breaks, as with `white-space: pre`."""
    font: str = ""
    """The font, if it is a symbol font (`symbols.FONTS`); else empty."""

    # Not `dataclasses.replace`, which takes four times as long: most elements need one of these.
    def holding(self, leaf: Leaf) -> "Context":
        """The context inside a block that holds text."""
        return Context(self.inlines, leaf, self.align, self.unwritten, self.lines, self.font)

    def inside(self, inline: Inline) -> "Context":
        """The context inside an inline element."""
        inlines = (*self.inlines, inline)
        return Context(inlines, self.leaf, self.align, self.unwritten, self.lines, self.font)

    def with_look(self, look: Look) -> "Context":
        """The context inside an element with `look`: adds inline elements for what it sets, removes
        bold and italic that it takes back.
        """
        if look is PLAIN_LOOK:
            return self
        inlines = self.inlines
        for group, wanted, tag in (
            ("bold", look.bold, "strong"),
            ("italic", look.italic, "em"),
            ("underline", look.underline, "u"),
            ("struck", look.struck, "s"),
        ):
            has = any(inline.group == group for inline in inlines)
            if group == "underline" and any(inline.tag == "a" for inline in inlines):
                continue  # links are underlined already
            if wanted is False and has and group in ("bold", "italic"):
                inlines = tuple(inline for inline in inlines if inline.group != group)
            elif wanted and not has:
                inlines = (*inlines, Inline(tag, group=group))
        if look.raised and not any(inline.group == "raised" for inline in inlines):
            inlines = (*inlines, Inline(look.raised, group="raised"))
        lines = self.lines if look.lines is None else look.lines
        font = self.font if look.font is None else look.font if look.font in FONTS else ""
        if inlines is self.inlines and lines == self.lines and font == self.font:
            return self
        return replace(self, inlines=inlines[:MAX_INLINE], lines=lines, font=font)

    def aligned(self) -> AttributePairs:
        """The class attribute for the alignment, if there is one."""
        return (("class", CLASSES[self.align]),) if self.align else ()

    def in_unwritten(self, tag: str, kept: AttributePairs) -> "Context":
        """The context inside a block that is not written, with its language and direction.

        The language of a `<body>` (`main` here) is ignored: Word sets one, often wrong, on every
        document. Left to right is kept only inside right to left.
        """
        rightward = ("dir", "rtl") not in self.unwritten
        kept = tuple(
            (name, value)
            for name, value in kept
            if not (name == "lang" and tag == "main")
            and not (name == "dir" and value != "rtl" and rightward)
        )
        return replace(self, unwritten=self.inherited(kept)) if kept else self

    def inherited(self, kept: AttributePairs) -> AttributePairs:
        """`kept`, with the language and direction of enclosing blocks that were not written."""
        if not self.unwritten:
            return kept
        merged = {**dict(self.unwritten), **dict(kept)}
        names = [name for name in ("lang", "dir") if name in merged]
        return (*((name, merged.pop(name)) for name in names), *merged.items())
