"""Attributes that an element keeps in the body, with checked values. Pure."""

import re
from dataclasses import dataclass

from services.ingest.articles.body import elements
from services.ingest.articles.body.editor_warnings import Warn
from services.ingest.articles.body.ids import id_of
from services.ingest.articles.body.links import Links
from services.ingest.articles.body.markup import AttributePairs
from services.ingest.articles.body.nodes import Attributes

_EVERYWHERE = ("lang", "dir")
_NAMES = {tag: (*_EVERYWHERE, *sorted(names)) for tag, names in elements.ATTRIBUTES.items()}
_LANGUAGE = re.compile(r"[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8}){0,3}")
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
_NUMBERINGS = frozenset({"1", "a", "A", "i", "I"})


@dataclass(frozen=True, slots=True)
class KeptAttributes:
    """Chooses the attributes that stay. `warn` takes a message for each that is lost."""

    links: Links
    warn: Warn

    def of(self, tag: str, attributes: Attributes) -> AttributePairs:
        """The attributes of an element that stay, without its id and alignment."""
        if not attributes:
            return ()
        kept = []
        for name in _NAMES.get(tag, _EVERYWHERE):
            if name in attributes:
                value = self._checked(name, (attributes[name] or "").strip())
                if value is not None:
                    kept.append((name, value))
        return tuple(kept)

    def _checked(self, name: str, value: str) -> str | None:
        """The value to write; None if the attribute is left out."""
        if name in ("lang", "hreflang"):
            return self._language(name, value)
        if name in _RANGES:
            return self._whole_number(name, value)
        if name == "type":
            return value if value in _NUMBERINGS else None
        if name in _WORDS:
            return value.lower() if value.lower() in _WORDS[name] else None
        if name == "headers":
            return " ".join(filter(None, map(id_of, value.split())))
        return self.links.source(value) if name == "cite" else value

    def _language(self, name: str, value: str) -> str | None:
        if _LANGUAGE.fullmatch(value):
            return value
        self.warn(f"{name}={value[:40]!r} was taken off: it is no language tag")
        return None

    def _whole_number(self, name: str, value: str) -> str | None:
        least, most = _RANGES[name]
        if _NUMBER.fullmatch(value) and least <= int(value) <= most:
            return value
        self.warn(
            f"{name}={value[:40]!r} was taken off: it must be a whole number from {least} to {most}"
        )
        return None


def given(attributes: Attributes, *names: str) -> AttributePairs:
    """Those of the attributes `names` that have a value, unchecked."""
    return tuple((name, value) for name in names if (value := (attributes.get(name) or "").strip()))


def sizes(attributes: Attributes) -> AttributePairs:
    """Width and height in pixels, where they are whole numbers above 0."""
    found = []
    for name in ("width", "height"):
        value = (attributes.get(name) or "").strip().lower().removesuffix("px")
        if _NUMBER.fullmatch(value) and int(value) > 0:
            found.append((name, value))
    return tuple(found)
