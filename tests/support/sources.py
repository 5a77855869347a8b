"""The repository's own Python sources, each read and parsed once in a process."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PRODUCT = ("luotdoc_events", "luotdoc_subscriber", "services", "shared")
"""The folders of what runs in production."""


def files(*folders: str) -> list[Path]:
    """The Python files of some folders of the repository, sorted."""
    return sorted(file for folder in folders for file in (ROOT / folder).rglob("*.py"))


def modules(*folders: str) -> dict[str, Path]:
    """The files of some folders by their modules' names."""
    return {
        ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file
        for file in files(*folders)
    }


@cache
def text(file: Path) -> str:
    """A file's source."""
    return file.read_text()


@cache
def tree(file: Path) -> ast.Module:
    """A file's syntax tree. It is shared: don't change it."""
    return ast.parse(text(file))


@cache
def nodes(file: Path) -> tuple[ast.AST, ...]:
    """All nodes of a file's syntax tree."""
    return tuple(ast.walk(tree(file)))
