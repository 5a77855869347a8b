"""The verdicts on a delivery: handled, stale, ignored, retried or parked.

Two verdicts are equal if they lead to the same; their texts for people are not compared.
"""

from dataclasses import dataclass, field
from typing import ClassVar

RETRIES, WAITS = "x-luotdoc-retries", "x-luotdoc-waits"
"""Headers that count how often a message went to a retry queue:
after `Retry` (limited), after `Transient` (not)."""


@dataclass(frozen=True, slots=True)
class Handled:
    """The handler has handled the event; the message is acked."""

    outcome: ClassVar = "handled"


@dataclass(frozen=True, slots=True)
class Stale:
    """The guard, or the handler by returning False, dropped an older event; it is acked."""

    outcome: ClassVar = "stale"


@dataclass(frozen=True, slots=True)
class Ignored:
    """The handler doesn't take events of this type or version; the message is acked."""

    outcome: ClassVar = "ignored"


@dataclass(frozen=True, slots=True)
class Retried:
    """A copy goes to a retry queue, which returns it after `delay` seconds; the message is acked.

    After `Retry` the message is parked once it has been retried `limit` times. After `Transient`
    the limit is None: the message is retried until the server that it needs is back.
    """

    outcome: ClassVar = "retried"
    delay: float
    number: int
    """The number of this retry, from 1."""
    limit: int | None
    detail: str = field(default="", compare=False)

    @property
    def header(self) -> str:
        """The header that counts such retries."""
        return WAITS if self.limit is None else RETRIES


@dataclass(frozen=True, slots=True)
class Parked:
    """A copy with reason and detail goes to the parked queue; the message is acked."""

    outcome: ClassVar = "parked"
    reason: str
    detail: str = field(default="", compare=False)
    error: BaseException | None = field(default=None, compare=False, repr=False)
    """The exception, if the reason is `bug`."""


Verdict = Handled | Stale | Ignored | Retried | Parked
