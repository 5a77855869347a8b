"""Whether a list of the source shows numbers or bullets. Pure.

Google Docs and Quill set this on the items; Quill writes every list as an `<ol>`.
"""

from selectolax.lexbor import LexborNode

from services.ingest.articles.body.elements import LISTS
from services.ingest.articles.body.nodes import Attributes
from services.ingest.articles.body.style import Look, look_of

_QUILL = {"bullet": "ul", "checked": "ul", "unchecked": "ul", "ordered": "ol"}


def kind_of_list(tag: str, node: LexborNode, look: Look) -> tuple[str, str | None]:
    """`ol` or `ul` for the list `node`, and the `type` of its numbers if its style sets one."""
    item = node.first_child
    while item is not None and item.tag != "li":
        item = item.next
    attributes = item.attributes if item is not None else {}
    of_item = look_of(attributes.get("style"))
    kind = look.listed or kind_of_item(attributes) or of_item.listed or tag
    return kind, (look.numbers or of_item.numbers) if kind == "ol" else None


def kind_of_item(attributes: Attributes) -> str | None:
    """`ol` or `ul` for an item of a list that Quill wrote; None for any other item."""
    return _QUILL.get(attributes.get("data-list") or "")


def list_to_begin(container: str, attributes: Attributes) -> str | None:
    """`ol` or `ul` if an item that Quill wrote needs a new list of that kind before it; None if it
    fits into the open `container`.
    """
    kind = kind_of_item(attributes)
    return kind if kind and container in LISTS and kind != container else None
