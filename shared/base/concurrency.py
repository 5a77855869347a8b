"""A bound on costly work, so that a crowd of callers can't starve what else runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.base.errors import Unavailable


class ConcurrencyLimit:
    """Lets `at_once` callers work at a time, first come, first served.

    `most_waiting` others wait, each for `seconds` at most. Whoever finds the queue full, or waits
    in vain, gets `Unavailable`.
    """

    def __init__(self, at_once: int, *, most_waiting: int, seconds: float) -> None:
        self._places = asyncio.Semaphore(at_once)
        self._most_waiting, self._seconds = most_waiting, seconds
        self._waiting = 0

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Wait for a place and hold it during the block. Raises `Unavailable`."""
        if self._waiting >= self._most_waiting:
            raise _too_many()
        self._waiting += 1
        try:
            async with asyncio.timeout(self._seconds):
                await self._places.acquire()
        except TimeoutError:
            raise _too_many() from None
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._places.release()


def _too_many() -> Unavailable:
    return Unavailable("too many costly requests run, try again")
