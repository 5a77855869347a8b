"""Processes that belong to a folder.

Each process that is started here has its folder in an environment variable, which its children
inherit. So it is found again after it has become a daemon, as Erlang's port mapper does, and after
its runner was killed. A process of somebody else that got the same process id is never taken for
one of ours.
"""

import contextlib
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import psutil

_MARK = "LOCAL_STACK_FOLDER"


def spawn(
    command: list[str],
    environment: Mapping[str, str],
    folder: Path,
    log: Path,
    cwd: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` as a process of `folder`, with its output appended to `log`. Its working
    directory is `cwd`, by default the folder.

    It gets a session of its own, so that Ctrl-C in the terminal does not reach it: the runner stops
    the processes in their right order. Raises OSError if it can't be started.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            cwd=cwd or folder,
            env={**environment, _MARK: str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def belongs(environment: Mapping[str, str], folder: Path) -> bool:
    """True if a process with this `environment` was started for `folder` or a folder inside it."""
    mark = environment.get(_MARK)
    return mark is not None and Path(mark).is_relative_to(folder)


def owned(folder: Path) -> list[psutil.Process]:
    """The running processes of `folder` and of the folders inside it."""
    found = []
    for process in psutil.process_iter():
        try:
            if belongs(process.environ(), folder):
                found.append(process)
        except (psutil.Error, OSError):
            continue  # it has just ended, or is another user's
    return found


def terminate(processes: Iterable[psutil.Process], seconds: float) -> None:
    """Send SIGTERM to all `processes`, and after `seconds` SIGKILL to those that still run."""
    processes = list(processes)
    for process in processes:
        _signal(process.resume)  # a paused process does not act on SIGTERM
        _signal(process.terminate)
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    for process in alive:
        _signal(process.kill)
    psutil.wait_procs(alive, timeout=seconds)


def sweep(folder: Path, seconds: float = 10.0) -> int:
    """Kill all processes of `folder`. Returns their number.

    Looks again until none is found, because a process may have started another one before it died.
    Raises TimeoutError if some still run after `seconds`.
    """
    killed = set()
    deadline = time.monotonic() + seconds
    while found := owned(folder):
        if time.monotonic() > deadline:
            raise TimeoutError(
                f"processes of {folder} do not end: {[process.pid for process in found]}"
            )
        for process in found:
            _signal(process.kill)
            killed.add(process.pid)
        psutil.wait_procs(found, timeout=1)
    return len(killed)


def _signal(send: Callable[[], None]) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        send()
