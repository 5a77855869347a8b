"""Composition roots name what they pass: two arguments of one type can't be swapped unseen."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MOST = 3
"""Positional arguments that a reader can still tell apart."""


def crowded(source: str) -> list[str]:
    """The calls of classes with more than `MOST` positional arguments, as `line: name`."""
    return [
        f"{node.lineno}: {node.func.id}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id[:1].isupper()
        and len(node.args) > MOST
    ]


@pytest.mark.parametrize("service", ["counter", "ingest", "render", "stats"])
def test_a_composition_root_passes_many_arguments_by_name(service: str) -> None:
    assert crowded((ROOT / f"services/{service}/app.py").read_text()) == []


def test_crowded_calls_are_found() -> None:
    assert crowded("A(1, 2, 3)\nb(1, 2, 3, 4)\nC(1, 2, 3, d=4)\nD(1, 2, 3, 4)\n") == ["4: D"]
