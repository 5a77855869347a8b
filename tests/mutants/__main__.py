"""`make mutants`: the share of wrong changes in pure modules that the unit tests notice."""

import importlib
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path

import pytest

from luotdoc_subscriber.base.command import Command
from tests.mutants.operators import Mutant, mutants
from tests.mutants.runner import ALONE, CRASH, IMPORT, LIMIT, SURVIVED, Trial
from tests.support.sources import ROOT, modules
from tests.unit.test_imports import MODULES, PURE, imports_in

KEPT = ROOT / ".local/mutants.json"
"""The test that killed each mutant of earlier runs, which is tried first."""
EQUIVALENT = ROOT / "tests/mutants/equivalent.json"
"""Mutants that no test can notice, by module: the change and the reason."""
FOLDERS = ("unit", "property")
LIBRARIES = (
    "aio_pika", "fastapi", "faststream.rabbit", "httpx", "hypothesis", "jinja2", "jsonschema",
    "lxml.html", "motor.motor_asyncio", "nh3", "PIL.Image", "prometheus_client",
    "pydantic_settings", "pymongo", "uvicorn", "crawleruseragents", "yaml",
)  # fmt: skip


def files_for(module: str, steps: int) -> list[str]:
    """The test files that import a module in at most `steps` steps, else in as few as there are.

    A module of ours, or of tests/support, that imports the module is a step.
    """
    files = [path for folder in FOLDERS for path in sorted((ROOT / "tests" / folder).glob("t*.py"))]
    between = MODULES | modules("tests/support")
    names, before = {module}, set[str]()
    found: list[Path] = []
    while names != before and (steps >= 0 or not found):
        found = [path for path in files if _imported(path) & names]
        before, steps = names, steps - 1
        names = names | {name for name, path in between.items() if names & _imported(path)}
    return [str(path.relative_to(ROOT)) for path in found]


@cache
def _imported(path: Path) -> set[str]:
    names = set(imports_in(path.read_text()))
    return names | {name.rpartition(".")[0] for name in names}


def chosen(module: str, every: int) -> list[Mutant]:
    """Each n-th mutant of a module, without those that are known as equivalent."""
    equal = {entry["change"] for entry in json.loads(EQUIVALENT.read_text()).get(module, [])}
    source = MODULES[module].read_text()
    lines = source.splitlines()
    return [
        mutant
        for mutant in mutants(source)
        if f"{lines[mutant.line - 1].strip()} | {mutant.name}" not in equal
    ][::every]


def verdicts(
    module: str, found: list[Mutant], first: list[str | None], tests: list[str]
) -> Iterator[str]:
    """The verdict on each mutant, from a process of its own: modules are imported there."""
    if not tests:
        yield from (SURVIVED for _ in found)
        return
    reader, writer = os.pipe()
    with tempfile.TemporaryFile("w+") as output:
        child = os.fork()
        if not child:
            status = 1
            try:
                os.close(reader)
                os.dup2(output.fileno(), 1)
                with os.fdopen(writer, "w", buffering=1) as telling:
                    trial = Trial(module, found, first, lambda each: print(each, file=telling))
                    status = pytest.main([*ALONE, *tests], plugins=[trial])
            finally:
                os._exit(status)
        os.close(writer)
        with os.fdopen(reader) as told:
            yield from (line.rstrip("\n") for line in told)
        if status := os.waitpid(child, 0)[1]:
            output.seek(0)
            raise SystemExit(f"{output.read()}\n{module}: its tests didn't run, status {status}")


def judged(module: str, every: int) -> list[tuple[Mutant, str]]:
    """The mutants of a module and their verdicts; shows on stderr how far it is.

    Survivors of the tests that import the module are tried against those a step further.
    """
    found = chosen(module, every)
    killers = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    keys = {each: sha256(f"{module}\0{each.source}".encode()).hexdigest()[:16] for each in found}
    results = dict.fromkeys(found, SURVIVED)
    for steps in (0, 1):
        left = [mutant for mutant in found if results[mutant] == SURVIVED]
        tests = files_for(module, steps)
        if not left or (steps and tests == files_for(module, 0)):
            break
        told = verdicts(module, left, [killers.get(keys[mutant]) for mutant in left], tests)
        for number, (mutant, verdict) in enumerate(zip(left, told, strict=True), 1):
            results[mutant] = killers[keys[mutant]] = verdict
            print(f"\r{module}: {number}/{len(left)}", end="", file=sys.stderr, flush=True)
            KEPT.write_text(json.dumps(killers))
    print("\r", end="", file=sys.stderr)
    return list(results.items())


def main() -> None:
    """Print each module's figure, its survivors, and the figure of all."""
    command = Command(prog="python -m tests.mutants", description=__doc__)
    command.add_argument("modules", nargs="*", metavar="MODULE", help="default: all pure modules")
    command.add_argument("--every", type=int, default=1, help="only each n-th mutant of a module")
    arguments = command.parse_args()
    for library in LIBRARIES:
        importlib.import_module(library)
    KEPT.parent.mkdir(exist_ok=True)
    total: Counter[str] = Counter()
    for module in arguments.modules or sorted(PURE):
        results = judged(module, max(1, arguments.every))
        number = Counter(_kind(verdict) for _, verdict in results)
        print(f"{module}: {_killed(number)}", flush=True)
        for mutant, verdict in results:
            if verdict in (SURVIVED, CRASH, LIMIT):
                print(f"    line {mutant.line}: {mutant.name}: {verdict}", flush=True)
        total += number
    share = 100 * (total.total() - total[SURVIVED]) / max(1, total.total())
    print(f"{_killed(total)}: {share:.1f} %")


def _kind(verdict: str) -> str:
    return verdict if verdict in (SURVIVED, IMPORT, CRASH, LIMIT) else "test"


def _killed(number: Counter[str]) -> str:
    reasons = ", ".join(f"{kind} {number[kind]}" for kind in ("test", IMPORT, CRASH, LIMIT))
    return f"{number.total() - number[SURVIVED]} of {number.total()} mutants killed ({reasons})"


if __name__ == "__main__":
    main()
