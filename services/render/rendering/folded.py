"""Messages that templates say as they stand: put into them when they are compiled. Pure."""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream

_CALL = ["name", "lparen", "string", "rparen"]


class FoldedMessages(Extension):
    """`_("…")` becomes the text that the environment's `_` says: a third of a page's calls. With
    values it stays a call.
    """

    def filter_stream(self, stream: TokenStream) -> Iterable[Token]:
        """The template's tokens with those of the text in place of the call's."""
        return self._folded(stream)

    def _folded(self, tokens: Iterable[Token]) -> Iterator[Token]:
        held = deque[Token]()
        for token in tokens:
            held.append(token)
            if len(held) < len(_CALL):
                continue
            if held[0].value == "_" and [each.type for each in held] == _CALL:
                said: Any = self.environment.globals["_"]
                yield from _as_markup(str(said(held[2].value)), held[0].lineno)
                held.clear()
            else:
                yield held.popleft()
        yield from held


def _as_markup(text: str, line: int) -> Iterator[Token]:
    """`("…"|safe)`, which Jinja evaluates when it compiles."""
    shape = [("lparen", "("), ("string", text), ("pipe", "|"), ("name", "safe"), ("rparen", ")")]
    return (Token(line, kind, value) for kind, value in shape)
