"""Tests use what a module offers: a private name of another module binds them to its inside."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.support.sources import ROOT, files, text

ITS_OWN = {"self", "cls"}
CANDIDATE = re.compile(
    r"(?<!\bself)(?<!\bcls)\.[\s\\]*_(?!_)|\bimport\s*(?:[^(\n]*|\([^)]*)\b_(?!_)"
)
"""Where it is not in a source there is nothing to find, and the source need not be parsed."""
LIBRARIES = {
    "os._exit",
    "sys._base_executable",
    "forkserver._forkserver",
    "_forkserver._stop",
    "error._add_error_label",
}
"""Of the standard library and PyMongo, where nothing public does the same."""
REACHED = {
    f"tests/unit/test_reached.py: {name}"
    for name in ("broker._connection", "subscriber._consumer_tag", "ContentHeader._get_flags")
}
"""Names of libraries that our code reaches into: that test says whether they are still there."""


def private_names(source: str) -> Iterator[str]:
    """Each private name that a source takes from elsewhere, as `module._name` or `object._name`."""
    if not CANDIDATE.search(source):
        return
    nodes = list(ast.walk(ast.parse(source)))
    own = {node.attr for node in nodes if isinstance(node, ast.Attribute) and _of_itself(node)}
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{a.name}" for a in node.names if _private(a.name))
        elif isinstance(node, ast.Attribute) and _private(node.attr) and node.attr not in own:
            yield f"{_last(node.value)}.{node.attr}"


def _private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def _of_itself(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id in ITS_OWN


def _last(node: ast.expr) -> str:
    match node:
        case ast.Name(name) | ast.Attribute(_, name):
            return name
    return "…"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from a.b import _c, d, __version__", ["a.b._c"]),
        ("from a.b import (\n    c,\n    _d,\n)", ["a.b._d"]),
        ("from a.b import (\n    _c as c,\n    _d\n)", ["a.b._c", "a.b._d"]),
        ("from a.b import (c,\n    d, _e)", ["a.b._e"]),
        ("a._b.c", ["a._b"]),
        ("a \\\n    ._B", ["a._B"]),
        ("a. _b", ["a._b"]),
        ("f()._b", ["…._b"]),
        ("self._b.c", []),
        ("self._b = other._b", []),  # of its own kind
        ("a.__dict__", []),
    ],
)
def test_private_names_are_found(source: str, found: list[str]) -> None:
    assert list(private_names(source)) == found


def test_no_test_uses_a_private_name_of_another_module() -> None:
    used = {
        f"{file.relative_to(ROOT)}: {name}"
        for file in files("tests")
        for name in private_names(text(file))
        if name not in LIBRARIES
    }
    assert used == REACHED
