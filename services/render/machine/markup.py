"""XML from any text. Pure.

XML 1.0 has no way to write some characters, such as most control characters. They are left out.
"""

import re
from collections.abc import Mapping
from xml.sax.saxutils import escape

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_IN_ATTRIBUTE = {'"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
"""A parser makes spaces of the others."""
_IN_TEXT = {"\r": "&#13;"}
"""A parser makes a line feed of it."""


def xml_text(value: str) -> str:
    """`value` as the content of an element."""
    return escape(_FORBIDDEN.sub("", value), _IN_TEXT)


def xml_tag(name: str, attributes: Mapping[str, object] | None = None, *, end: str = ">") -> str:
    """A start tag; with `end="/>"` an empty element. Attributes that are empty or 0 are left
    out.
    """
    written = "".join(
        f' {key}="{escape(_FORBIDDEN.sub("", str(value)), _IN_ATTRIBUTE)}"'
        for key, value in (attributes or {}).items()
        if value
    )
    return f"<{name}{written}{end}"


def xml_empty(name: str, attributes: Mapping[str, object]) -> str:
    """An element without content."""
    return xml_tag(name, attributes, end="/>") + "\n"


def xml_element(name: str, value: str, attributes: Mapping[str, object] | None = None) -> str:
    """An element with a text; nothing if the text is empty."""
    return f"{xml_tag(name, attributes)}{xml_text(value)}</{name}>\n" if value else ""
