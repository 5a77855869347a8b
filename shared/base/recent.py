"""A single-flight cache: callers that ask the same within a moment share one query to the database."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

T = TypeVar("T")

LATE = 4
"""How many times as old an answer may become while the next one is being made."""


class Recent(Generic[T]):
    """Keeps each answer until `seconds` after its making began. An error is told to those who wait, and not kept.

    With `ahead`, whoever asks in the second half of that time is answered at once, and has the next answer made
    meanwhile: while people ask, nobody waits for the database. If that is slow, the old answer goes on, up to `LATE`
    times `seconds`. It costs up to twice as many looks, so it is for cheap ones.
    """

    def __init__(self, seconds: float, monotonic: Callable[[], float] = time.monotonic, *, ahead: bool = False) -> None:
        self._seconds = seconds
        self._monotonic = monotonic
        self._ahead = ahead
        self._made: dict[Hashable, tuple[float, asyncio.Task[T]]] = {}
        self._next: dict[Hashable, tuple[float, asyncio.Task[T]]] = {}

    async def get(self, key: Hashable, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The answer under `key`: one that is being made or still young, else what `make()` answers."""
        now = self._monotonic()
        self._tidy(now)
        if key not in self._made:
            self._made[key] = (now, asyncio.create_task(make()))
        began, answer = self._made[key]
        if self._ahead and answer.done() and now - began > self._seconds / 2 and key not in self._next:
            coming = asyncio.create_task(make())
            coming.add_done_callback(_succeeded)  # its error is looked at even if nobody asks again
            self._next[key] = (now, coming)
        # A client that leaves must not take the answer from the others.
        return await asyncio.shield(answer)

    def _tidy(self, now: float) -> None:
        """Put what was made ahead in its place, and forget what is too old or has failed."""
        for name, (began, task) in list(self._next.items()):
            if task.done():
                del self._next[name]
                if _succeeded(task):
                    self._made[name] = (began, task)
        for name, (began, task) in list(self._made.items()):
            longest = self._seconds * (LATE if name in self._next else 1)
            if task.done() and not (_succeeded(task) and now - began < longest):
                del self._made[name]
                if name in self._next:
                    self._made[name] = self._next.pop(name)


def _succeeded(task: asyncio.Task[Any]) -> bool:
    return not task.cancelled() and task.exception() is None
