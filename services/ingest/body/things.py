"""Attributes, pictures, players and embeds of a body: what is kept of them, and what the editor is told. Pure."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from selectolax.lexbor import LexborNode

from services.ingest.body.characters import fewer_marks, plain, shows
from services.ingest.body.elements import ATTRIBUTES
from services.ingest.body.links import Attributes, Links, id_of, watch
from services.ingest.body.pictures import LAZY, picture
from services.ingest.body.writer import Pairs, start_tag

Warn = Callable[[str], None]

_LANGUAGE = re.compile(r"[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8}){0,3}")
_SOURCES = ("src", *LAZY, "data", "url", "data-url", "data-href")
_MOVIES = frozenset({"movie", "src", "url", "filename"})
"""Names of an `<object>`'s parameters that hold its address."""
_NUMBER = re.compile(r"\d{1,5}")
_WORDS = {
    "dir": frozenset({"ltr", "rtl", "auto"}),
    "scope": frozenset({"row", "col", "rowgroup", "colgroup"}),
}


def siblings(node: LexborNode | None) -> Iterator[LexborNode]:
    """`node` and what follows it under the same parent."""
    while node is not None:
        following = node.next
        yield node
        node = following


def attributes_of(node: LexborNode) -> Attributes:
    """The attributes of an element, without what an entity can hide from the limits on characters."""
    return {name: value and fewer_marks(plain(value))[0] for name, value in node.attributes.items()}


@dataclass
class Things:
    """Judges what is no text. `warn` takes words for the editor."""

    links: Links
    warn: Warn
    pictures: set[str] = field(default_factory=set)
    """Sources of the pictures that were kept."""

    def kept(self, tag: str, attributes: Attributes) -> Pairs:
        """The attributes of an element that stay, without its id and alignment."""
        names = ("lang", "dir", *sorted(ATTRIBUTES.get(tag, ())))
        said = ((name, self._checked(name, attributes[name] or "")) for name in names if name in attributes)
        return tuple((name, value) for name, value in said if value is not None)

    def _checked(self, name: str, value: str) -> str | None:
        value = value.strip()
        if name in ("lang", "hreflang"):
            if _LANGUAGE.fullmatch(value):
                return value
            self.warn(f"{name}={value[:40]!r} was taken off: it is no language tag")
            return None
        if name in _WORDS:
            return value.lower() if value.lower() in _WORDS[name] else None
        if name in ("colspan", "rowspan", "span", "start"):
            least = 0 if name in ("rowspan", "start") else 1
            if _NUMBER.fullmatch(value) and least <= int(value) <= 1000:
                return value
            self.warn(f"{name}={value[:40]!r} was taken off: it must be a whole number from {least} to 1000")
            return None
        if name == "headers":
            return " ".join(filter(None, map(id_of, value.split())))
        return self.links.source(value) if name == "cite" else value

    def picture(self, attributes: Attributes) -> str | None:
        """The start tag of an `<img>` without its `>`; None if it has no source that a browser can fetch."""
        source = picture(self.links, attributes)
        alt = " ".join((attributes.get("alt") or "").split())
        if source is None:
            where = (attributes.get("src") or "").strip().partition(":")[0][:20]
            why = f"{where}: is no address that a reader's browser can fetch" if where else "it has no address"
            self.warn(f"the picture {alt[:60]!r} was left out: {why}; upload it first")
            return None
        self.pictures.add(source)
        if not shows(alt):
            self.warn(f"the picture {source[:100]} has no alt text for people who can't see it")
        said = [("src", source), ("alt", alt), *_said(attributes, "title"), *_sizes(attributes)]
        return start_tag("img", said)[:-1]

    def player(self, tag: str, node: LexborNode) -> str | None:
        """An `<audio>` or `<video>` with controls, without the last `>`; None without a source that is secure."""
        attributes = attributes_of(node)
        own = self._secure(attributes)
        children = [html for child in _children(node) if (html := self._part(child))]
        if own is None and not any(html.startswith("<source") for html in children):
            return None
        said = [("controls", ""), ("preload", "none"), *([("src", own)] if own else [])]
        if tag == "video":
            poster = self.links.source(attributes.get("poster"))
            said += [*([("poster", poster)] if poster else []), *_sizes(attributes)]
        said += _said(attributes, "title")
        return f"{start_tag(tag, said)}{''.join(children)}</{tag}"

    def _part(self, child: LexborNode) -> str:
        """A `<source>` or `<track>` of a player; empty where its address can't be used."""
        attributes = attributes_of(child)
        address = self._secure(attributes)
        if address is None or child.tag not in ("source", "track"):
            return ""
        names = ("type",) if child.tag == "source" else ("kind", "srclang", "label")
        return start_tag(child.tag, [("src", address), *_said(attributes, *names)])

    def _secure(self, attributes: Attributes) -> str | None:
        """The address of a sound or film: over https, or on the site itself."""
        address = self._address(attributes)
        return address if address and address.startswith(("https://", "/")) else None

    def _address(self, attributes: Attributes) -> str | None:
        """The first address that a browser can fetch: in `src` may stand a placeholder, such as `about:blank`."""
        movie = "value" if (attributes.get("name") or "").lower() in _MOVIES else "src"
        values = (attributes.get(name) for name in (movie, *_SOURCES))
        return next(filter(None, map(self.links.source, values)), None)

    def embedded(self, tag: str, node: LexborNode) -> tuple[str, str] | None:
        """The address and the words of the link that an embed becomes; None if it leads nowhere."""
        attributes = attributes_of(node)
        inner = (self._address(attributes_of(child)) for child in _children(node))
        address = self._address(attributes) or next(filter(None, inner), None)
        if address is None:
            self.warn(f"<{tag}> was left out: it has no address that a reader can follow")
            return None
        page, words = watch(address)
        self.warn(f"<{tag}> became a link to {page[:200]}")
        return page, " ".join((attributes.get("title") or "").split())[:200] or words


def _children(node: LexborNode) -> Iterator[LexborNode]:
    return (child for child in siblings(node.first_child) if child.is_element_node)


def _said(attributes: Attributes, *names: str) -> list[tuple[str, str]]:
    return [(name, value) for name in names if (value := (attributes.get(name) or "").strip())]


def _sizes(attributes: Attributes) -> list[tuple[str, str]]:
    found = []
    for name in ("width", "height"):
        value = (attributes.get(name) or "").strip().lower().removesuffix("px")
        if _NUMBER.fullmatch(value) and int(value):
            found.append((name, value))
    return found
