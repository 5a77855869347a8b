"""What the elements around a text say of it. Pure."""

from dataclasses import dataclass, field, replace

from services.ingest.articles.body.style import CLASSES, PLAIN, Align, Look
from services.ingest.articles.body.symbols import FONTS
from services.ingest.articles.body.writer import Inline, Leaf, Pairs

MAX_INLINE = 16
"""Inline elements that may be open at once; more are taken off, their text stays."""


@dataclass(frozen=True, slots=True)
class Context:
    """Inline elements, block and alignment that hold where the walk is."""

    inlines: tuple[Inline, ...] = ()
    leaf: Leaf = field(default_factory=Leaf)
    align: Align | None = None
    said: Pairs = ()
    """`lang` and `dir` of blocks that are not written, for those inside."""
    lines: bool = False
    """Whether line ends of the source are line ends of the text."""
    font: str = ""
    """The font, if it is one of symbols."""

    def with_look(self, look: Look) -> "Context":
        """Add what a style says; take off what it takes back."""
        if look is PLAIN:
            return self
        inlines = self.inlines
        for group, said, tag in (
            ("bold", look.bold, "strong"),
            ("italic", look.italic, "em"),
            ("underline", look.underline, "u"),
            ("struck", look.struck, "s"),
        ):
            has = any(inline.group == group for inline in inlines)
            if group == "underline" and any(inline.tag == "a" for inline in inlines):
                continue  # every link is underlined
            if said is False and has and group in ("bold", "italic"):
                inlines = tuple(inline for inline in inlines if inline.group != group)
            elif said and not has:
                inlines = (*inlines, Inline(tag, group=group))
        if look.raised and not any(inline.group == "raised" for inline in inlines):
            inlines = (*inlines, Inline(look.raised, group="raised"))
        lines = self.lines if look.lines is None else look.lines
        font = self.font if look.font is None else look.font if look.font in FONTS else ""
        if inlines is self.inlines and lines == self.lines and font == self.font:
            return self
        return replace(self, inlines=inlines[:MAX_INLINE], lines=lines, font=font)

    def aligned(self) -> Pairs:
        """The class of the alignment."""
        return (("class", CLASSES[self.align]),) if self.align else ()

    def told(self, tag: str, said: Pairs) -> "Context":
        """The context inside a block that is not written, with its language and direction.

        Word writes a language on every body, whatever the text is in. Left to right is said only
        inside the opposite.
        """
        rightward = ("dir", "rtl") not in self.said
        said = tuple(
            (name, value)
            for name, value in said
            if not (name == "lang" and tag == "main")
            and not (name == "dir" and value != "rtl" and rightward)
        )
        return replace(self, said=self.inherited(said)) if said else self

    def inherited(self, kept: Pairs) -> Pairs:
        """`kept`, and what blocks around said that were not written."""
        if not self.said:
            return kept
        merged = {**dict(self.said), **dict(kept)}
        names = [name for name in ("lang", "dir") if name in merged]
        return (*((name, merged.pop(name)) for name in names), *merged.items())
