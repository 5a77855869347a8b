"""Attempts to handle one event: past the guard, and retried in place while a server is away."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from luotdoc_events import events
from luotdoc_subscriber.base.errors import Transient
from luotdoc_subscriber.base.tasks import backoff
from luotdoc_subscriber.decision import Event, Handler
from luotdoc_subscriber.guard import Guard, outdated, subject_of

T = TypeVar("T")

FIRST_DELAY, LAST_DELAY = 0.1, 10.0
"""Backoff between attempts while a server is away, in seconds: doubled each time, up to the
last."""
HELD_ATTEMPTS, HELD_SECONDS = 3, 30.0
"""Bounds of retry in place: after so many attempts if other messages succeed meanwhile, else after
so many seconds, the message goes to a retry queue."""


async def handle_newer(
    event: Event[events.Data], queue: str, handle: Handler, guard: Guard | None
) -> bool:
    """Call `handle` if `guard` lets the event through. Answers whether the event was new.

    Raises what the handler raises, and `Transient` if the guard's disk fails.
    """
    envelope = event.envelope
    if envelope.sequence is None or guard is None:
        return await handle(event) is not False
    # The queue is part of the key:
    # two handlers may share a guard, and an event is new for each of them.
    subject = f"{queue}/{subject_of(envelope)}"
    if outdated(envelope, await guard.held(subject), bool(event.replay)):
        return False
    new = await handle(event) is not False
    await guard.keep(subject, int(envelope.sequence))
    return new


async def retry_in_place(
    attempt: Callable[[], Awaitable[T]],
    others_succeed: Callable[[], bool],
    failed: Callable[[int, float, Transient], Awaitable[None]],
) -> T:
    """Await `attempt()` until it doesn't raise `Transient`, and answer its result.

    Re-raises once `others_succeed()`, because then the fault is this message's, or after
    `HELD_SECONDS`. `failed` gets the number of the failed attempt, the backoff in seconds, which it
    waits, and the error.
    """
    loop = asyncio.get_running_loop()
    number, until = 0, loop.time() + HELD_SECONDS
    while True:
        try:
            return await attempt()
        except Transient as error:
            number += 1
            own = others_succeed()
            if (own and number >= HELD_ATTEMPTS) or loop.time() > until:
                raise
            await failed(number, backoff(number, FIRST_DELAY, LAST_DELAY), error)
