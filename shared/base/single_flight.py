"""A single-flight cache: callers that ask the same within a moment share one query to the
database.
"""

import asyncio
import math
import time
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")

LONGEST_REST = 0.6
"""Share of an answer's time after which the rest has ended."""
LATE = 4
"""Factor by which an answer may outlive its time while the next one is being made."""


@dataclass(eq=False)
class _Cached(Generic[T]):
    task: asyncio.Task[T]
    begun: float
    ended: float = math.inf
    """Moment at which it was made or failed; never, while it is being made."""


class SingleFlightCache(Generic[T]):
    """A single-flight cache with a time to live: `seconds`, from the end of making the answer.
    From its start, an answer that takes longer than that to make would never be used twice.

    An error is raised for all callers that wait, and not cached.

    With `ahead` a call in the second half of that time, or `ahead_after` seconds after the making,
    is answered from the cache and starts the next query in the background, so no caller waits for
    the database. If that query is slow, the old answer is used for up to `LATE` times `seconds`.
    This costs up to twice as many queries, or one each `ahead_after` seconds, so use it for cheap
    ones. With `rest` the next query begins at the earliest after `rest` times as long as the last
    one took, or after `LONGEST_REST` of `seconds`, so that no caller waits for it: while the
    database or the processor is busy, there are fewer.
    """

    def __init__(
        self,
        seconds: float,
        monotonic: Callable[[], float] = time.monotonic,
        *,
        ahead: bool = False,
        ahead_after: float | None = None,
        rest: float = 0.0,
    ) -> None:
        self._seconds = seconds
        self._ahead_after = seconds / 2 if ahead_after is None else ahead_after
        self._monotonic = monotonic
        self._ahead, self._rest = ahead, rest
        self._made: dict[Hashable, _Cached[T]] = {}
        self._next: dict[Hashable, _Cached[T]] = {}

    async def get(
        self, key: Hashable, make: Callable[[], Coroutine[Any, Any, T]], *, changed: bool = False
    ) -> T:
        """The answer for `key`: the cached one, the one being made, or a new one from `make()`.

        With `changed` a cached one is known to be outdated: it is answered, and the next one is
        made ahead after its `rest`, without waiting for `ahead_after`.
        """
        now = self._monotonic()
        self._tidy(now)
        if key not in self._made:
            self._made[key] = self._start(make)
        answer = self._made[key]
        pause = self._pause(answer, changed)
        if self._ahead and now - answer.ended > pause and key not in self._next:
            coming = self._next[key] = self._start(make)
            # Retrieves its error, else asyncio logs it as never retrieved.
            coming.task.add_done_callback(_succeeded)
        # Shielded: a caller that is cancelled must not cancel the query for the others.
        return await asyncio.shield(answer.task)

    def held(self, key: Hashable) -> T | None:
        """The cached answer for `key`; None if `get` would wait for it, or start the next one."""
        now = self._monotonic()
        self._tidy(now)
        answer = self._made.get(key)
        if answer is None or not answer.task.done():
            return None
        if (
            self._ahead
            and key not in self._next
            and now - answer.ended > self._pause(answer, False)
        ):
            return None
        return answer.task.result()

    def _pause(self, answer: _Cached[T], changed: bool) -> float:
        """The age at which the answer after `answer` is made."""
        if answer.ended == math.inf:  # it is being made
            return math.inf
        # Not until it is old: then a caller would wait for the next one.
        rest = min(self._rest * (answer.ended - answer.begun), self._seconds * LONGEST_REST)
        return rest if changed else max(self._ahead_after, rest)

    def _start(self, make: Callable[[], Coroutine[Any, Any, T]]) -> _Cached[T]:
        async def timed() -> T:
            try:
                return await make()
            finally:
                answer.ended = self._monotonic()

        answer = _Cached(asyncio.create_task(timed()), self._monotonic())
        return answer

    def _tidy(self, now: float) -> None:
        """Move finished answers made ahead into place, and drop old and failed ones."""
        for name, coming in list(self._next.items()):
            if coming.task.done():
                del self._next[name]
                if _succeeded(coming.task):
                    self._made[name] = coming
        for name, answer in list(self._made.items()):
            longest = self._seconds * (LATE if name in self._next else 1)
            old = now - answer.ended >= longest
            if answer.task.done() and (old or not _succeeded(answer.task)):
                del self._made[name]
                if name in self._next:
                    self._made[name] = self._next.pop(name)


def _succeeded(task: asyncio.Task[Any]) -> bool:
    return not task.cancelled() and task.exception() is None
