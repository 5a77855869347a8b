"""Parks messages that can't be counted:
notes them in the books, then copies them to the parked queue.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from aio_pika.abc import AbstractIncomingMessage

from services.counter.holding import hold

log = logging.getLogger(__name__)

MAX_CONCURRENT = 50
"""Upper bound for messages that are parked concurrently."""

Note = Callable[[AbstractIncomingMessage, str], Awaitable[None]]
"""Notes a message in the books as parked, with the reason,
if its headers identify the batch. Idempotent."""
Park = Callable[[AbstractIncomingMessage, str, str], Awaitable[None]]
"""Copies a message to the parked queue with reason and detail;
raises `Transient` if that is not confirmed."""


@dataclass
class ToPark:
    """A message that can't be counted, with the reason."""

    message: AbstractIncomingMessage
    reason: str
    detail: str


class Parker:
    """Parks messages in order, up to `MAX_CONCURRENT` concurrently."""

    def __init__(self, *, note: Note, park: Park, hold_seconds: float) -> None:
        """A failing `note` or `park` is retried for `hold_seconds`."""
        self._note, self._park, self._hold_seconds = note, park, hold_seconds

    async def park(self, channel: Any, messages: list[ToPark]) -> None:
        """Park `messages` of `channel`. Stops if the channel closes. Raises `HoldExpired`."""
        for first in range(0, len(messages), MAX_CONCURRENT):
            part = messages[first : first + MAX_CONCURRENT]
            # The note comes first, because it is idempotent. If parking came first, a retry of the
            # note after a crash would park a second copy.
            await _together(
                self._persist(channel, partial(self._note, one.message, one.reason)) for one in part
            )
            await _together(
                self._persist(channel, partial(self._park, one.message, one.reason, one.detail))
                for one in part
            )
            for one in part:
                log.error("parked: %s: %.500s", one.reason, one.detail)

    async def _persist(self, channel: Any, act: Callable[[], Awaitable[None]]) -> None:
        async def while_open() -> None:
            if not channel.is_closed:
                await act()

        def failed(error: Exception) -> None:
            log.warning("parking waits: %s", str(error)[:300])

        await hold(while_open, self._hold_seconds, failed, "nothing could be parked")


async def _together(work: Iterable[Awaitable[None]]) -> None:
    """Await all of `work`, then raise the first error."""
    for outcome in await asyncio.gather(*work, return_exceptions=True):
        if outcome is not None:
            raise outcome
