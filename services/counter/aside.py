"""Messages that can't be counted go into the books as parked, and into the parked queue, before they are acked."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from aio_pika.abc import AbstractIncomingMessage
from pymongo.errors import PyMongoError

from shared.base.errors import Transient

log = logging.getLogger(__name__)

TOGETHER = 50
"""Messages that are parked at once."""
RETRY_FIRST, RETRY_LAST = 0.1, 2.0

Note = Callable[[AbstractIncomingMessage, str], Awaitable[None]]
"""Enters a message into the books as parked, with its reason, as far as its headers say what it is. Repeatable."""
Park = Callable[[AbstractIncomingMessage, str, str], Awaitable[None]]
"""Copies a message to the parked queue with reason and detail; raises `Transient` if that is not confirmed."""


class MongoAway(Exception):
    """Neither a flush nor parking got through for `hold` seconds."""


@dataclass
class ToPark:
    """A message that can't be counted."""

    message: AbstractIncomingMessage
    reason: str
    detail: str


class Aside:
    """Parks messages, many at once and in their order."""

    def __init__(self, note: Note, park: Park, hold: float) -> None:
        """What fails is tried again for `hold` seconds."""
        self._note, self._park, self._hold = note, park, hold

    async def put(self, channel: Any, messages: list[ToPark]) -> None:
        """Park `messages` that came on `channel`, unless it closes meanwhile. Raises `MongoAway`."""
        for first in range(0, len(messages), TOGETHER):
            part = messages[first : first + TOGETHER]
            # The note first: it can be repeated, while each parking makes another copy.
            await _together(self._persist(channel, partial(self._note, one.message, one.reason)) for one in part)
            await _together(
                self._persist(channel, partial(self._park, one.message, one.reason, one.detail)) for one in part
            )
            for one in part:
                log.error("parked: %s: %.500s", one.reason, one.detail)

    async def _persist(self, channel: Any, act: Callable[[], Awaitable[None]]) -> None:
        deadline, wait = time.monotonic() + self._hold, RETRY_FIRST
        while not channel.is_closed:
            try:
                await act()
            except (Transient, PyMongoError) as error:
                log.warning("parking waits: %s", str(error)[:300])
                if time.monotonic() + wait >= deadline:
                    raise MongoAway(f"nothing could be parked for {self._hold:g} s") from error
                await asyncio.sleep(wait)
                wait = min(RETRY_LAST, wait * 2)
            else:
                return


async def _together(work: Iterable[Awaitable[None]]) -> None:
    """Await all of it, then raise the first error."""
    for outcome in await asyncio.gather(*work, return_exceptions=True):
        if outcome is not None:
            raise outcome
