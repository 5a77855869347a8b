"""Two things never share a name: classes and type aliases, and whatever other modules import."""

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache

from tests.support.sources import PRODUCT, modules, nodes, tree

MODULES = modules(*PRODUCT, "deploy")

SAME_EVERYWHERE = {"log", "main", "build", "run", "describe_api"}
"""Names by convention: a module's logger, the entry points of processes and commands, and what each
service says of its API.
"""


def defined(tree: ast.Module) -> Iterator[str]:
    """The names that a module defines at its top: classes, functions, constants, aliases. Type
    variables are left out: `T` means nothing.
    """
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.Assign) and not is_type_variable(node.value):
            for target in node.targets:
                names = target.elts if isinstance(target, ast.Tuple) else [target]
                yield from (name.id for name in names if isinstance(name, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id


def is_type_variable(value: ast.expr) -> bool:
    return isinstance(value, ast.Call) and ast.unparse(value.func) == "TypeVar"


def is_class(name: str) -> bool:
    """True for a name in CamelCase: a class or an alias of types."""
    return name.lstrip("_")[:1].isupper() and not name.isupper()


def imported() -> set[str]:
    """Names that some module imports from another module of ours."""
    return {
        alias.name
        for file in MODULES.values()
        for node in nodes(file)
        if isinstance(node, ast.ImportFrom) and node.module in MODULES
        for alias in node.names
        if f"{node.module}.{alias.name}" not in MODULES
    }


@cache
def places() -> dict[str, list[str]]:
    found = defaultdict(list)
    for module, file in MODULES.items():
        for name in defined(tree(file)):
            found[name].append(module)
    return found


def twice(names: Iterable[str]) -> dict[str, list[str]]:
    where = places()
    return {name: where[name] for name in names if len(where[name]) > 1}


def test_names_are_found() -> None:
    source = (
        "T = TypeVar('T')\nA = B = 1\nC, D = 1, 2\nE: int = 3\nclass F: ...\n"
        "def g() -> None: ...\nasync def h() -> None:\n    inner = 1\n"
    )
    assert list(defined(ast.parse(source))) == ["A", "B", "C", "D", "E", "F", "g", "h"]
    assert [name for name in ("Kind", "_Kind", "KIND", "_KIND", "kind") if is_class(name)] == [
        "Kind",
        "_Kind",
    ]


def test_no_two_classes_share_a_name() -> None:
    assert twice(name for name in sorted(places()) if is_class(name)) == {}


def test_what_others_import_shares_its_name_with_nothing() -> None:
    assert twice(sorted(imported() - SAME_EVERYWHERE)) == {}
