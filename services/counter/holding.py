"""Retries work while batches are held unacked, for a bounded time."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from luotdoc_subscriber.base.errors import Transient
from luotdoc_subscriber.base.tasks import backoff

T = TypeVar("T")

FIRST_DELAY, LAST_DELAY = 0.1, 2.0
"""Backoff between attempts, in seconds."""


class HoldExpired(Exception):
    """The work has failed for the longest time that batches may be held unacked."""


async def hold(
    act: Callable[[], Awaitable[T]], seconds: float, failed: Callable[[Exception], None], what: str
) -> T:
    """Await `act()` until it succeeds, and return its result.

    `Transient` and TimeoutError are passed to `failed` and retried with a backoff. After `seconds`
    `act` is cancelled and `HoldExpired` raised, whose text is `what` and the time.
    """
    deadline, attempt = time.monotonic() + seconds, 0
    while True:
        try:
            async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
                return await act()
        except (Transient, TimeoutError) as error:
            attempt += 1
            failed(error)
            wait = backoff(attempt, FIRST_DELAY, LAST_DELAY)
            if time.monotonic() + wait >= deadline:
                raise HoldExpired(f"{what} for {seconds:g} s") from error
            await asyncio.sleep(wait)
