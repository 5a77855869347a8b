"""One element of the source, as the walk passes it to the writers of blocks and inlines. Pure."""

from collections.abc import Callable
from typing import NamedTuple

from selectolax.lexbor import LexborNode

from services.ingest.articles.body.context import Context
from services.ingest.articles.body.nodes import Attributes
from services.ingest.articles.body.style import Look


class Element(NamedTuple):
    """An element of the source, with its checked id and its look."""

    tag: str
    node: LexborNode
    attributes: Attributes
    id: str
    look: Look


Entered = tuple[Context, Callable[[], None] | None]
"""The context inside an element, and a function to call at its end."""
