"""Answers that are shared for an instant, so that a crowd costs the database no more than one."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Recent(Generic[T]):
    """Keeps each answer until `seconds` after its making began. An error is told to those who wait, and not kept."""

    def __init__(self, seconds: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._monotonic = monotonic
        self._made: dict[Hashable, tuple[float, asyncio.Task[T]]] = {}

    async def get(self, key: Hashable, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The answer under `key`: one that is being made or still young, else what `make()` answers."""
        now = self._monotonic()
        self._made = {
            k: (began, task)
            for k, (began, task) in self._made.items()
            if not task.done() or (now - began < self._seconds and _succeeded(task))
        }
        if key not in self._made:
            self._made[key] = (now, asyncio.create_task(make()))
        # A client that leaves must not take the answer from the others.
        return await asyncio.shield(self._made[key][1])


def _succeeded(task: asyncio.Task[Any]) -> bool:
    return not task.cancelled() and task.exception() is None
