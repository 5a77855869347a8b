"""Bounds a process's open connections:
their number, and the time that each may wait, send and read.

Each connection notes the deadline of its current wait, and `sweep` closes those past it,
twice a second. A timer per request would cost more than parsing the request.
"""

import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import islice
from typing import Protocol

from shared.base.settings import Settings
from shared.web.uvicorn_protocol import FlowControl

SWEEP_SECONDS = 0.5
OWN_DESCRIPTORS = 128
"""File descriptors reserved for RabbitMQ, MongoDB's pool,
files, and connections that are being closed."""
MOST_CLOSING = 64
"""Upper bound for connections beyond the limit that wait only for their client to close."""
MOST_LOOKS = 16
"""Upper bound for connections that are checked for unread bytes before one is evicted;
each costs a system call."""
MOST_CONNECTIONS = 4096
"""Default limit, even if the system allows more descriptors. An idle connection takes about 10
KB."""
ENDLESS_SHARE = 0.75
"""Share of the connections that may have an answer without an end: others must find room."""


class ClientConnection(Protocol):
    """The interface of a connection that `Connections` uses."""

    def end_silently(self, reason: str) -> None:
        """Close at once, without an answer."""

    def has_unread(self) -> bool:
        """True if bytes of the client have arrived that were not parsed yet."""

    def time_out(self, reason: str) -> None:
        """Answer 408, because `reason` (head or body) did not arrive in time, and close."""

    def body_is_late(self, now: float, paused: float) -> bool:
        """True if the body arrives too slowly.
        During the last `paused` seconds this process may not have read.
        """


@dataclass(frozen=True)
class Limits:
    """The limits of a process, as described in `shared.base.settings`."""

    connections: int = MOST_CONNECTIONS
    head_seconds: float = 10.0
    keep_alive_seconds: float = 75.0
    transfer_grace: float = 10.0
    transfer_rate: int = 1024
    unread_bytes: int = 64 << 20


class TooFewDescriptors(ValueError):
    """`LUOTDOC_MAX_CONNECTIONS` needs more file descriptors than the system allows."""


def limits_of(settings: Settings, endless: int = 0) -> Limits:
    """The limits in `settings`; their default has room for `endless` answers more. Raises
    `TooFewDescriptors`.
    """
    return Limits(
        _room_for(settings.max_connections, MOST_CONNECTIONS + endless),
        settings.head_timeout,
        settings.keep_alive,
        settings.transfer_grace,
        settings.transfer_rate,
        settings.unread_max_bytes,
    )


def _room_for(wanted: int, default: int) -> int:
    """The limit on connections, `wanted` or `default`. Raises the soft limit as far as needed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    endless = resource.RLIM_INFINITY
    most = default if hard == endless else hard - OWN_DESCRIPTORS
    connections = wanted or max(16, min(default, most))
    needed = connections + OWN_DESCRIPTORS
    if soft not in (endless, None) and soft < needed:
        if hard != endless and hard < needed and wanted:
            raise TooFewDescriptors(
                f"must be at most {max(1, hard - OWN_DESCRIPTORS)}: this process may "
                f"open {hard} files (ulimit -n), "
                f"and needs {OWN_DESCRIPTORS} itself"
            )
        resource.setrlimit(
            resource.RLIMIT_NOFILE, (needed if hard == endless else min(needed, hard), hard)
        )
    return connections


class Connections:
    """The open connections, by what they wait for, each with the deadline of its wait.

    `now` is a clock that advances with each sweep. After the process was frozen or busy it advances
    by little only: data that clients have sent meanwhile was not read yet, and must not count as
    late.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        seconds: Callable[[], float] = time.monotonic,
        ended: Callable[[str], None] = lambda _reason: None,
    ) -> None:
        """`ended` is called for each connection that is closed,
        with one of `shared.base.metrics.END_REASONS`.
        """
        self.ended = ended
        self.limits = limits or Limits()
        self._seconds = seconds
        self._swept = self.now = seconds()
        self.open: set[ClientConnection] = set()
        self.fresh: dict[ClientConnection, float] = {}
        """Connections before their first byte; the oldest first, as in the other dictionaries."""
        self.idle: dict[ClientConnection, float] = {}
        """Connections between two requests."""
        self.heads: dict[ClientConnection, float] = {}
        """Connections in the middle of a request's line and headers."""
        self.bodies: dict[ClientConnection, None] = {}
        """Connections in the middle of a request's body."""
        self.unread: dict[ClientConnection, float] = {}
        """Connections with an answer that the client reads too slowly."""
        self.closing: dict[ClientConnection, float] = {}
        """Connections that are closed on our side and not yet on the client's."""
        self.endless: set[ClientConnection] = set()
        """Connections with an answer that has no end."""
        self.paused: list[FlowControl] = []
        """Connections whose input is discarded; reading resumes at the next turn."""
        self._unread_sizes: dict[ClientConnection, int] = {}
        self._unread_total = 0

    def admit(self, connection: ClientConnection) -> bool:
        """Add a new connection.
        At the limit it evicts one without a request in flight; False if there is none.
        """
        full = len(self.open) - len(self.closing) >= self.limits.connections
        self.open.add(connection)
        if len(self.closing) > MOST_CLOSING:
            next(iter(self.closing)).end_silently("evicted")
        if full:
            victim = self._victim()
            if victim is None:
                return False
            victim.end_silently("evicted")
        return True

    def _victim(self) -> ClientConnection | None:
        """The connection to evict. A busy process accepts many connections before it reads from the
        first one, so a connection whose request has arrived meanwhile is spared while there are
        others.
        """
        looked = list(islice(self._dispensable(), MOST_LOOKS))
        return next(
            (each for each in looked if not each.has_unread()), looked[0] if looked else None
        )

    def _dispensable(self) -> Iterator[ClientConnection]:
        """Connections without a request in flight, in the order of eviction.

        Of those that wait for a request the oldest is first:
        a new one's first bytes may be on their way.
        """
        yield from self.idle
        yield from merge(
            self.heads, self.fresh, key=lambda each: self.heads.get(each) or self.fresh[each]
        )
        yield from (
            each
            for each in self.bodies
            if each.body_is_late(self.now + self.limits.transfer_grace, 0)
        )

    def hold(self, connection: ClientConnection) -> bool:
        """Note that the connection gets an answer without an end. False if too many have one."""
        if fits := len(self.endless) < self.limits.connections * ENDLESS_SHARE:
            self.endless.add(connection)
        return fits

    def wait_for_head(self, connection: ClientConnection) -> None:
        """Note that a request's head has begun and is not complete."""
        self.heads[connection] = self.now + self.limits.head_seconds

    def wait_for_reader(self, connection: ClientConnection, size: int) -> None:
        """Note that `size` bytes of an answer wait for the client.
        Over the limit on memory the oldest are closed.
        """
        self.unread[connection] = (
            self.now + self.limits.transfer_grace + size / self.limits.transfer_rate
        )
        self._unread_sizes[connection] = size
        self._unread_total += size
        while self._unread_total > self.limits.unread_bytes and self.unread:
            next(iter(self.unread)).end_silently("unread")

    def has_read(self, connection: ClientConnection) -> None:
        """Note that the client has read most of the answer."""
        self.unread.pop(connection, None)
        self._unread_total -= self._unread_sizes.pop(connection, 0)

    def expect_nothing(self, connection: ClientConnection) -> None:
        """Note that no more input is expected from the client."""
        self.fresh.pop(connection, None)
        self.idle.pop(connection, None)
        self.heads.pop(connection, None)
        self.bodies.pop(connection, None)

    def forget(self, connection: ClientConnection) -> None:
        """Remove all notes about the connection."""
        self.expect_nothing(connection)
        self.closing.pop(connection, None)
        self.endless.discard(connection)
        self.has_read(connection)

    def turn(self) -> None:
        """Resume reading from connections whose input is discarded; called ten times a second."""
        paused, self.paused = self.paused, []
        for flow in paused:
            flow.resume_reading()

    def sweep(self) -> None:
        """Close the connections whose deadline has passed."""
        now = self._seconds()
        self.now += min(now - self._swept, 2 * SWEEP_SECONDS)
        passed, self._swept = now - self._swept, now
        for connection in (*self._over(self.fresh), *self._over(self.idle)):
            connection.end_silently("idle")
        for connection in self._over(self.heads):
            connection.time_out("head")
        for connection in [each for each in self.bodies if each.body_is_late(self.now, passed)]:
            connection.time_out("body")
        for connection in self._over(self.unread):
            connection.end_silently("unread")
        for connection in self._over(self.closing):
            connection.end_silently("unread")

    def _over(self, waiting: dict[ClientConnection, float]) -> list[ClientConnection]:
        return [connection for connection, until in waiting.items() if until < self.now]
