"""Modules have at most 250 lines and functions at most 40, unless a reason is given beside it.

A module gives it in its docstring, a function in a comment above it (above its decorators): a
sentence that begins with "Long because".
"""

import ast
from collections.abc import Iterable, Iterator

import pytest

from tests.support import sources
from tests.support.sources import PRODUCT, ROOT

MODULE_LINES, FUNCTION_LINES = 250, 40
REASON = "Long because "


Function = ast.FunctionDef | ast.AsyncFunctionDef


def too_long(source: str, nodes: Iterable[ast.AST]) -> Iterator[str]:
    """What is too long in a module without a reason: `the module`, or a function's name.

    `nodes` are those of its syntax tree, the module first.
    """
    (module, *others), lines = nodes, source.splitlines()
    assert isinstance(module, ast.Module)
    if len(lines) > MODULE_LINES and REASON not in (ast.get_docstring(module) or ""):
        yield f"the module ({len(lines)})"
    for node in others:
        if isinstance(node, Function):
            length = (node.end_lineno or 0) - node.lineno + 1
            if length > FUNCTION_LINES and REASON not in comment_above(node, lines):
                yield f"{node.name} ({length})"


def comment_above(node: Function, lines: list[str]) -> str:
    """The comment lines that end just above a function and its decorators."""
    first = min([node.lineno, *(each.lineno for each in node.decorator_list)]) - 1
    comment: list[str] = []
    while first and lines[first - 1].strip().startswith("#"):
        first -= 1
        comment.insert(0, lines[first].strip(" #"))
    return " ".join(comment)


def test_nothing_is_too_long_without_a_reason() -> None:
    found = {
        str(file.relative_to(ROOT)): [*too_long(sources.text(file), sources.nodes(file))]
        for file in sources.files(*PRODUCT, "deploy")
    }
    assert {name: what for name, what in found.items() if what} == {}


LONG = "def long() -> None:\n" + "    pass\n" * 40


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("def short() -> None:\n" + "    pass\n" * 39, []),
        (LONG, ["long (41)"]),
        (f"class Kind:\n{LONG}".replace("\n", "\n    "), ["long (41)"]),
        (f"# Long because it is one table.\n{LONG}", []),
        (f"# Long because\n# it is one table.\n@decorator\nasync {LONG}", []),
        (f"# Long because it is one table.\n\n{LONG}", ["long (41)"]),
        ("pass\n" * 250, []),
        ("pass\n" * 251, ["the module (251)"]),
        ('"""A table.\n\nLong because it is one table.\n"""\n' + "pass\n" * 250, []),
    ],
)
def test_what_is_too_long_is_found(source: str, found: list[str]) -> None:
    assert list(too_long(source, ast.walk(ast.parse(source)))) == found
