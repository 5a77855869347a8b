"""A clock of our own for tests of timers: the event loop jumps to the next timer instead of
waiting for it.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any

TURNS = 50_000
"""Upper bound for the loop's turns at one moment; with more of them a task spins."""


class JumpingLoop(asyncio.SelectorEventLoop):
    """A loop whose time passes only when nothing is left to do, and then at once."""

    def __init__(self) -> None:
        self.passed = 0.0
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        return self.passed


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self, loop: JumpingLoop) -> None:
        super().__init__()
        self._jumping = loop
        self._turns = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        assert timeout is not None, "nothing will ever happen any more"
        self._turns = 0 if timeout > 0 else self._turns + 1
        assert self._turns < TURNS, "a task spins: no time passes any more"
        self._jumping.passed += timeout
        return super().select(0)


def play(scene: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a test on such a loop, which begins at 0 seconds."""
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        runner.run(scene())
