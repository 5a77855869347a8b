"""Wrong tokens: logged with the client's address, counted, and slowed down per address.

The check runs before the API, for every request with a token, on any route. A right token always
passes: a newsroom shares one address, and one colleague's mistake must not lock the others out. A
missing token is not a guess, and neither are credentials of another scheme, which a proxy or
browser may add: both are left to the route.
"""

import logging
import time
from collections.abc import Callable
from math import ceil

from services.ingest.metrics import IngestMetrics
from services.ingest.tokens import Token, find, presents
from shared.base.errors import Problem
from shared.web.addresses import Addresses
from shared.web.asgi import App, Receive, Scope, Send, header

log = logging.getLogger(__name__)

WRONG_TOKENS = 10
"""Number of wrong tokens from one address within `WINDOW_SECONDS`; further ones are answered
429."""
WINDOW_SECONDS = 60.0
MOST_ADDRESSES = 10_000
"""Upper bound for remembered addresses; a new one replaces the one whose window began first."""


class Attempts:
    """Wrong tokens by address, within a window that begins with the first. Bounded."""

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._known: dict[bytes, tuple[float, int]] = {}
        """By address, the end of its window and the number of wrong tokens;
        the first to end comes first."""

    def __len__(self) -> int:
        return len(self._known)

    def note(self, address: bytes) -> tuple[int, int]:
        """Note a wrong token. Answers their number in this window,
        and the whole seconds until it ends.
        """
        now = self._seconds()
        end, number = self._known.get(address, (0.0, 0))
        if end <= now:
            self._known.pop(address, None)
            while len(self._known) >= MOST_ADDRESSES:
                del self._known[next(iter(self._known))]
            end, number = now + WINDOW_SECONDS, 0
        self._known[address] = end, number + 1
        return number + 1, ceil(end - now)


class Door:
    """The API behind a check of tokens.
    An IPv6 client is a /64, because one machine has many addresses.
    """

    def __init__(
        self,
        api: App,
        tokens: tuple[Token, ...],
        addresses: Addresses,
        measured: IngestMetrics,
        attempts: Attempts | None = None,
    ) -> None:
        self._api, self._tokens, self._addresses = api, tokens, addresses
        self._attempts = Attempts() if attempts is None else attempts
        self._outcomes = measured.tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request to the API.
        Raises `Problem` 429 after too many wrong tokens from its address.
        """
        presented = presents(header(scope, b"authorization")) if scope["type"] == "http" else None
        if presented is not None:
            if find(self._tokens, presented):
                self._outcomes.labels("right").inc()
            else:
                self._wrong(scope)
        await self._api(scope, receive, send)

    def knows(self, scope: Scope) -> bool:
        """True if the request has a right token."""
        return find(self._tokens, presents(header(scope, b"authorization"))) is not None

    def _wrong(self, scope: Scope) -> None:
        peer, headers = scope["client"][0] if scope.get("client") else "", scope["headers"]
        address = self._addresses.of(peer, headers)
        number, wait = self._attempts.note(self._addresses.reader(peer, headers))
        if number > WRONG_TOKENS:
            self._outcomes.labels("slowed").inc()
            raise Problem(
                429,
                "too many wrong tokens came from this address",
                headers=[("retry-after", str(wait))],
            )
        self._outcomes.labels("wrong").inc()
        then = f"; further ones are answered 429 for {wait} s" if number == WRONG_TOKENS else ""
        log.warning(
            "a wrong token from %s: %s %s%s", address, scope["method"], scope["path"][:100], then
        )
