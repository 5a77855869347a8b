"""Runs tests against a mutant in a forked process, which imports the mutant for the module.

The parent has imported pytest and the libraries, so a mutant costs the import of our modules and
the tests that import its module.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import os
import resource
import signal
import sys
import time
from collections.abc import Sequence
from types import ModuleType

import pytest

TIMEOUT_SECONDS = 60
"""CPU time and, times four, wall time after which a mutant counts as killed: it loops."""


class _Mutated(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def __init__(self, module: str, source: str) -> None:
        self._module, self._source = module, source

    def find_spec(
        self, name: str, _path: object, _target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        return importlib.util.spec_from_loader(name, self) if name == self._module else None

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self._source, f"<mutant of {self._module}>", "exec"), module.__dict__)


def killed(module: str, source: str, tests: Sequence[str]) -> bool:
    """True if a test fails, or can't be collected, with `source` as the module."""
    child = os.fork()
    if not child:
        _run(module, source, tests)
    until = time.monotonic() + 4 * TIMEOUT_SECONDS
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status != 0
        if time.monotonic() > until:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.01)


def _run(module: str, source: str, tests: Sequence[str]) -> None:
    status = 1
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (TIMEOUT_SECONDS, TIMEOUT_SECONDS))
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 1)
        os.dup2(silent, 2)
        sys.meta_path.insert(0, _Mutated(module, source))
        status = int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", *tests]))
    finally:
        os._exit(status)
