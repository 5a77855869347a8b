"""Composition roots name what they pass: two arguments of one type can't be swapped unseen."""

import ast
from collections.abc import Iterable

import pytest

from tests.support.sources import ROOT, nodes

MOST = 3
"""Positional arguments that a reader can still tell apart."""


def crowded(nodes: Iterable[ast.AST]) -> list[str]:
    """The calls of classes with more than `MOST` positional arguments, as `line: name`."""
    return [
        f"{node.lineno}: {node.func.id}"
        for node in nodes
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id[:1].isupper()
        and len(node.args) > MOST
    ]


@pytest.mark.parametrize("service", ["counter", "ingest", "render", "stats"])
def test_a_composition_root_passes_many_arguments_by_name(service: str) -> None:
    assert crowded(nodes(ROOT / f"services/{service}/app.py")) == []


def test_crowded_calls_are_found() -> None:
    source = "A(1, 2, 3)\nb(1, 2, 3, 4)\nC(1, 2, 3, d=4)\nD(1, 2, 3, 4)\n"
    assert crowded(ast.walk(ast.parse(source))) == ["4: D"]
