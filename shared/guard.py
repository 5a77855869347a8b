"""The guard against older events: the highest revision of each subject, tombstones included.

Events of an article come in order, but one may be repeated after a newer one, and one that is tried again later
comes after those that it let pass. Each carries full state, so what is older than something handled is dropped.
"""

from collections import OrderedDict
from typing import Protocol

from shared.events import Envelope

CAPACITY = 100_000
"""Subjects, of about 200 bytes. What comes late comes minutes late, not after so many other articles."""


class Guard(Protocol):
    """Remembers what was handled. Keep it in a database if it must outlive the process or serve several."""

    async def held(self, subject: str) -> int:
        """The highest revision handled of `subject`, 0 if none is known."""

    async def keep(self, subject: str, revision: int) -> None:
        """Remember that `revision` of `subject` was handled."""


class Newest:
    """A guard in memory: forgets with the process, and beyond `capacity` the subjects not heard of for longest."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._held: OrderedDict[str, int] = OrderedDict()

    async def held(self, subject: str) -> int:
        """As the protocol says."""
        return self._held.get(subject, 0)

    async def keep(self, subject: str, revision: int) -> None:
        """As the protocol says."""
        self._held[subject] = max(revision, self._held.get(subject, 0))
        self._held.move_to_end(subject)
        if len(self._held) > self._capacity:
            self._held.popitem(last=False)


class Unguarded:
    """No guard: the handler's own compare-and-swap refuses what is older, and it answers False then."""

    async def held(self, subject: str) -> int:
        """Nothing is known."""
        return 0

    async def keep(self, subject: str, revision: int) -> None:
        """Nothing is kept."""


def subject_of(event: Envelope) -> str:
    """What revisions count for: an article and its page have the same ones, and don't outdate each other."""
    return f"{event.name.partition('.')[0]}/{event.subject}"


def outdated(event: Envelope, held: int, replay: bool) -> bool:
    """Whether `event` says nothing new to somebody who holds revision `held`.

    A page is told again under the same revision when its template has changed, and a replay is asked for.
    """
    if event.sequence is None or event.subject is None:
        return False
    revision = int(event.sequence)
    again = replay or event.name.startswith("page.")
    return revision < held or (revision == held and not again)
