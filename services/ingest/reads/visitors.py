"""Visitors, which stand for readers without identifying them,
and the reload window that filters their reloads.
"""

from asyncio import Future
from collections.abc import Callable, Iterable
from functools import lru_cache
from hashlib import blake2b


def visitor(salt: bytes, address: bytes, user_agent: bytes) -> str:
    """A salted hash of address and user agent: 16 hex digits for one reader on one day.

    Once the day's salt is deleted, the hash can't be traced back to the address.
    """
    found = _keyed(salt).copy()
    found.update(b"%b\0%b" % (address, user_agent))
    return found.hexdigest()


@lru_cache(maxsize=4)
def _keyed(salt: bytes) -> blake2b:
    # Copying a keyed hash takes half the time of making one, for each read.
    return blake2b(key=salt, digest_size=8)


class ReloadWindow:
    """Remembers each visitor's reads of the last `window` seconds, in memory:
    bounded, best effort, per process.

    A read enters the window only once it is durable.
    Until then equal reads of the visitor wait for its outcome.
    """

    def __init__(self, window: float, capacity: int, seconds: Callable[[], float]) -> None:
        """`capacity` bounds the entries; at least the newest half of it is remembered.
        `seconds` is the clock.
        """
        self.window, self._seconds = window, seconds
        # Two generations instead of one LRU dictionary: both only grow, and the older one is
        # dropped as a whole. A dictionary that loses an entry with each new one is reallocated
        # again and again, and finding its first key takes longer each time.
        self._half = max(1, capacity // 2)
        self._newer: dict[str, float] = {}
        self._older: dict[str, float] = {}
        self._pending: dict[str, Future[str]] = {}
        self._keys: dict[Future[str], list[str]] = {}
        """Keys of reads in flight, by their outcome."""

    def __len__(self) -> int:
        return len(self._newer) + len(self._older)

    def holds(self, key: str) -> bool:
        """True if the read `key` (visitor and article) is a reload within the window."""
        return (self._newer.get(key) or self._older.get(key, 0.0)) > self._seconds()

    def pending(self, key: str) -> Future[str] | None:
        """The outcome of an equal read in flight; None if there is none."""
        return self._pending.get(key)

    def begin(self, key: str, outcome: Future[str]) -> None:
        """Note that the read `key` is in flight. It enters the window if `outcome` succeeds.
        All reads of a batch have one outcome.
        """
        self._pending[key] = outcome
        keys = self._keys.get(outcome)
        if keys is None:
            self._keys[outcome] = keys = []
            outcome.add_done_callback(self._end)
        keys.append(key)

    def _end(self, outcome: Future[str]) -> None:
        keys, pending = self._keys.pop(outcome), self._pending
        for key in keys:
            pending.pop(key, None)
        if not outcome.cancelled() and outcome.exception() is None:
            self.remember(keys)

    def remember(self, keys: Iterable[str]) -> None:
        """Note that the reads `keys` became durable now."""
        until = self._seconds() + self.window  # one object for all of them
        for key in keys:
            if len(self._newer) >= self._half:
                self._older, self._newer = self._newer, {}
            self._newer[key] = until
