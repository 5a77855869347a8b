"""Costly requests begin one by one, so that a flood of them delays neither cheap requests nor the loop's other work.

A request of an API is worked on for a millisecond or two without a pause. A hundred that arrive together would
otherwise run in one turn of the loop, and whoever comes meanwhile, a reader's beacon too, would wait for all of them.
"""

import asyncio
from collections import deque

from shared.base.errors import Problem
from shared.web.asgi import App, Disconnected, Receive, Scope, Send
from shared.web.protocol import has_left

IN_A_TURN = 2
"""Requests that begin in each turn of the loop."""
MOST_WAITING = 200
"""Requests that wait for their turn; the next ones are told to come again."""


class Turnstile:
    """Lets some in, in each turn of the loop, in the order in which they came."""

    def __init__(self, in_a_turn: int = IN_A_TURN) -> None:
        self._in_a_turn = in_a_turn
        self._waiting: deque[asyncio.Future[None]] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    async def enter(self) -> None:
        """Wait for a turn; alone, until the next turn of the loop."""
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._turn)
        ours: asyncio.Future[None] = loop.create_future()
        self._waiting.append(ours)
        await ours

    def _turn(self) -> None:
        entered = 0
        while self._waiting and entered < self._in_a_turn:
            next_one = self._waiting.popleft()
            if not next_one.done():  # else its request was cancelled
                next_one.set_result(None)
                entered += 1
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._turn)


def in_turns(app: App, most_waiting: int = MOST_WAITING) -> App:
    """`app`, whose requests begin in turns.

    Raises `Problem` 503 when too many wait, and `Disconnected` for a client that has left meanwhile.
    """
    turnstile = Turnstile()

    async def wrapper(scope: Scope, receive: Receive, send: Send) -> None:
        if len(turnstile) >= most_waiting:
            raise Problem(503, "too many requests wait, try again", headers=[("retry-after", "1")])
        await turnstile.enter()
        if has_left(receive):
            raise Disconnected
        await app(scope, receive, send)

    return wrapper
