"""The runner of `make mutants` is right about changes whose verdict is known."""

import json
import subprocess
import sys

from tests.mutants.__main__ import files_for
from tests.mutants.operators import mutants
from tests.support.sources import ROOT
from tests.unit.test_imports import MODULES

MODULE = "services.stats.traffic.windows"
QUICK = ["tests/unit/test_traffic_trends.py", "tests/unit/test_traffic_windows.py"]
"""Of the files that import it. The limit of a mutant that never ends is ten times what the tests
take.
"""
JUDGE = """
import json, sys
from tests.mutants.__main__ import verdicts
from tests.mutants.operators import Mutant
found = [Mutant(*each) for each in json.load(sys.stdin)]
module, *files = sys.argv[1:]
print(json.dumps(list(verdicts(module, found, [None] * len(found), files))))
"""


def test_no_change_survives_and_a_gutted_function_does_not() -> None:
    assert set(QUICK) <= set(files_for(MODULE, 0))
    source = MODULES[MODULE].read_text()
    line = "    return hour_start(quarter_of(now - CLOSED), zone)\n"
    number = source[: source.index(line)].count("\n") + 1

    def changed(text: str) -> list[object]:
        return [number, "", source.replace(line, text)]

    sources = [
        changed(line),
        changed("    return None\n"),
        changed("    while True:\n        pass\n"),
        [1, "", source],  # imported anew
        [1, "", source.replace("NEVER = 1 << 40", "NEVER = 1 << 4")],
        [1, "", "raise RuntimeError\n"],
    ]
    output = subprocess.run(
        [sys.executable, "-c", JUDGE, MODULE, *QUICK],
        input=json.dumps(sources),
        cwd=ROOT,
        check=True,
        text=True,
        stdout=subprocess.PIPE,
    ).stdout
    same, gutted, endless, again, constant, broken = json.loads(output)
    assert (same, again) == ("survived", "survived")
    assert gutted.startswith("tests/")
    assert (endless, broken) == ("time limit", "import")
    assert constant.startswith("tests/")


def test_a_type_variable_is_not_changed() -> None:
    assert mutants('T = TypeVar("T", bound=Data, covariant=True)\n') == []


def test_tests_that_are_one_import_further_are_found_through_tests_support_too() -> None:
    nearest, wider = (files_for("luotdoc_subscriber.decision", steps) for steps in (0, 1))
    assert set(nearest) < set(wider)
    assert "tests/unit/test_subscriber_testing.py" in wider  # imports tests/support/verdict_cases
