"""One element of the source, as the walk hands it on. Pure."""

from collections.abc import Callable
from typing import NamedTuple

from selectolax.lexbor import LexborNode

from services.ingest.articles.body.context import Context
from services.ingest.articles.body.nodes import Attributes
from services.ingest.articles.body.style import Look


class Element(NamedTuple):
    """An element of the source with everything that was read from it."""

    tag: str
    node: LexborNode
    attributes: Attributes
    id: str
    look: Look


Entered = tuple[Context, Callable[[], None] | None]
"""The context inside an element, and a function to call at its end."""
