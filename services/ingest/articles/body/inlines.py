"""Chooses the inline elements and links around a text. Pure."""

from dataclasses import dataclass

from services.ingest.articles.body import elements
from services.ingest.articles.body.attributes import KeptAttributes
from services.ingest.articles.body.context import MAX_INLINE, Context
from services.ingest.articles.body.editor_warnings import Warn
from services.ingest.articles.body.element import Element
from services.ingest.articles.body.links import Links, unfinished
from services.ingest.articles.body.markup import AttributePairs, Inline
from services.ingest.articles.body.writer import Writer

_GROUPS = {
    "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "s": "struck",
    "del": "struck",
    "sub": "raised", "sup": "raised",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Inlines:
    """Enters one inline element after another. `warn` takes a message for each bad link."""

    writer: Writer
    links: Links
    kept: KeptAttributes
    warn: Warn

    def enter(self, element: Element, context: Context) -> Context:
        """The context inside `element`; `context` itself if the element is not written."""
        tag, _, attributes, id, _ = element
        kept = self.kept.of(tag, attributes)
        if tag == "a":
            return self._link(element, kept, context)
        known = tag in elements.INLINE
        if kept and tag in ("span", "font"):  # with a language or a direction
            tag, known = "span", True
        again = tag not in elements.NESTED and any(
            inline.tag == tag and not inline.attributes for inline in context.inlines
        )
        if not known or len(context.inlines) >= MAX_INLINE or (again and not kept):
            self.writer.ids.remember(id)
            return context
        inline = Inline(tag, kept, _GROUPS.get(tag, ""), id)
        return context.inside(inline)

    def _link(self, element: Element, kept: AttributePairs, context: Context) -> Context:
        href = (element.attributes.get("href") or "").strip()
        address = self.links.link(href)
        if address and unfinished(href):
            self.warn(
                f"the link {href[:80]!r} leads to {address[:80]} on this site: is its beginning "
                "missing?"
            )
        if address is None or any(inline.tag == "a" for inline in context.inlines):
            if address is None and "href" in element.attributes:
                self.warn(
                    f"a link was taken off: {href[:80]!r} is no address that a reader can follow"
                )
            self.writer.ids.remember(element.id)
            return context
        attributes = (("href", address), *(pair for pair in kept if pair[0] != "href"))
        target = address[1:] if address.startswith("#") else ""
        inline = Inline("a", attributes, "", element.id, target)
        return context.inside(inline)
