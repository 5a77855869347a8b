"""Players of a body: `<audio>` and `<video>`. Pure."""

from dataclasses import dataclass

from selectolax.lexbor import LexborNode

from services.ingest.articles.body.attributes import given, sizes
from services.ingest.articles.body.links import Links
from services.ingest.articles.body.markup import start_tag
from services.ingest.articles.body.nodes import Attributes, attributes_of, children
from services.ingest.articles.body.sources import embed_source


@dataclass(frozen=True, slots=True)
class Players:
    """Writes players, with controls and without preloading."""

    links: Links

    def tag(self, tag: str, node: LexborNode) -> tuple[str, str] | None:
        """An `<audio>` or `<video>`: its start tag without the `>`, and everything after that.

        None if it has no source over https or on the site itself.
        """
        attributes = attributes_of(node)
        own = self._secure(attributes)
        inner = [html for child in children(node) if (html := self._part(child))]
        if own is None and not any(html.startswith("<source") for html in inner):
            return None
        written = [("controls", ""), ("preload", "none")]
        if own:
            written.append(("src", own))
        if tag == "video":
            if poster := self.links.source(attributes.get("poster")):
                written.append(("poster", poster))
            written.extend(sizes(attributes))
        written.extend(given(attributes, "title"))
        return start_tag(tag, written)[:-1], f"{''.join(inner)}</{tag}>"

    def _part(self, child: LexborNode) -> str:
        """A `<source>` or `<track>` of a player; "" if its address can't be used."""
        attributes = attributes_of(child)
        address = self._secure(attributes)
        if address is None or child.tag not in ("source", "track"):
            return ""
        names = ("type",) if child.tag == "source" else ("kind", "srclang", "label")
        return start_tag(child.tag, (("src", address), *given(attributes, *names)))

    def _secure(self, attributes: Attributes) -> str | None:
        """The address, if it is https or on the site. Browsers block plain http on our pages."""
        address = embed_source(self.links, attributes)
        return address if address and address.startswith(("https://", "/")) else None
