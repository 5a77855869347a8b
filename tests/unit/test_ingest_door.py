"""Wrong tokens before the API: counted, logged, slowed down; right ones always pass. The fake
clock.
"""

import logging
from hashlib import sha256
from ipaddress import ip_network

import pytest

from luotdoc_subscriber.base import metrics
from services.ingest.door import MOST_ADDRESSES, WRONG_TOKENS, Attempts, Door
from services.ingest.metrics import IngestMetrics
from services.ingest.tokens import Token
from shared.base.errors import Problem
from shared.web.addresses import Addresses
from shared.web.asgi import Receive, Scope, Send

TOKENS = (Token("cms", frozenset({"articles"}), sha256(b"right").hexdigest()),)


class Street:
    """What passed the door, and the clock."""

    def __init__(self) -> None:
        self.now, self.passed = 1000.0, 0
        self.registry = metrics.new_registry()
        measured = IngestMetrics(self.registry)
        self.door = Door(
            self._api,
            TOKENS,
            Addresses([ip_network("10.0.0.0/8")]),
            measured,
            Attempts(lambda: self.now),
        )

    async def _api(self, _scope: Scope, _receive: Receive, _send: Send) -> None:
        self.passed += 1

    async def come(
        self, token: bytes | None, address: str = "203.0.113.7", path: str = "/articles/a"
    ) -> int:
        """The seconds that the client is told to wait, 0 where it passes."""
        headers = [] if token is None else [(b"authorization", token)]
        headers.append((b"x-forwarded-for", address.encode()))
        scope = {
            "type": "http",
            "method": "PUT",
            "path": path,
            "client": ("10.0.0.1", 5),
            "headers": headers,
        }
        try:
            await self.door(scope, None, None)  # type: ignore[arg-type]
        except Problem as problem:
            return int(dict(problem.headers)["retry-after"])
        return 0

    def counted(self, outcome: str) -> float | None:
        return self.registry.get_sample_value("luotdoc_tokens_total", {"outcome": outcome})


async def test_after_ten_wrong_tokens_an_address_waits_and_right_ones_pass(
    caplog: pytest.LogCaptureFixture,
) -> None:
    street = Street()
    with caplog.at_level(logging.WARNING):
        for number in range(WRONG_TOKENS):
            assert await street.come(b"Bearer secret%d" % number) == 0
        street.now += 20
        assert await street.come(b"Bearer secret") == 40
        assert await street.come(b"Bearer right") == 0
        assert await street.come(b"Bearer secret", address="203.0.113.8") == 0
    assert (street.counted("wrong"), street.counted("slowed"), street.counted("right")) == (
        11,
        1,
        1,
    )
    assert street.passed == 12
    assert caplog.text.count("a wrong token from 203.0.113.7: PUT /articles/a") == WRONG_TOKENS
    assert caplog.text.count("further ones are answered 429 for 60 s") == 1
    assert "secret" not in caplog.text


async def test_the_wait_ends_with_its_window() -> None:
    street = Street()
    for _ in range(WRONG_TOKENS):
        await street.come(b"Bearer wrong")
    assert await street.come(b"Bearer wrong") == 60
    street.now += 60
    assert await street.come(b"Bearer wrong") == 0


@pytest.mark.parametrize(
    "token", [b"bearer x", b"Bearer \xff\xfe", b"Bearer right right", b"Bearer " + b"x" * 9000]
)
async def test_anything_else_that_is_presented_is_wrong(token: bytes) -> None:
    street = Street()
    assert await street.come(token) == 0
    assert street.counted("wrong") == 1


async def test_nothing_presented_is_nothing_guessed() -> None:
    street = Street()
    for _ in range(2 * WRONG_TOKENS):
        assert await street.come(None) == 0
    assert street.counted("wrong") == 0


def test_attempts_are_bounded_and_the_oldest_goes() -> None:
    attempts = Attempts(lambda: 1.0)
    attempts.note(b"first")
    attempts.note(b"second")
    for number in range(MOST_ADDRESSES - 1):
        attempts.note(b"%d" % number)
    assert len(attempts) == MOST_ADDRESSES
    assert attempts.note(b"second")[0] == 2
    assert attempts.note(b"first")[0] == 1


async def test_an_ipv6_client_has_one_window_whatever_its_addresses() -> None:
    street = Street()
    for number in range(WRONG_TOKENS):
        assert await street.come(b"Bearer wrong", address=f"2001:db8:1:1::{number:x}") == 0
    assert await street.come(b"Bearer wrong", address="2001:db8:1:1:ffff::") == 60
    assert await street.come(b"Bearer wrong", address="2001:db8:1:2::") == 0


@pytest.mark.parametrize(
    "sent", [b"", b"Basic eDp5", b"Bearer", b"Bearer ", b"Negotiate x", b"bearertoken", b"right"]
)
async def test_what_presents_no_token_guesses_none(sent: bytes) -> None:
    street = Street()
    for _ in range(WRONG_TOKENS + 1):
        assert await street.come(sent) == 0
    assert (street.counted("wrong"), street.passed) == (0, WRONG_TOKENS + 1)
