"""Writes everything but text: pictures, players, line breaks, rules, links for embeds. Pure."""

from collections.abc import Iterable
from itertools import islice

from selectolax.lexbor import LexborNode

from services.ingest.articles.body.context import Context
from services.ingest.articles.body.editor_warnings import Warn
from services.ingest.articles.body.ids import id_of
from services.ingest.articles.body.links import Links
from services.ingest.articles.body.markup import Inline, Leaf
from services.ingest.articles.body.nodes import Attributes, attributes_of, siblings
from services.ingest.articles.body.pictures import ImageTags, emoji
from services.ingest.articles.body.players import Players
from services.ingest.articles.body.replacements import Link, Replacements
from services.ingest.articles.body.sources import picture_source
from services.ingest.articles.body.writer import Writer

_MAX_SOURCES = 20
"""Upper bound for the elements of a `<picture>` that are read."""


class MediaWriter:
    """Writes media into the current run, and links as paragraphs of their own."""

    def __init__(self, writer: Writer, links: Links, warn: Warn) -> None:
        self._writer = writer
        self._links = links
        self._warn = warn
        self._pictures = ImageTags(links, warn)
        self._players = Players(links)
        self.replacements = Replacements(links, warn)

    def void(
        self, tag: str, node: LexborNode, attributes: Attributes, id: str, context: Context
    ) -> None:
        """Write a `br`, `hr` or `img`."""
        if tag == "br":
            self._writer.ids.remember(id)
            self._writer.line_break(context.inlines, context.leaf)
        elif tag == "hr":
            self._writer.rule(id)
        else:
            parent = node.parent
            around: Iterable[Attributes] = ()
            if parent is not None and parent.tag == "picture":
                parts = islice(siblings(parent.first_child), _MAX_SOURCES)
                around = (attributes_of(part) for part in parts if part.tag == "source")
            self._picture(attributes, context, id, around)

    def embed(self, tag: str, node: LexborNode, context: Context, fallback: bool = False) -> None:
        """Write an embed as a player or as a link; see `Replacements.embedded` for `fallback`."""
        self._writer.ids.remember(id_of(node.attributes.get("id") or ""))
        if tag in ("audio", "video") and (player := self._players.tag(tag, node)):
            self._writer.media(player[0], context.inlines, context.leaf, rest=player[1])
        elif link := self.replacements.embedded(tag, node, fallback):
            self.link(link)

    def without_scripts(self, node: LexborNode, context: Context) -> None:
        """Write the pictures and embeds of a `<noscript>` that are not written yet.

        Its text is left out: it is for browsers without scripts.
        """
        found = False
        for part in node.css("img, iframe, audio, video, embed, object"):
            found, attributes = True, attributes_of(part)
            if part.tag != "img":
                self.embed(part.tag or "", part, context, fallback=True)
            elif picture_source(self._links, attributes) not in self._pictures.kept:
                self._picture(attributes, context)
        if not found and node.text().strip():
            self._warn("text in <noscript> was left out")

    def area(self, attributes: Attributes) -> None:
        """Write one area of an image map as a link."""
        if link := self.replacements.area(attributes):
            self.link(link)

    def link(self, link: Link) -> None:
        """Write a link as a paragraph."""
        address, text = link
        self._writer.border()
        self._writer.text(text, (Inline("a", (("href", address),)),), Leaf("p"))
        self._writer.border()

    def _picture(
        self,
        attributes: Attributes,
        context: Context,
        id: str = "",
        around: Iterable[Attributes] = (),
    ) -> None:
        if letter := emoji(attributes):
            self._writer.ids.remember(id)
            self._writer.text(letter, context.inlines, context.leaf)
        elif html := self._pictures.tag(attributes, around):
            self._writer.media(html, context.inlines, context.leaf, id)
        else:
            self._writer.separate_words()
            self._writer.ids.remember(id)
