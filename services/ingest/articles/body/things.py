"""Attributes, pictures, players and embeds of a body: what is kept of them, and what the editor is
told. Pure.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from selectolax.lexbor import LexborNode

from services.ingest.articles.body import elements
from services.ingest.articles.body.characters import fewer_marks, plain, shows
from services.ingest.articles.body.embeds import watch
from services.ingest.articles.body.links import Attributes, Links, id_of
from services.ingest.articles.body.pictures import ABSOLUTE, LAZY, picture
from services.ingest.articles.body.writer import Pairs, start_tag

Warn = Callable[[str], None]

_LANGUAGE = re.compile(r"[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8}){0,3}")
_SOURCES = ("src", *LAZY, "data", "url", "data-url", "data-href")
_MOVIES = frozenset({"movie", "src", "url", "filename"})
"""Names of an `<object>`'s parameters that hold its address."""
_VIDEOS = {"youtube": "https://www.youtube.com/embed/", "vimeo": "https://player.vimeo.com/video/"}
_VIDEO_IDS = ("videoid", "data-videoid", "data-video-id", "data-video_id", "data-youtube-id",
              "data-youtube",
              "data-vimeo-id", "data-plyr-embed-id", "data-embed", "data-id")  # fmt: skip
_VIDEO = re.compile(r"[A-Za-z0-9_-]{1,20}")
_FILLED_FROM = ("data-instgrm-permalink", "data-href", "data-url", "data-src", "src", "cite")
_LONGEST_EMOJI = 16
"""Characters of one emoji: a flag of a region has 7, a family with colours of skin 11."""
_SMALL = 32
_NUMBER = re.compile(r"-?\d{1,5}", re.ASCII)
_RANGES = {
    "colspan": (1, 1000),
    "rowspan": (0, 1000),
    "span": (1, 1000),
    "start": (-9999, 9999),
    "value": (-9999, 9999),
}
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
    """The attributes of an element, without what an entity can hide from the limits on
    characters.
    """
    said = node.attributes
    if all(value is None or (value.isascii() and value.isprintable()) for value in said.values()):
        return said
    return {name: value and fewer_marks(plain(value))[0] for name, value in said.items()}


@dataclass
class Things:
    """Judges what is no text. `warn` takes words for the editor."""

    links: Links
    warn: Warn
    pictures: set[str] = field(default_factory=set)
    """Sources of the pictures that were kept."""
    embedded_before: set[str] = field(default_factory=set)
    """Addresses of the embeds that became links."""

    def kept(self, tag: str, attributes: Attributes) -> Pairs:
        """The attributes of an element that stay, without its id and alignment."""
        names = ("lang", "dir", *sorted(elements.ATTRIBUTES.get(tag, ())))
        said = (
            (name, self._checked(name, attributes[name] or ""))
            for name in names
            if name in attributes
        )
        return tuple((name, value) for name, value in said if value is not None)

    def _checked(self, name: str, value: str) -> str | None:
        value = value.strip()
        if name in ("lang", "hreflang"):
            if _LANGUAGE.fullmatch(value):
                return value
            self.warn(f"{name}={value[:40]!r} was taken off: it is no language tag")
            return None
        if name == "type":
            return value if value in ("1", "a", "A", "i", "I") else None
        if name in _WORDS:
            return value.lower() if value.lower() in _WORDS[name] else None
        if name in _RANGES:
            least, most = _RANGES[name]
            if _NUMBER.fullmatch(value) and least <= int(value) <= most:
                return value
            self.warn(
                f"{name}={value[:40]!r} was taken off: it must be a whole number from {least} to "
                f"{most}"
            )
            return None
        if name == "headers":
            return " ".join(filter(None, map(id_of, value.split())))
        return self.links.source(value) if name == "cite" else value

    def picture(self, attributes: Attributes, around: Iterable[Attributes] = ()) -> str | None:
        """The start tag of an `<img>` without its `>`; None if it has no source that a browser can
        fetch.
        """
        source = picture(self.links, attributes, around)
        alt = " ".join((attributes.get("alt") or "").split())
        if source is None:
            where = (attributes.get("src") or "").strip().partition(":")[0][:20]
            why = (
                f"{where}: is no address that a reader's browser can fetch"
                if where
                else "it has no address"
            )
            self.warn(f"the picture {alt[:60]!r} was left out: {why}; upload it first")
            return None
        self.pictures.add(source)
        if not shows(alt):
            self.warn(f"the picture {source[:100]} has no alt text for people who can't see it")
        said = [("src", source), ("alt", alt), *_said(attributes, "title"), *_sizes(attributes)]
        return start_tag("img", said)[:-1]

    def player(self, tag: str, node: LexborNode) -> tuple[str, str] | None:
        """An `<audio>` or `<video>` with controls: its start tag without the `>`, and the rest.

        None without a source that is secure.
        """
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
        return start_tag(tag, said)[:-1], f"{''.join(children)}</{tag}>"

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
        """The first address that a browser can fetch: in `src` may stand a placeholder, such as
        `about:blank`.
        """
        movie = "value" if (attributes.get("name") or "").lower() in _MOVIES else "src"
        values = (attributes.get(name) for name in (movie, *_SOURCES))
        return next(filter(None, map(self.links.source, values)), None)

    def embedded(self, tag: str, node: LexborNode, spare: bool = False) -> tuple[str, str] | None:
        """The address and the words of the link that an embed becomes; None if it leads nowhere.

        A `spare` one is for browsers that can't show another: it is passed over if that became a
        link.
        """
        attributes = attributes_of(node)
        parts = (
            child
            for child in _children(node)
            if child.tag in ("embed", "iframe", "param", "source")
        )
        inner = (self._address(attributes_of(part)) for part in parts)
        address = self._address(attributes) or next(filter(None, inner), None)
        spare = spare or (node.parent is not None and node.parent.tag == "object")
        if spare and address in self.embedded_before:
            return None  # the same for browsers without scripts, or without the plug-in
        if address is None:
            if tag == "object" and (node.css_first("img") or node.text().strip()):
                return None  # what stands in for it is shown
            self.warn(f"<{tag}> was left out: it has no address that a reader can follow")
            return None
        self.embedded_before.add(address)
        return self._became(tag, address, attributes.get("title"))

    def area(self, attributes: Attributes) -> tuple[str, str] | None:
        """The address and the words of the link that an area of a picture is; None if it is
        none.
        """
        address = self.links.link(attributes.get("href"))
        if address is None:
            return None
        return self._became("area", address, attributes.get("alt") or attributes.get("title"))

    def _bare(self, node: LexborNode) -> tuple[str, str] | None:
        """The link that the address alone becomes in place of which WordPress would show what is
        there.
        """
        text = node.text().strip()
        address = (
            self.links.source(text) if ABSOLUTE.match(text) and not re.search(r"\s", text) else None
        )
        return self._became("figure", address, None) if address else None

    def quoted(self, node: LexborNode, attributes: Attributes) -> tuple[str, str] | None:
        """The link to a post that a script would show in place of a quotation, as TikTok's does.

        None if the quotation has it.
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
        return self._became("blockquote", address, None)

    def _became(self, tag: str, address: str, title: str | None) -> tuple[str, str]:
        page, words = watch(address)
        self.warn(f"<{tag}> became a link to {page[:200]}")
        title = " ".join((title or "").split())[:200]
        return page, title if shows(title) else words

    def widget(self, tag: str, node: LexborNode, attributes: Attributes) -> tuple[str, str] | None:
        """The link that an empty element becomes which a script would fill from an address."""
        if not attributes or tag in elements.CONTAINERS - {"blockquote"}:
            return None
        classes = attributes.get("class") or ""
        if not is_empty(node):
            return self._bare(node) if "wp-block-embed__wrapper" in classes else None
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
        return self._became(tag, address, attributes.get("title"))


def emoji(attributes: Attributes) -> str:
    """The character that a small picture stands for, as on Facebook, in Gmail and WordPress; empty
    if for none.
    """
    alt = (attributes.get("data-emoji") or attributes.get("alt") or "").strip()
    if (
        not alt
        or alt.isascii()
        or len(alt) > _LONGEST_EMOJI
        or any(c.isalnum() and not c.isascii() for c in alt)
    ):
        return ""
    small = all(
        size and size.isdigit() and int(size) <= _SMALL
        for size in map(attributes.get, ("width", "height"))
    )
    told = f"{attributes.get('class')} {attributes.get('src')}".lower()
    symbols = any(unicodedata.category(character) == "So" for character in alt) or "\u20e3" in alt
    return alt if symbols and (small or "emoji" in told or "data-emoji" in attributes) else ""


def is_empty(node: LexborNode) -> bool:
    """Whether an element holds nothing but white space."""
    child = node.first_child
    if child is None:
        return True
    return child.next is None and child.is_text_node and not (child.text_content or "").strip()


def _children(node: LexborNode) -> Iterator[LexborNode]:
    return (child for child in siblings(node.first_child) if child.is_element_node)


def _said(attributes: Attributes, *names: str) -> list[tuple[str, str]]:
    return [(name, value) for name in names if (value := (attributes.get(name) or "").strip())]


def _sizes(attributes: Attributes) -> list[tuple[str, str]]:
    found = []
    for name in ("width", "height"):
        value = (attributes.get(name) or "").strip().lower().removesuffix("px")
        if _NUMBER.fullmatch(value) and int(value) > 0:
            found.append((name, value))
    return found
