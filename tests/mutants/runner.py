"""Runs the tests of a module against its mutants, each in a forked process.

One pytest session collects the tests. A fork of it runs them once, to see which test reaches which
line. Then each mutant has a fork of its own, which runs the tests that reach its function, the
quickest first, and ends at the first failure.
"""

import gc
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from itertools import zip_longest
from pathlib import Path
from types import ModuleType
from typing import Any

import coverage
import hypothesis
import psutil
import pytest

from tests.mutants.operators import Mutant
from tests.mutants.swap import exchanged, living, span
from tests.support.sources import ROOT
from tests.unit.test_imports import MODULES, imports_in

SURVIVED, IMPORT, CRASH, LIMIT = "survived", "import", "crash", "time limit"
"""Verdicts; any other one is the test that failed. All but the first count as killed."""
AT_IMPORT = "import"
"""The coverage context of what runs while modules are imported."""
FOLDERS = tuple(
    f"{ROOT}/{name}/"
    for name in ("deploy", "luotdoc_events", "luotdoc_subscriber", "services", "shared", "tests")
)
CPU_SECONDS, TIMES = 5, 10
"""A mutant may use the CPU for so long, and for so many times what the unchanged module used."""
IDLE_SECONDS = 15
"""A mutant that waits for so long without using the CPU waits for ever."""
MEMORY_BYTES = 6 << 30
ALONE = ("-q", "--noconftest", "--capture=no", "-p", "no:cacheprovider")
"""No fixture of the servers' tests, which starts a process for each run."""


class Trial:
    """A pytest plugin: runs the collected tests against mutants of a module, not as they are."""

    def __init__(
        self,
        module: str,
        found: Sequence[Mutant],
        first: Sequence[str | None],
        tell: Callable[[str], None],
    ) -> None:
        """`first` is the test to begin with for each mutant of `found`, if known. The verdicts
        are told in the mutants' order.
        """
        self._module, self._mutants = module, list(zip(found, first, strict=True))
        self._tell = tell
        self._file = str(MODULES[module])
        self._source = MODULES[module].read_text()

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        """The same examples for each mutant, however slow; a failing one is not made smaller."""
        hypothesis.settings.register_profile(
            "mutants",
            derandomize=True,
            deadline=None,
            database=None,
            suppress_health_check=list(hypothesis.HealthCheck),
            phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
        )
        hypothesis.settings.load_profile("mutants")

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Judge each mutant, and tell its verdict."""
        self._stale = _dependents(self._module)
        self._living = living(self._file)
        gc.collect()
        gc.freeze()  # what the collector touches would be copied in each fork
        seen = _forked(lambda: self._look(session), 3600)
        assert isinstance(seen, dict), f"{self._module} unchanged: {seen}"
        assert seen["failed"] is None, f"{self._module} unchanged: {seen['failed']} fails"
        self._seconds: dict[str, float] = seen["seconds"]
        self._lines = {int(line): set(tests) for line, tests in seen["lines"].items()}
        limit = CPU_SECONDS + int(TIMES * sum(self._seconds.values()))
        for mutant, first in self._mutants:
            self._tell(self._judge(session, mutant, first, limit))
        return True

    def _judge(self, session: pytest.Session, mutant: Mutant, first: str | None, limit: int) -> str:
        """A name of the verdicts above, or the test that fails."""
        body = span(self._source, mutant.line)
        reaching = {test for line in body for test in self._lines.get(line, ())}
        verdict = None
        if body:
            chosen = [item for item in session.items if item.nodeid in reaching]
            work = partial(self._exchange, mutant, self._sorted(chosen, first))
            verdict = _forked(work, limit)
        if verdict is None or (verdict == SURVIVED and AT_IMPORT in reaching):
            verdict = _forked(partial(self._import, session, mutant.source, first), limit)
        return str(verdict)

    def _sorted(self, items: list[pytest.Item], first: str | None) -> list[pytest.Item]:
        def cost(item: pytest.Item) -> tuple[bool, float]:
            return item.nodeid != first, self._seconds.get(item.nodeid, 0.0)

        return sorted(items, key=cost)

    def _exchange(self, mutant: Mutant, items: list[pytest.Item]) -> str | None:
        """The verdict on a mutant whose code is exchanged; None if it has to be imported."""
        before, after = (compile(text, "", "exec") for text in (self._source, mutant.source))
        return _run(items) if exchanged(self._living, before, after) else None

    def _import(self, session: pytest.Session, source: str, first: str | None) -> str:
        """The verdict on a mutant that is imported, with all that imports its module."""
        self._collect(session, source)
        return IMPORT if session.testsfailed else _run(self._sorted(session.items, first))

    def _collect(self, session: pytest.Session, source: str) -> None:
        sys.meta_path.insert(0, _Mutated(self._module, self._file, source))
        for name in self._stale:
            parent, _, child = name.rpartition(".")
            del sys.modules[name]
            if parent in sys.modules and hasattr(sys.modules[parent], child):
                delattr(sys.modules[parent], child)
        session.perform_collect()

    def _look(self, session: pytest.Session) -> dict[str, object]:
        """What each test costs and reaches, unchanged, imported as a mutant is."""
        seconds = {}
        measured = coverage.Coverage(config_file=False, data_file=None, include=[self._file])
        with measured.collect():
            measured.switch_context(AT_IMPORT)
            self._collect(session, self._source)
            for item in session.items:
                measured.switch_context(item.nodeid)
                began = time.process_time()
                if (failed := _run([item])) != SURVIVED:
                    return {"failed": failed}
                seconds[item.nodeid] = time.process_time() - began
        reached = measured.get_data().contexts_by_lineno(self._file)
        return {"failed": None, "seconds": seconds, "lines": reached}


class _Mutated(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the mutant for the module's name."""

    def __init__(self, module: str, file: str, source: str) -> None:
        self._module, self._file, self._source = module, file, source

    def find_spec(
        self, name: str, _path: object, _target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != self._module:
            return None
        return importlib.util.spec_from_file_location(name, self._file, loader=self)

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self._source, str(module.__file__), "exec"), module.__dict__)


def _run(items: Sequence[pytest.Item]) -> str:
    """The first test that fails, or SURVIVED."""
    for item, following in zip_longest(items, items[1:]):
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if item.session.testsfailed:
            return item.nodeid
    return SURVIVED


def _dependents(module: str) -> list[str]:
    """The imported modules of this repository that import `module`, directly or not."""
    ours = {
        name: set(imports_in(Path(file).read_text()))
        for name, each in sys.modules.items()
        if (file := getattr(each, "__file__", None) or "").startswith(FOLDERS)
    }
    found = {module}
    while more := {
        name
        for name in ours.keys() - found
        if {*ours[name], *(each.rpartition(".")[0] for each in ours[name])} & found
    }:
        found |= more
    return sorted(found & sys.modules.keys())


def _forked(work: Callable[[], object], limit: int) -> Any:
    """What `work` returns in a fork of this process, LIMIT, or CRASH for another signal."""
    with tempfile.TemporaryFile("w+") as file:
        child = os.fork()
        if not child:
            try:
                resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
                resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
                json.dump(work(), file)
                file.flush()
                os._exit(0)
            except BaseException:
                traceback.print_exc(file=sys.stdout)
                sys.stdout.flush()
            os._exit(1)
        ended = _ended(child)
        file.seek(0)
        text = file.read()
    if ended in (signal.SIGXCPU, signal.SIGKILL):
        return LIMIT
    if ended:
        return CRASH
    assert text, "a fault of the runner"
    return json.loads(text)


def _ended(child: int) -> int:
    """Wait for a process, and end it if it waits for ever; the signal that ended it, or 0."""
    process = psutil.Process(child)
    used, since = 0.0, time.monotonic()
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        now = sum(process.cpu_times()[:2])
        if now > used or process.status() == psutil.STATUS_RUNNING:
            used, since = now, time.monotonic()
        if time.monotonic() - since > IDLE_SECONDS:
            process.kill()
        time.sleep(0.002)
