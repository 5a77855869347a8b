"""A test run that is ended by a signal leaves no process behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from deploy.local import processes
from tests.support.reaper import MARK
from tests.support.system import ROOT

SERVERS = {"mongod", "beam.smp", "epmd", "sleep"}
INNER = """
import subprocess, time
from pathlib import Path

def test_that_is_ended(request, tmp_path):
    for server in {fixtures}:
        request.getfixturevalue(server)
    subprocess.Popen(["sleep", "600"])  # as a service of the system under test
    # one that made itself a daemon
    subprocess.Popen(["sh", "-c", "setsid sleep 600 & exit"]).wait()
    Path({ready!r}).touch()
    time.sleep(600)
"""


def run(folder: Path, fixtures: list[str], *options: str) -> "subprocess.Popen[bytes]":
    """Start a run with a test that never ends, and wait until its processes are there."""
    inner, ready = folder / "test_inner.py", folder / "ready"
    inner.write_text(INNER.format(fixtures=fixtures, ready=str(ready)))
    told = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", MARK))
    }
    command = [
        sys.executable,
        "-m",
        "pytest",
        f"--basetemp={folder / 'base'}",
        "-p",
        "tests.conftest",
    ]
    log = (folder / "log").open("wb")
    pytest_run = subprocess.Popen(
        [*command, *options, f"--rootdir={ROOT}", f"-c{ROOT / 'pyproject.toml'}", str(inner)],
        cwd=ROOT, env=told, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
        start_new_session=True,
    )  # fmt: skip
    log.close()
    deadline = time.monotonic() + 90
    while not ready.exists():
        assert pytest_run.poll() is None, (folder / "log").read_text()
        assert time.monotonic() < deadline, (folder / "log").read_text()
        time.sleep(0.1)
    return pytest_run


def names(folder: Path) -> set[str]:
    """The programs that run for `folder`."""
    found = set()
    for process in processes.owned(folder / "base"):
        try:
            found.add(process.name())
        except psutil.NoSuchProcess:
            continue
    return found


def assert_gone(folder: Path, pytest_run: "subprocess.Popen[bytes]") -> None:
    """Nothing is left some seconds later, nor the run itself."""
    try:
        pytest_run.wait(30)
        deadline = time.monotonic() + 30
        while left := names(folder):
            assert time.monotonic() < deadline, left
            time.sleep(0.1)
    finally:
        pytest_run.kill()
        processes.sweep(folder / "base")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_a_run_that_is_ended_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    pytest_run = run(tmp_path, [])
    assert names(tmp_path) >= {"sleep"}  # and for a moment the daemon's setsid
    pytest_run.send_signal(number)
    assert_gone(tmp_path, pytest_run)


@pytest.mark.long
def test_workers_whose_controller_is_ended_leave_nothing(tmp_path: Path) -> None:
    pytest_run = run(tmp_path, ["broker", "database"], "-p", "xdist.plugin", "-n1")
    assert names(tmp_path) >= SERVERS
    pytest_run.send_signal(signal.SIGTERM)
    assert_gone(tmp_path, pytest_run)


@pytest.mark.long
def test_a_worker_that_is_killed_leaves_nothing(tmp_path: Path) -> None:
    pytest_run = run(tmp_path, ["database"], "-p", "xdist.plugin", "-n1", "--max-worker-restart=0")
    assert names(tmp_path) >= {"mongod", "sleep"}
    (worker,) = psutil.Process(pytest_run.pid).children()
    worker.kill()
    assert_gone(tmp_path, pytest_run)
