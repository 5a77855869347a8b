"""`python -m tests.support.reaper FOLDER`: ends what a test run leaves behind, however the run
ended.

A run starts one and holds the other end of its standard input. When that closes (the run has ended,
or was killed by a signal that nothing can catch), the reaper kills each process that carries a mark
of FOLDER, and ends. With `--worker` it also watches the parent of the run, xdist's controller: a
worker that outlives it is ended as well.
"""

import argparse
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from deploy.local import processes

MARK = "LOCAL_STACK_FOLDER"
"""What `deploy.local.processes` finds its processes by; what a test starts by itself inherits it.
"""
LOOK_SECONDS = 0.5


@contextmanager
def reaping(folder: Path, worker: bool) -> Iterator[None]:
    """While inside, and until all is swept behind it, a reaper watches this process."""
    told = {
        name: value for name, value in os.environ.items() if name != MARK
    }  # it must not find itself
    command = [
        sys.executable,
        "-m",
        "tests.support.reaper",
        str(folder),
        *(["--worker"] if worker else []),
    ]
    # A session of its own: Ctrl-C and a closed terminal are for the run, not for it.
    watcher = subprocess.Popen(
        command,
        cwd=Path(__file__).parents[2],
        env=told,
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    before = os.environ.get(MARK)
    os.environ[MARK] = str(folder)
    try:
        yield
    finally:
        os.environ.pop(MARK)
        if before is not None:
            os.environ[MARK] = before
        watcher.communicate()


def watch(folder: Path, worker: bool) -> None:
    """Return when the run has ended and nothing of it is left."""
    run = psutil.Process(os.getppid())
    controller = run.ppid()
    while not select.select([sys.stdin], [], [], LOOK_SECONDS)[0]:
        with suppress(psutil.NoSuchProcess):
            if worker and run.ppid() != controller:
                run.kill()
    processes.sweep(folder)


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--worker", action="store_true")
    asked = parser.parse_args()
    watch(asked.folder, asked.worker)
