"""A bound on costly work, so that a crowd of callers can't starve what else runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

from shared.base.budget import Budget
from shared.base.errors import Unavailable


class ConcurrencyLimit:
    """Lets `at_once` callers work at a time, first come, first served.

    `most_waiting` others wait, each for `seconds` at most. Whoever finds the queue full, or waits
    in vain, gets `Unavailable`. With a `budget`, what the work takes is spent from it, and while it
    is overdrawn nobody begins.
    """

    def __init__(
        self, at_once: int, *, most_waiting: int, seconds: float, budget: Budget | None = None
    ) -> None:
        self._places = asyncio.Semaphore(at_once)
        self._most_waiting, self._seconds = most_waiting, seconds
        self._budget = budget
        self._waiting = 0

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Wait for a place and hold it during the block. Raises `Unavailable`."""
        if self._waiting >= self._most_waiting:
            raise _too_many()
        self._waiting += 1
        try:
            async with asyncio.timeout(self._seconds) as limit:
                await self._acquire(limit)
        except TimeoutError:
            raise _too_many() from None
        finally:
            self._waiting -= 1
        try:
            with self._budget.spending() if self._budget else nullcontext():
                yield
        finally:
            self._places.release()

    async def _acquire(self, limit: asyncio.Timeout) -> None:
        await self._places.acquire()
        try:
            if self._budget:
                rest, until = self._budget.wait(), limit.when()
                if until is not None and rest > until - asyncio.get_running_loop().time():
                    raise TimeoutError  # at once: it would hold the place in vain
                await asyncio.sleep(rest)
        except BaseException:
            self._places.release()
            raise


def _too_many() -> Unavailable:
    return Unavailable("too many costly requests run, try again")
