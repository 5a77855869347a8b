"""Parts of templates that are the same on many pages: rendered once, then kept as text. Pure."""

from collections.abc import Callable
from itertools import count

from jinja2 import Environment, nodes
from jinja2.ext import Extension
from jinja2.parser import Parser
from markupsafe import Markup

MOST_KEYS = 1000
"""Texts that are kept. The keys of a site are fewer: its sections."""


class Once(Extension):
    """`{% once %}…{% endonce %}` is rendered on the first page, and repeated on every other.

    `{% once a, b %}` is kept for each pair of values. Inside stands nothing of a page but these: an
    environment has one site and one language.
    """

    tags = {"once"}  # noqa: RUF012  (Jinja declares it so)

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self._held: dict[object, Markup] = {}
        self._blocks = count()

    def parse(self, parser: Parser) -> nodes.Node:
        """The block as a call of `kept`."""
        line = next(parser.stream).lineno
        key: nodes.Expr = nodes.Const(None)
        if not parser.stream.current.test("block_end"):
            key = parser.parse_tuple()
        body = parser.parse_statements(("name:endonce",), drop_needle=True)
        call = self.call_method("kept", [nodes.Const(next(self._blocks)), key])
        return nodes.CallBlock(call, [], [], body).set_lineno(line)

    def kept(self, block: int, key: object, caller: Callable[[], str]) -> Markup:
        """The text of the block with this number for `key`."""
        held = self._held.get((block, key))
        if held is None:
            if len(self._held) >= MOST_KEYS:
                self._held.clear()
            held = self._held[block, key] = Markup(caller())  # noqa: S704  (a template's own text)
        return held
