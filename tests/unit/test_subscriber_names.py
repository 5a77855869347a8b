"""The public names of the kit."""

import ast
from importlib import import_module
from pathlib import Path

import pytest

import luotdoc_subscriber


def test_each_public_name_is_what_its_module_has() -> None:
    source = ast.parse(Path(luotdoc_subscriber.__file__).read_text())
    typed = [
        (node.module, alias.name)
        for node in ast.walk(source)
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("luotdoc_subscriber.")
        for alias in node.names
    ]
    assert len(typed) > 10
    for module, name in typed:
        assert getattr(luotdoc_subscriber, name) is getattr(import_module(str(module)), name)


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(AttributeError, match="has no nothing"):
        _ = luotdoc_subscriber.nothing  # type: ignore[attr-defined,unused-ignore]
