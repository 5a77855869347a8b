"""Queues costly requests,
so that a flood of them delays neither cheap requests nor other work in the loop.

An API request runs for a millisecond or two without a pause. Without this, a hundred that arrive
together would run in one turn of the loop, and a read that arrives meanwhile would wait for all of
them.
"""

import asyncio
import math
from collections import deque

from shared.base.budget import Metered, ProcessorBudget
from shared.base.errors import Problem
from shared.web.asgi import TURN_KEY, App, Disconnected, Receive, Scope, Send
from shared.web.uvicorn_protocol import has_left

IN_A_TURN = 2
"""Number of requests that start in each turn of the loop."""
AROUND_SECONDS = 0.0005
"""Processor time that a request costs around `app`: its parsing, its log and its metrics."""
LOOK_SECONDS = 0.05
"""Time after which the budget is looked at again: work that has begun may cost less than expected.
"""
MAX_WAIT_SECONDS = 2.0
MOST_WAITING = 200
"""Upper bound for the queue; more requests are answered 503."""


class Turnstile:
    """A FIFO queue that lets a few requests start in each turn of the loop, and none while `budget`
    is overdrawn.
    """

    def __init__(self, in_a_turn: int = IN_A_TURN, budget: ProcessorBudget | None = None) -> None:
        self._in_a_turn, self._budget = in_a_turn, budget
        self._waiting: deque[tuple[asyncio.Future[None], float]] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    async def enter(self, seconds: float = math.inf) -> None:
        """Wait in the queue. If it is empty, until the next turn of the loop. Raises `Problem` 503
        if that took longer than `seconds`.
        """
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._turn)
        ours: asyncio.Future[None] = loop.create_future()
        self._waiting.append((ours, loop.time() + seconds))
        await ours

    def _turn(self) -> None:
        loop = asyncio.get_running_loop()
        self._drop_late(loop.time())
        if self._budget and self._waiting and (wait := self._budget.wait()):
            loop.call_later(min(wait, LOOK_SECONDS), self._turn)
            return
        for _ in range(min(self._in_a_turn, len(self._waiting))):
            self._waiting.popleft()[0].set_result(None)
        if self._waiting:
            loop.call_soon(self._turn)

    def _drop_late(self, now: float) -> None:
        """Drop the requests that were cancelled, and refuse those that have waited too long."""
        if not any(each.done() or now > until for each, until in self._waiting):
            return
        waiting, self._waiting = self._waiting, deque()
        for each, until in waiting:
            if each.done():
                continue
            if now > until:
                each.set_exception(_too_many())
            else:
                self._waiting.append((each, until))


def _too_many() -> Problem:
    return Problem(503, "too many requests wait, try again", headers=[("retry-after", "1")])


def in_turns(
    app: App,
    most_waiting: int = MOST_WAITING,
    *,
    in_a_turn: int = IN_A_TURN,
    budget: ProcessorBudget | None = None,
) -> App:
    """`app` behind a turnstile. The processor time that it uses is spent from `budget`; while that
    is overdrawn, requests wait, and so do streamed answers between their parts.

    Raises `Problem` 503 if the queue is full or was waited in for `MAX_WAIT_SECONDS`, and
    `Disconnected` if the client has left while it waited.
    """
    turnstile = Turnstile(in_a_turn, budget)

    async def wrapper(scope: Scope, receive: Receive, send: Send) -> None:
        if len(turnstile) >= most_waiting:
            raise _too_many()
        await turnstile.enter(MAX_WAIT_SECONDS)
        if has_left(receive):
            raise Disconnected
        if budget is None:
            await app(scope, receive, send)
            return

        async def answer() -> None:
            await app({**scope, TURN_KEY: turnstile.enter}, receive, send)

        budget.spend(AROUND_SECONDS)
        metered = Metered(answer(), budget)
        with budget.doing(metered):
            await metered

    return wrapper
