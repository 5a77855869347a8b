"""The drawing of a map: an SVG file made safe to stand in a page, with areas that are links. Pure.

A drawing that could act is refused, not mended: no part of a map does. What only drawing programs
read is left out.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from xml.etree import ElementTree
from xml.parsers import expat

from shared.base.letters import one_form

SVG, XLINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}"
MOST_ELEMENTS = 3000
PREFIX = "ban-do-"
"""Stands before the ids of a drawing, so that they are none of the page's."""

_ELEMENTS = frozenset(
    "svg g path rect circle ellipse line polyline polygon text tspan title desc defs use symbol "
    "linearGradient radialGradient stop clipPath pattern marker".split()
)
_LEFT_OUT = frozenset({"metadata"})
_PRESENTATION = frozenset(
    "fill fill-opacity fill-rule stroke stroke-width stroke-opacity stroke-linecap stroke-linejoin "
    "stroke-dasharray stroke-miterlimit opacity font-size font-weight font-style text-anchor "
    "dominant-baseline letter-spacing clip-path clip-rule stop-color stop-opacity color display "
    "visibility marker-start marker-mid marker-end paint-order".split()
)
_ATTRIBUTES = _PRESENTATION | frozenset(
    "id class d x y x1 y1 x2 y2 cx cy r rx ry width height points transform viewBox dx dy offset "
    "gradientUnits gradientTransform fx fy patternUnits patternTransform clipPathUnits refX refY "
    "markerWidth markerHeight orient preserveAspectRatio textLength lengthAdjust "
    "aria-hidden".split()
)
_CLASSES = frozenset({"area", "t1", "t2", "t3", "t4", "river", "seat", "over"})
_LOCAL = re.compile(r"url\(\s*['\"]?#([\w.-]+)['\"]?\s*\)")


class NoDrawing(ValueError):
    """The file is no drawing that a page may show. The text says where and why."""


@dataclass(frozen=True)
class Drawing:
    """A map's drawing. `areas`: the ids in it."""

    name: str
    source: str
    """SVG with allowed elements and attributes only, all ids with `PREFIX`."""
    areas: frozenset[str] = field(repr=False)


@dataclass(frozen=True)
class Area:
    """An area of a map: what it is called, and where it leads; nowhere if that is empty."""

    name: str
    url: str = ""


def read_drawing(name: str, content: bytes) -> Drawing:
    """The drawing in an SVG file. Raises `NoDrawing`."""
    builder = _Builder()
    parser = expat.ParserCreate(namespace_separator="}")
    parser.ordered_attributes = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.text
    parser.StartDoctypeDeclHandler = builder.doctype
    parser.ProcessingInstructionHandler = builder.instruction
    builder.line = lambda: parser.CurrentLineNumber
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise NoDrawing(
            f"line {error.lineno}: is no XML: {expat.ErrorString(error.code)}"
        ) from None
    root = builder.root
    if root is None or root.tag != "svg":
        raise NoDrawing("line 1: must be SVG")
    if not re.fullmatch(r"\s*-?[\d.]+([\s,]+-?[\d.]+){3}\s*", root.get("viewBox", "")):
        raise NoDrawing('line 1: svg: must have a viewBox such as viewBox="0 0 320 300"')
    for size in ("width", "height", "x", "y"):
        root.attrib.pop(size, None)
    for each in root.iter():
        each.text, each.tail = one_form(each.text or ""), one_form(each.tail or "")
    return Drawing(name, _text_of(root), frozenset(builder.ids))


class _Builder:
    """Builds the tree of what is allowed, and refuses what is not."""

    def __init__(self) -> None:
        self.root: ElementTree.Element | None = None
        self.ids: list[str] = []
        self.line: Callable[[], int] = lambda: 0
        self._open: list[ElementTree.Element | None] = []
        self._number = 0

    def doctype(self, _name: str, _system: str | None, _public: str | None, internal: bool) -> None:
        """The document's type: without entities it means nothing."""
        if internal:
            raise self._no("its DOCTYPE must declare nothing")

    def instruction(self, target: str, _data: str) -> None:
        """An instruction, such as a style sheet's."""
        raise self._no(f"<?{target[:40]}?> is not allowed")

    def start(self, full: str, attributes: list[str]) -> None:
        """An element begins."""
        space, _, tag = full.rpartition("}")
        self._number += 1
        if self._number > MOST_ELEMENTS:
            raise self._no(f"has more than {MOST_ELEMENTS:,} elements: simplify its lines")
        inside = self._open[-1] if self._open else None
        if (self._open and inside is None) or "{" + space + "}" != SVG or tag in _LEFT_OUT:
            if not self._open:
                raise self._no('must be SVG: <svg xmlns="http://www.w3.org/2000/svg">')
            self._open.append(None)
            return
        if tag not in _ELEMENTS:
            raise self._no(f"<{tag[:40]}> is not allowed")
        element = ElementTree.Element(tag)
        for name, value in zip(attributes[::2], attributes[1::2], strict=True):
            for kept, held in self._kept(name, value):
                element.set(kept, held)
        if inside is None:
            self.root = element
        else:
            inside.append(element)
        self._open.append(element)

    def end(self, _full: str) -> None:
        """An element ends."""
        self._open.pop()

    def text(self, data: str) -> None:
        """Text in an element."""
        element = self._open[-1] if self._open else None
        if element is None or element.tag not in {"text", "tspan", "title", "desc"}:
            return
        if len(element):
            element[-1].tail = (element[-1].tail or "") + data
        else:
            element.text = (element.text or "") + data

    def _kept(self, full: str, value: str) -> Iterator[tuple[str, str]]:
        space, _, name = full.rpartition("}")
        if name.lower().startswith("on"):
            raise self._no(f"{name[:40]} is not allowed: a map does nothing")
        if name == "href" and (not space or "{" + space + "}" == XLINK):
            if not re.fullmatch(r"#[\w.-]+", value):
                raise self._no(f"href {value[:60]!r} must be #id: a map loads nothing")
            yield "href", f"#{PREFIX}{value[1:]}"
        elif space:
            return  # what drawing programs write for themselves
        elif name == "style":
            for declaration in filter(str.strip, value.split(";")):
                key, _, told = declaration.partition(":")
                if key.strip() in _PRESENTATION:
                    yield key.strip(), self._safe(key.strip(), told.strip())
        elif name == "id":
            self.ids.append(value)
            yield "id", PREFIX + value
        elif name == "class":
            classes = " ".join(each for each in value.split() if each in _CLASSES)
            if classes:
                yield "class", classes
        elif name in _ATTRIBUTES:
            yield name, self._safe(name, value)

    def _safe(self, name: str, value: str) -> str:
        rest = _LOCAL.sub("", value)
        if "url" in rest.lower() or "\\" in rest or "javascript" in rest.lower():
            raise self._no(f"{name} {value[:60]!r} must name nothing outside of the drawing")
        return _LOCAL.sub(rf"url(#{PREFIX}\1)", value)

    def _no(self, what: str) -> NoDrawing:
        return NoDrawing(f"line {self.line()}: {what}")


def drawn(drawing: Drawing, title: str, description: str, areas: Mapping[str, Area]) -> str:
    """The SVG of a map as it stands in a page, with a link for each area that leads somewhere."""
    root = ElementTree.fromstring(drawing.source)  # noqa: S314  (`read_drawing` has made it)
    for old in [each for each in root if each.tag in {"title", "desc"}]:
        root.remove(old)
    named = {"class": "map", "role": "group", "aria-labelledby": f"{PREFIX}ten"}
    heads = [_texts("title", f"{PREFIX}ten", title)]
    if description:
        named["aria-describedby"] = f"{PREFIX}mo-ta"
        heads.append(_texts("desc", f"{PREFIX}mo-ta", description))
    root.attrib.update(named)
    for head in reversed(heads):
        root.insert(0, head)
    above = {child: parent for parent in root.iter() for child in parent}
    for key, area in areas.items():
        element = next(each for each in root.iter() if each.get("id") == f"{PREFIX}{key}")
        _name_area(element, above[element], area)
    return _text_of(root)


def _name_area(element: ElementTree.Element, parent: ElementTree.Element, area: Area) -> None:
    if not area.url:
        element.set("role", "img")
        element.set("aria-label", area.name)
        element.insert(0, _texts("title", "", area.name))
        return
    link = ElementTree.Element("a", {"href": area.url})
    link.append(_texts("title", "", area.name))
    link.set("aria-label", area.name)
    parent[list(parent).index(element)] = link
    link.append(element)


def _texts(tag: str, name: str, text: str) -> ElementTree.Element:
    element = ElementTree.Element(tag, {"id": name} if name else {})
    element.text = text
    return element


def _text_of(root: ElementTree.Element) -> str:
    return ElementTree.tostring(root, encoding="unicode", short_empty_elements=True)
