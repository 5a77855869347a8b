"""What the writer writes: attributes, inline elements and blocks of text. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

AttributePairs = tuple[tuple[str, str], ...]
"""Attributes of an element of the body, in the order in which they are written."""


@dataclass(eq=False, slots=True)
class Inline:
    """An inline element of the source. The writer may write it several times, once for each block
    that it reaches into.
    """

    tag: str
    attributes: AttributePairs = ()
    group: str = ""
    """The property of text that it sets and that a style can take back: bold, italic, underline,
    struck or raised; empty for another element.
    """
    id: str = ""
    target: str = ""
    """The id that a link leads to, in the same body."""


@dataclass(eq=False, slots=True)
class Leaf:
    """A block of the source that holds text. Its runs are written as this element; with `tag` ""
    the writer chooses one.
    """

    tag: str = ""
    attributes: AttributePairs = ()
    id: str = ""


def start_tag(tag: str, attributes: Iterable[tuple[str, str]]) -> str:
    """`<tag name="value">`, with the values escaped."""
    written = "".join(f' {name}="{escape(value)}"' for name, value in attributes)
    return f"<{tag}{written}>"
