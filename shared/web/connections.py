"""The open connections of a process: how many there may be, and how long each may wait, send and read.

Time is swept: a connection notes until when its present wait may last, and `sweep` ends those whose time is over,
twice a second. A timer per request would cost more than the request's parsing.
"""

import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import islice
from typing import Protocol

from uvicorn.protocols.http.flow_control import FlowControl

from shared.base.settings import SubscriberSettings

SWEEP_SECONDS = 0.5
OWN_DESCRIPTORS = 128
"""Descriptors that a process keeps for itself: RabbitMQ, MongoDB's pool, files, connections that are being closed."""
MOST_CLOSING = 64
"""Connections, beyond the limit, whose answer is written and whose client has not closed yet; they are of those 128."""
MOST_LOOKS = 16
"""Connections that are asked for unread bytes before one has to make room all the same; each costs a system call."""
MOST_CONNECTIONS = 4096
"""Connections that are taken unless a setting says otherwise, even where the system grants more descriptors; an idle
one takes about 10 KB."""


class Connection(Protocol):
    """What a connection must be able to do."""

    def end_silently(self, reason: str) -> None:
        """Close at once; nothing is answered."""

    def has_unread(self) -> bool:
        """Whether bytes of the client have arrived that nobody has parsed yet."""

    def time_out(self, reason: str) -> None:
        """Refuse what has not arrived in time, and close."""

    def body_is_late(self, now: float, paused: float) -> bool:
        """Whether the body comes in too slowly; for the last `paused` seconds it may have been us who did not read."""


@dataclass(frozen=True)
class Limits:
    """The limits of a process; `shared.base.settings` gives their meaning."""

    connections: int = MOST_CONNECTIONS
    head_seconds: float = 10.0
    keep_alive_seconds: float = 75.0
    transfer_grace: float = 10.0
    transfer_rate: int = 1024
    unread_bytes: int = 64 << 20


class TooFewDescriptors(ValueError):
    """`LUOTDOC_MAX_CONNECTIONS` asks for more connections than the system grants descriptors."""


def limits_of(settings: SubscriberSettings) -> Limits:
    """The limits that the settings ask for. Raises `TooFewDescriptors`."""
    return Limits(
        _room_for(settings.max_connections),
        settings.head_timeout,
        settings.keep_alive,
        settings.transfer_grace,
        settings.transfer_rate,
        settings.unread_max_bytes,
    )


def _room_for(wanted: int) -> int:
    """How many connections to take; `wanted` 0 leaves it to the descriptor limit, which is raised where it may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    endless = resource.RLIM_INFINITY
    most = MOST_CONNECTIONS if hard == endless else hard - OWN_DESCRIPTORS
    connections = wanted or max(16, min(MOST_CONNECTIONS, most))
    needed = connections + OWN_DESCRIPTORS
    if soft not in (endless, None) and soft < needed:
        if hard != endless and hard < needed and wanted:
            raise TooFewDescriptors(
                f"must be at most {max(1, hard - OWN_DESCRIPTORS)}: this process may open {hard} files (ulimit -n), "
                f"and needs {OWN_DESCRIPTORS} itself"
            )
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed if hard == endless else min(needed, hard), hard))
    return connections


class Connections:
    """The connections by what they wait for; each value is the time at which the wait is over.

    `now` is a time that advances with each sweep. A sweep that comes late, after the process was frozen or busy,
    advances it by little: what clients sent meanwhile has not been read yet, and is not late.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        seconds: Callable[[], float] = time.monotonic,
        ended: Callable[[str], None] = lambda _reason: None,
    ) -> None:
        """`ended` is told of each connection that is ended, with one of `shared.base.metrics.END_REASONS`."""
        self.ended = ended
        self.limits = limits or Limits()
        self._seconds = seconds
        self._swept = self.now = seconds()
        self.open: set[Connection] = set()
        self.fresh: dict[Connection, float] = {}
        """Before the first byte; the oldest first, as in the other ones."""
        self.idle: dict[Connection, float] = {}
        """Between two requests."""
        self.heads: dict[Connection, float] = {}
        """In the middle of a request's line and headers."""
        self.bodies: dict[Connection, None] = {}
        """In the middle of a request's body."""
        self.unread: dict[Connection, float] = {}
        """With more of an answer to write than the client takes."""
        self.closing: dict[Connection, float] = {}
        """Closed on our side."""
        self.paused: list[FlowControl] = []
        """Connections that are read on at the next turn, because what they send is thrown away."""
        self._unread_sizes: dict[Connection, int] = {}
        self._unread_total = 0

    def admit(self, connection: Connection) -> bool:
        """Take a new connection; at the limit another one that does nothing makes room. False: there is no room."""
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

    def _victim(self) -> Connection | None:
        """The connection that makes room. A busy process takes many connections before it reads from the first:
        one whose request has arrived meanwhile is spared while there are others."""
        looked = list(islice(self._dispensable(), MOST_LOOKS))
        return next((each for each in looked if not each.has_unread()), looked[0] if looked else None)

    def _dispensable(self) -> Iterator[Connection]:
        """Connections that do nothing, in the order in which they go.

        Of those that wait for a request the oldest goes: a new one's first bytes may be under way.
        """
        yield from self.idle
        yield from merge(self.heads, self.fresh, key=lambda each: self.heads.get(each) or self.fresh[each])
        yield from (each for each in self.bodies if each.body_is_late(self.now + self.limits.transfer_grace, 0))

    def wait_for_head(self, connection: Connection) -> None:
        """A request has begun, and its head goes on in a later segment."""
        self.heads[connection] = self.now + self.limits.head_seconds

    def wait_for_reader(self, connection: Connection, size: int) -> None:
        """So many bytes of an answer wait for the client. Those that have waited longest go where it is too much."""
        self.unread[connection] = self.now + self.limits.transfer_grace + size / self.limits.transfer_rate
        self._unread_sizes[connection] = size
        self._unread_total += size
        while self._unread_total > self.limits.unread_bytes and self.unread:
            next(iter(self.unread)).end_silently("unread")

    def has_read(self, connection: Connection) -> None:
        """The client has taken most of it."""
        self.unread.pop(connection, None)
        self._unread_total -= self._unread_sizes.pop(connection, 0)

    def expect_nothing(self, connection: Connection) -> None:
        """Nothing that the client may still send is waited for."""
        self.fresh.pop(connection, None)
        self.idle.pop(connection, None)
        self.heads.pop(connection, None)
        self.bodies.pop(connection, None)

    def forget(self, connection: Connection) -> None:
        """The connection waits for nothing any more."""
        self.expect_nothing(connection)
        self.closing.pop(connection, None)
        self.has_read(connection)

    def turn(self) -> None:
        """Read on where what comes is thrown away; ten times a second."""
        paused, self.paused = self.paused, []
        for flow in paused:
            flow.resume_reading()

    def sweep(self) -> None:
        """End what has waited too long."""
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

    def _over(self, waiting: dict[Connection, float]) -> list[Connection]:
        return [connection for connection, until in waiting.items() if until < self.now]
