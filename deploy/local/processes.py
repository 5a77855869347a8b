"""Processes that belong to a folder.

Whatever is started here carries its folder in one environment variable, which its children inherit.
So a process of ours is found again in any state: after it made itself a daemon, as Erlang's port
mapper does, or after a runner that was killed. A recycled process id is never mistaken for one of
ours.
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
    """Start `command` for `folder` (and there, or in `cwd`), with its output appended to `log`.

    It gets a session of its own, and so no Ctrl-C of the terminal: its end is ours to order. Raises
    OSError when it cannot be started.
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
    """True when a process with this `environment` was started for `folder` or for a folder inside
    it.
    """
    mark = environment.get(_MARK)
    return mark is not None and Path(mark).is_relative_to(folder)


def owned(folder: Path) -> list[psutil.Process]:
    """The living processes of `folder` and of the folders inside it."""
    found = []
    for process in psutil.process_iter():
        try:
            if belongs(process.environ(), folder):
                found.append(process)
        except (psutil.Error, OSError):
            continue  # it has just ended, or is another user's
    return found


def terminate(processes: Iterable[psutil.Process], seconds: float) -> None:
    """Ask `processes` to end (SIGTERM), all at once; after `seconds` end those that are left
    (SIGKILL).
    """
    processes = list(processes)
    for process in processes:
        _signal(process.resume)  # a stopped process cannot act on SIGTERM
        _signal(process.terminate)
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    for process in alive:
        _signal(process.kill)
    psutil.wait_procs(alive, timeout=seconds)


def sweep(folder: Path, seconds: float = 10.0) -> int:
    """Kill what is left of `folder`; returns how many processes that were.

    Looks again until none is found, because a dying process may just have started another. Raises
    TimeoutError when some are still there after `seconds`.
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
