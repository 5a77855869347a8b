"""Which room may import what. Read from the source, so that an import inside a function counts too."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = {
    ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file
    for folder in ("services", "shared")
    for file in sorted((ROOT / folder).rglob("*.py"))
}
SERVICES = {"ingest", "render", "counter", "stats"}

PURE = {
    *(f"services.ingest.{name}" for name in ("article", "content", "media", "tokens", "visitors")),
    "services.render.pages",
    *(f"services.counter.{name}" for name in ("tally", "deliveries")),
    *(f"services.stats.{name}" for name in ("answers", "catalogue", "periods", "quarters", "questions", "tables")),
    *(f"shared.{name}" for name in ("batch", "clock", "errors", "events")),
}
DRIVERS = {"faststream", "aio_pika", "aiormq", "motor", "pymongo", "bson", "prometheus_client"}
MONGO = {"motor", "pymongo", "bson"}


def imports_in(source: str) -> Iterator[str]:
    """Every name that a module imports, such as `pymongo.errors.PyMongoError`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def imports(module: str) -> frozenset[str]:
    return frozenset(imports_in(MODULES[module].read_text()))


def top(name: str) -> str:
    return name.partition(".")[0]


def ours(module: str) -> set[str]:
    """The modules of ours that a module imports."""
    return {name if name in MODULES else name.rpartition(".")[0] for name in imports(module)} & MODULES.keys()


def reached(module: str) -> set[str]:
    """A module with all of ours that it imports, directly or not."""
    found, waiting = set(), [module]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += ours(name)
    return found


def test_the_rooms_are_all_there() -> None:
    assert {name.split(".")[1] for name in MODULES if name.startswith("services.")} == SERVICES
    assert MODULES.keys() >= PURE


def test_imports_are_found_wherever_they_stand() -> None:
    source = "import a.b, c\nfrom d.e import f\ndef late() -> None:\n    from g import h as i\n"
    assert list(imports_in(source)) == ["a.b", "c", "d.e.f", "g.h"]


@pytest.mark.parametrize("module", [name for name in MODULES if name.startswith("services.")])
def test_a_service_imports_no_other_service(module: str) -> None:
    service = module.split(".")[1]
    assert {name for name in imports(module) if top(name) == "services" and name.split(".")[1] != service} == set()


@pytest.mark.parametrize("module", [name for name in MODULES if top(name) == "shared"])
def test_what_is_shared_imports_no_service(module: str) -> None:
    assert {name for name in imports(module) if top(name) == "services"} == set()


@pytest.mark.parametrize("module", MODULES)
def test_nothing_imports_tests_or_tools(module: str) -> None:
    assert {top(name) for name in imports(module)} & {"tests", "deploy"} == set()


def test_the_events_need_nothing_but_pydantic() -> None:
    assert {top(name) for name in imports("shared.events")} - sys.stdlib_module_names == {"pydantic"}


@pytest.mark.parametrize("module", MODULES)
def test_mongodb_is_spoken_to_in_the_stores_alone(module: str) -> None:
    if module == "shared.mongo" or module.endswith(".store"):
        return
    errors_aside = {name for name in imports(module) if not name.startswith("pymongo.errors.")}
    assert {name for name in errors_aside if top(name) in MONGO} == set()


@pytest.mark.parametrize("module", sorted(PURE))
def test_domain_code_reaches_no_driver_not_even_through_others(module: str) -> None:
    found = {f"{place} imports {name}" for place in reached(module) for name in imports(place) if top(name) in DRIVERS}
    assert found == set()
