"""Answers that are shared for an instant, so that a crowd costs the database no more than one."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Recent(Generic[T]):
    """Keeps each answer until `seconds` after its making began. An error is told to those who wait, and not kept.

    Whoever asks in the second half of that time is answered at once, and has the next answer made meanwhile: while
    people ask, nobody waits for the database, unless it takes longer than that.
    """

    def __init__(self, seconds: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._monotonic = monotonic
        self._made: dict[Hashable, tuple[float, asyncio.Task[T]]] = {}
        self._next: dict[Hashable, tuple[float, asyncio.Task[T]]] = {}

    async def get(self, key: Hashable, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The answer under `key`: one that is being made or still young, else what `make()` answers."""
        now = self._monotonic()
        self._made, self._next = self._young(now, self._made), self._young(now, self._next)
        for name in [name for name, (_, task) in self._next.items() if name not in self._made or task.done()]:
            self._made[name] = self._next.pop(name)
        if key not in self._made:
            self._made[key] = (now, asyncio.create_task(make()))
        began, answer = self._made[key]
        if answer.done() and now - began > self._seconds / 2 and key not in self._next:
            coming = asyncio.create_task(make())
            coming.add_done_callback(_succeeded)  # its error is looked at even if nobody asks again
            self._next[key] = (now, coming)
        # A client that leaves must not take the answer from the others.
        return await asyncio.shield(answer)

    def _young(
        self, now: float, made: dict[Hashable, tuple[float, asyncio.Task[T]]]
    ) -> dict[Hashable, tuple[float, asyncio.Task[T]]]:
        return {
            name: (began, task)
            for name, (began, task) in made.items()
            if not task.done() or (now - began < self._seconds and _succeeded(task))
        }


def _succeeded(task: asyncio.Task[Any]) -> bool:
    return not task.cancelled() and task.exception() is None
