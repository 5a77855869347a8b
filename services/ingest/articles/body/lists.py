"""Whether a list of the source shows numbers or bullets. Pure.

Google Docs says it on the items. Quill makes every list an `<ol>` and says it on the items.
"""

from selectolax.lexbor import LexborNode

from services.ingest.articles.body.elements import LISTS
from services.ingest.articles.body.links import Attributes
from services.ingest.articles.body.style import Look, look_of

_QUILL = {"bullet": "ul", "checked": "ul", "unchecked": "ul", "ordered": "ol"}


def kind_of_list(tag: str, node: LexborNode, look: Look) -> tuple[str, str | None]:
    """`ol` or `ul` for the list `node`, and the `type` of its numbers if its style says one."""
    item = node.first_child
    while item is not None and item.tag != "li":
        item = item.next
    said = item.attributes if item is not None else {}
    of_item = look_of(said.get("style"))
    kind = look.listed or kind_of_item(said) or of_item.listed or tag
    return kind, (look.numbers or of_item.numbers) if kind == "ol" else None


def kind_of_item(attributes: Attributes) -> str | None:
    """`ol` or `ul` for an item of Quill's."""
    return _QUILL.get(attributes.get("data-list") or "")


def other_list(container: str, attributes: Attributes) -> str | None:
    """The list that must begin before an item, if that is not of the kind of the list that it
    stands in.
    """
    kind = kind_of_item(attributes)
    return kind if kind and container in LISTS and kind != container else None
