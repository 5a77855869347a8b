"""The selection of a replay's events, and its pace. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from luotdoc_events import events
from luotdoc_subscriber.base.clock import rfc3339


@dataclass(frozen=True)
class Selection:
    """Selects events by name, subject and time: `since` is inclusive, `until` exclusive.
    Empty or None selects all.
    """

    types: frozenset[str] = frozenset()
    subjects: frozenset[str] = frozenset()
    since: datetime | None = None
    until: datetime | None = None

    def wants(self, event: events.Envelope) -> bool:
        """Whether `event` is selected."""
        return (
            (not self.types or event.name in self.types)
            and (not self.subjects or event.subject in self.subjects)
            and (self.since is None or event.time >= self.since)
            and (self.until is None or event.time < self.until)
        )

    def __str__(self) -> str:
        """The selection as text. A stopped replay continues only with an equal one."""
        parts = [f"type {name}" for name in sorted(self.types)]
        parts += [f"subject {subject}" for subject in sorted(self.subjects)]
        parts += [f"since {rfc3339(self.since)}"] if self.since else []
        parts += [f"until {rfc3339(self.until)}"] if self.until else []
        return ", ".join(parts) or "everything"


class Pace:
    """An even pace of `rate` events a second, without catching up after delays.
    `monotonic` answers seconds.
    """

    def __init__(self, rate: float, monotonic: Callable[[], float]) -> None:
        self._rate, self._monotonic = rate, monotonic
        self._free_at = monotonic()

    def wait(self, number: int) -> float:
        """Seconds to wait before the next events, after `number` were sent."""
        now = self._monotonic()
        self._free_at = max(self._free_at + number / self._rate, now)
        return self._free_at - now
