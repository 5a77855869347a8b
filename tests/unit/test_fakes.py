"""A fake of a store, a guard or a broker does what the real one does: both pass one contract."""

import ast
from collections.abc import Collection, Iterator
from pathlib import Path

from tests.support.sources import PRODUCT, ROOT, files, nodes, text

FAKES = {
    "PagesInMemory": "PageStoreContract",
    "MachineStoreInMemory": "MachineStoreContract",
    "ArticlesInMemory": "ArticleStoreContract",
    "SlotsInMemory": "SlotsContract",
    "InMemory": "GuardContract",
    "ConfirmsInMemory": "PublishContract",
    "DeliverInMemory": "DeliverContract",
}
"""Each fake and its contract, a class of tests that a subclass runs over the fake, and another one
over the real thing.
"""
WITHOUT_SERVERS = ("tests/unit", "tests/property", "tests/support")


def found(folders: Collection[str], words: Collection[str]) -> Iterator[tuple[Path, ast.AST]]:
    """The syntax nodes of the files that contain one of the words."""
    for file in files(*folders):
        if any(word in text(file) for word in words):
            yield from ((file, node) for node in nodes(file))


def subclasses(folders: Collection[str], bases: Collection[str]) -> list[tuple[Path, str]]:
    return [
        (file, node.name)
        for file, node in found(folders, bases)
        if isinstance(node, ast.ClassDef) and names(node.bases) & {*bases}
    ]


def names(nodes: Collection[ast.AST]) -> set[str]:
    return {node.id for node in nodes if isinstance(node, ast.Name)}


STORES = {
    *(
        node.name
        for _, node in found(PRODUCT, ["@store"])
        if isinstance(node, ast.ClassDef) and "store" in names(node.decorator_list)
    ),
    "Guard",
}


def hides_a_fake(node: ast.AST) -> bool:
    """True for `cast(PageStore, …)` and for mocks, which mypy takes for a store."""
    if isinstance(node, ast.ImportFrom):
        return node.module == "unittest.mock"
    return (
        isinstance(node, ast.Call)
        and names([node.func]) == {"cast"}
        and bool(names(node.args[:1]) & STORES)
    )


def test_the_stores_are_found() -> None:
    assert {
        "ArchiveStore",
        "ArticleStore",
        "Books",
        "CommitStore",
        "CounterStore",
        "DaysStore",
        "FindingStore",
        "Guard",
        "LiveStore",
        "MachineStore",
        "PageStore",
        "SearchStore",
        "PortalStore",
        "ProjectionStore",
        "ReaderStore",
        "RecountStore",
        "SectionStore",
        "Store",
        "TrafficStore",
    } == STORES


def test_what_hides_a_fake_is_found() -> None:
    source = "from unittest.mock import Mock\ncast(PageStore, x)\ncast(Page, x)\nMock(PageStore)\n"
    assert [hides_a_fake(node) for node in ast.walk(ast.parse(source))].count(True) == 2


def test_each_fake_of_a_store_has_a_contract() -> None:
    """Where a store is wanted, mypy refuses what is neither a subclass nor hidden."""
    fakes = {name for _, name in subclasses(WITHOUT_SERVERS, STORES)}
    assert fakes - FAKES.keys() == set(), "write a contract, and a line in FAKES"
    assert [
        f"{file.relative_to(ROOT)}:{node.lineno}"  # type: ignore[attr-defined]
        for file, node in found(WITHOUT_SERVERS, ["cast(", "unittest.mock"])
        if hides_a_fake(node)
    ] == []


def test_each_contract_is_run_over_the_fake_and_over_another() -> None:
    for fake, contract in FAKES.items():
        runs = [file for file, _ in subclasses(("tests/unit", "tests/integration"), [contract])]
        assert len(runs) > 1, f"{contract} is run over one thing only"
        assert any(fake in names(nodes(file)) for file in runs), f"{contract} is not of {fake}"
