"""Ends a process by SIGKILL at a step that was chosen before it started."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

from pymongo import monitoring
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

from tests.oracle.clock import NOBODY, SharedClock

WRITE = "write"
STAGES = ("folded", "committed", "acked", "found", "added", "deleted", "moved")
"""Those of a counter (`services.counter.stages`)."""
_WRITES = {"update", "delete", "insert", "commitTransaction"}


class Doom(CommandListener):
    """`name` and `step`: the process ends when it reaches `name` for the time `step`, counted from
    0. `WRITE` is reached before each statement that writes to the database, and after its answer.
    """

    def __init__(self, name: str, step: int, mortal: Callable[[], bool]) -> None:
        self._name, self._left, self._mortal = name, step, mortal

    def reach(self, name: str) -> None:
        """The process is at `name`."""
        if name != self._name or not self._mortal():
            return
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self._left -= 1

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name in _WRITES:
            self.reach(WRITE)

    def succeeded(self, event: CommandSucceededEvent) -> None:
        if event.command_name in _WRITES:
            self.reach(WRITE)

    def failed(self, event: CommandFailedEvent) -> None:
        """An error is no step."""


def clock_and_doom(from_: int = NOBODY + 1) -> tuple[SharedClock, Doom]:
    """The run's clock, and what was chosen for this process, which may be killed from `from_` on.
    To be called before it connects.
    """
    clock = SharedClock(Path(os.environ["LUOTDOC_ORACLE_CLOCK"]))
    name, _, step = os.environ.get("LUOTDOC_ORACLE_DOOM", "").partition(" ")
    doom = Doom(name, int(step or 0), lambda: clock.mortal >= from_)
    monitoring.register(doom)
    return clock, doom
