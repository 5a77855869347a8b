"""A run of the tests on several workers fails when one of them dies, whatever its tests have
said.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.system import ROOT

DIES_BEHIND_ITS_LAST_TEST = """
import os
import pytest

@pytest.fixture(scope="session")
def server():
    yield
    if {dies}:
        os._exit(1)

@pytest.mark.parametrize("number", range(4))
def test_passes(server, number):
    pass
"""


@pytest.mark.parametrize(
    ("dies", "status"), [(False, pytest.ExitCode.OK), (True, pytest.ExitCode.INTERNAL_ERROR)]
)
def test_a_worker_that_dies_behind_its_last_test_fails_the_run(
    tmp_path: Path, dies: bool, status: int
) -> None:
    toy = tmp_path / "test_toy.py"
    toy.write_text(DIES_BEHIND_ITS_LAST_TEST.format(dies=dies))
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "xdist.plugin",
        "--numprocesses",
        "2",
        "-p",
        "tests.conftest",
    ]
    command += ["--quiet", "--rootdir", str(ROOT), "-c", str(ROOT / "pyproject.toml"), str(toy)]
    run = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert run.returncode == status, run.stdout[-3000:] + run.stderr[-2000:]
    assert "4 passed" in run.stdout
