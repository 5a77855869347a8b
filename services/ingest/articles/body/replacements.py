"""Links that a body has in place of embeds, widgets and image maps. Pure."""

import re
from dataclasses import dataclass, field

from selectolax.lexbor import LexborNode

from services.ingest.articles.body import elements
from services.ingest.articles.body.characters import shows
from services.ingest.articles.body.editor_warnings import Warn
from services.ingest.articles.body.embeds import public_page
from services.ingest.articles.body.links import Links
from services.ingest.articles.body.nodes import Attributes, attributes_of, children, is_empty
from services.ingest.articles.body.sources import ABSOLUTE, embed_source

Link = tuple[str, str]
"""Address and text of a link."""

_VIDEOS = {"youtube": "https://www.youtube.com/embed/", "vimeo": "https://player.vimeo.com/video/"}
_VIDEO_IDS = ("videoid", "data-videoid", "data-video-id", "data-video_id", "data-youtube-id",
              "data-youtube",
              "data-vimeo-id", "data-plyr-embed-id", "data-embed", "data-id")  # fmt: skip
_VIDEO = re.compile(r"[A-Za-z0-9_-]{1,20}")
_FILLED_FROM = ("data-instgrm-permalink", "data-href", "data-url", "data-src", "src", "cite")
"""Attributes with the address of content that a script puts into an empty element."""
_NO_WIDGETS = elements.CONTAINERS - {"blockquote"}
_PARTS = frozenset({"embed", "iframe", "param", "source"})
"""Elements inside an embed that can hold its address."""


@dataclass(slots=True)
class Replacements:
    """Finds links for what a body can't show. `warn` takes a message for each embed and widget."""

    links: Links
    warn: Warn
    linked: set[str] = field(default_factory=set)
    """Addresses of the embeds that became links."""

    def embedded(self, tag: str, node: LexborNode, fallback: bool = False) -> Link | None:
        """The link that an embed becomes; None if it has no address that a reader can follow.

        A `fallback` is for browsers that can't show another embed. It is passed over if there is a
        link to the same address already.
        """
        attributes = attributes_of(node)
        parts = (child for child in children(node) if child.tag in _PARTS)
        inner = (embed_source(self.links, attributes_of(part)) for part in parts)
        address = embed_source(self.links, attributes) or next(filter(None, inner), None)
        fallback = fallback or (node.parent is not None and node.parent.tag == "object")
        if fallback and address in self.linked:
            return None
        if address is None:
            if tag == "object" and (node.css_first("img") or node.text().strip()):
                return None  # its content is shown instead
            self.warn(f"<{tag}> was left out: it has no address that a reader can follow")
            return None
        self.linked.add(address)
        return self._replaced(tag, address, attributes.get("title"))

    def area(self, attributes: Attributes) -> Link | None:
        """The link of one area of an image map; None if the area has none."""
        address = self.links.link(attributes.get("href"))
        if address is None:
            return None
        return self._replaced("area", address, attributes.get("alt") or attributes.get("title"))

    def _address_alone(self, node: LexborNode) -> Link | None:
        """The link for an address that is all of `node`'s text: WordPress shows it as an embed."""
        text = node.text().strip()
        address = (
            self.links.source(text) if ABSOLUTE.match(text) and not re.search(r"\s", text) else None
        )
        return self._replaced("figure", address, None) if address else None

    def quoted(self, node: LexborNode, attributes: Attributes) -> Link | None:
        """The link to the post that a script, such as TikTok's, shows in place of a quotation.

        None if the quotation has that link, or stands for no post.
        """
        classes = (attributes.get("class") or "").split()
        if not any(name.endswith(("-embed", "-media")) for name in classes):
            return None
        address = self.links.source(
            attributes.get("data-instgrm-permalink") or attributes.get("cite")
        )
        bare = (address or "").partition("?")[0]
        if address is None or any(
            (link.attributes.get("href") or "").startswith(bare) for link in node.css("a")
        ):
            return None
        return self._replaced("blockquote", address, None)

    def _replaced(self, tag: str, address: str, title: str | None) -> Link:
        page, words = public_page(address)
        self.warn(f"<{tag}> became a link to {page[:200]}")
        title = " ".join((title or "").split())[:200]
        return page, title if shows(title) else words

    def widget(self, tag: str, node: LexborNode, attributes: Attributes) -> Link | None:
        """The link for an empty element that a script fills from an address in an attribute."""
        if not attributes or tag in _NO_WIDGETS:
            return None
        classes = attributes.get("class") or ""
        if not is_empty(node):
            return self._address_alone(node) if "wp-block-embed__wrapper" in classes else None
        video = next(filter(None, map(attributes.get, _VIDEO_IDS)), "")
        named = f"{tag} {classes} {attributes.get('data-plyr-provider')}".lower()
        site = next((site for name, site in _VIDEOS.items() if name in named), "")
        raw = (
            [site + video]
            if site and _VIDEO.fullmatch(video)
            else filter(None, map(attributes.get, _FILLED_FROM))
        )
        address = next(filter(None, map(self.links.source, filter(ABSOLUTE.match, raw))), None)
        if address is None:
            return None
        return self._replaced(tag, address, attributes.get("title"))
