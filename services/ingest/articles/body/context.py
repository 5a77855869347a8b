"""What the elements around a text say of it. Pure."""

from dataclasses import dataclass, field, replace

from services.ingest.articles.body.style import PLAIN, Align, Look
from services.ingest.articles.body.writer import Inline, Leaf

MAX_INLINE = 16
"""Inline elements that may be open at once; more are taken off, their text stays."""


@dataclass(frozen=True, slots=True)
class Context:
    """Inline elements, block and alignment that hold where the walk is."""

    inlines: tuple[Inline, ...] = ()
    leaf: Leaf = field(default_factory=Leaf)
    align: Align | None = None

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
            if said is False and has and group in ("bold", "italic"):
                inlines = tuple(inline for inline in inlines if inline.group != group)
            elif said and not has:
                inlines = (*inlines, Inline(tag, group=group))
        if look.raised and not any(inline.group == "raised" for inline in inlines):
            inlines = (*inlines, Inline(look.raised, group="raised"))
        return self if inlines is self.inlines else replace(self, inlines=inlines[:MAX_INLINE])
