"""Reading nodes of the parsed tree: siblings, children, attributes. Pure."""

from collections.abc import Iterator, Mapping

from selectolax.lexbor import LexborNode

from services.ingest.articles.body.characters import fewer_marks, plain

Attributes = Mapping[str, str | None]
"""Values by name; None for an attribute without a value."""


def siblings(node: LexborNode | None) -> Iterator[LexborNode]:
    """`node` and the nodes after it under the same parent."""
    while node is not None:
        following = node.next
        yield node
        node = following


def children(node: LexborNode) -> Iterator[LexborNode]:
    """The elements directly inside `node`."""
    return (child for child in siblings(node.first_child) if child.is_element_node)


def attributes_of(node: LexborNode) -> Attributes:
    """The attributes of an element, within the limits on characters.

    A control character or a stack of marks can be written as entities, which only the parser
    resolves. The limits on the source don't see them.
    """
    attributes = node.attributes
    if all(value is None or (value.isascii() and value.isprintable())
           for value in attributes.values()):  # fmt: skip
        return attributes
    return {name: value and fewer_marks(plain(value))[0] for name, value in attributes.items()}


def is_empty(node: LexborNode) -> bool:
    """Whether an element holds nothing but white space."""
    child = node.first_child
    if child is None:
        return True
    return child.next is None and child.is_text_node and not (child.text_content or "").strip()


def is_in_brackets(node: LexborNode) -> bool:
    """Whether an `<rp>`, brackets for old browsers, comes before the reading (`<rt>`) `node`."""
    before = node.prev
    if before is not None and before.is_text_node:
        before = before.prev
    return before is not None and before.tag == "rp"
