"""`make mutants`: the share of wrong changes in pure modules that tests without servers notice."""

import ast
import hashlib
import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from luotdoc_subscriber.base.command import Command
from tests.mutants.operators import Mutant, mutants
from tests.mutants.runner import killed
from tests.support.system import ROOT
from tests.unit.test_imports import MODULES, PURE, imports_in

KEPT = ROOT / ".local/mutants.jsonl"
"""Verdicts of earlier runs; a run goes on behind them while sources and tests are the same."""
EQUIVALENT = ROOT / "tests/mutants/equivalent.json"
"""Mutants that no test can notice, by module: the change and the reason."""
FOLDERS = ("unit", "property", "contract")
LIBRARIES = (
    "aio_pika", "fastapi", "faststream.rabbit", "httpx", "hypothesis", "jinja2", "jsonschema",
    "lxml.html", "motor.motor_asyncio", "nh3", "PIL.Image", "prometheus_client",
    "pydantic_settings", "pymongo", "uvicorn", "crawleruseragents", "yaml",
)  # fmt: skip


def tests_of(module: str) -> list[str]:
    """The test files that import a module, else those that import one that imports it."""
    files = [path for folder in FOLDERS for path in sorted((ROOT / "tests" / folder).glob("t*.py"))]

    def importing(names: set[str]) -> list[str]:
        return [str(path.relative_to(ROOT)) for path in files if _imported(path) & names]

    users = {name for name, path in MODULES.items() if module in _imported(path)}
    return importing({module}) or importing(users)


def _imported(path: Path) -> set[str]:
    names = set(imports_in(path.read_text()))
    return names | {name.rpartition(".")[0] for name in names}


def _key(module: str, tests: list[str], mutant: Mutant) -> str:
    parts = [MODULES[module].read_text(), *((ROOT / test).read_text() for test in tests)]
    return hashlib.sha256("\0".join([*parts, mutant.source]).encode()).hexdigest()[:24]


def _kept() -> dict[str, bool]:
    if not KEPT.exists():
        return {}
    return dict(json.loads(line) for line in KEPT.read_text().splitlines())


def verdicts(module: str, every: int) -> Iterator[tuple[Mutant, bool]]:
    """Each mutant of a module that is not known as equivalent, and whether a test notices it."""
    tests, kept = tests_of(module), _kept()
    equal = {entry["change"] for entry in json.loads(EQUIVALENT.read_text()).get(module, [])}
    source = MODULES[module].read_text()
    lines = source.splitlines()
    found = [m for m in mutants(source) if f"{lines[m.line - 1].strip()} | {m.name}" not in equal]
    assert not killed(module, ast.unparse(ast.parse(source)), tests), f"{tests} fail unchanged"
    for number, mutant in enumerate(found[::every], 1):
        key = _key(module, tests, mutant)
        if key not in kept:
            kept[key] = killed(module, mutant.source, tests)
            with KEPT.open("a") as file:
                file.write(json.dumps([key, kept[key]]) + "\n")
        print(f"\r{module}: {number}/{len(found[::every])}", end="", file=sys.stderr, flush=True)
        yield mutant, kept[key]
    print("\r", end="", file=sys.stderr)


def main() -> None:
    """Print each module's figure, its survivors, and the figure of all."""
    command = Command(prog="python -m tests.mutants", description=__doc__)
    command.add_argument("modules", nargs="*", metavar="MODULE", help="default: all pure modules")
    command.add_argument("--every", type=int, default=1, help="only each n-th mutant of a module")
    arguments = command.parse_args()
    for library in LIBRARIES:
        importlib.import_module(library)
    KEPT.parent.mkdir(exist_ok=True)
    ours = [name for name in sys.modules if name in MODULES]
    for name in ours:  # each child imports its own
        del sys.modules[name]
    noticed = tried = 0
    for module in arguments.modules or sorted(PURE):
        judged = list(verdicts(module, max(1, arguments.every)))
        survivors = [mutant for mutant, dead in judged if not dead]
        noticed, tried = noticed + len(judged) - len(survivors), tried + len(judged)
        print(f"{module}: {len(judged) - len(survivors)} of {len(judged)}", flush=True)
        for mutant in survivors:
            print(f"    line {mutant.line}: {mutant.name}", flush=True)
    print(f"{noticed} of {tried} mutants were noticed: {100 * noticed / max(1, tried):.1f} %")


if __name__ == "__main__":
    main()
