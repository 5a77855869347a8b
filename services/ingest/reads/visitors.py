"""Who reads, without knowing who: a keyed hash of address and user agent, and the window against reloads."""

import asyncio
from collections.abc import Callable
from hashlib import blake2b


def visitor(salt: bytes, address: bytes, user_agent: bytes) -> str:
    """16 hex digits that stand for a reader on one day; without the day's salt they lead to nobody."""
    return blake2b(b"%b\0%b" % (address, user_agent), key=salt, digest_size=8).hexdigest()


class ReloadWindow:
    """Remembers which visitor read what within the last `window` seconds; best effort, bounded, per process.

    A read enters it only once it is durable; until then others of the same visitor wait for its outcome.
    """

    def __init__(self, window: float, capacity: int, seconds: Callable[[], float]) -> None:
        """Of the last `capacity` reads at least the newer half is remembered."""
        self.window, self._seconds = window, seconds
        # Two dictionaries that only grow, the older thrown away whole: one that loses an entry with each that it
        # gains takes new memory again and again, and takes ever longer to find its first key.
        self._half = max(1, capacity // 2)
        self._newer: dict[str, float] = {}
        self._older: dict[str, float] = {}
        self._pending: dict[str, asyncio.Future[str]] = {}

    def __len__(self) -> int:
        return len(self._newer) + len(self._older)

    def holds(self, key: str) -> bool:
        """Whether this is a reload."""
        return (self._newer.get(key) or self._older.get(key, 0.0)) > self._seconds()

    def pending(self, key: str) -> asyncio.Future[str] | None:
        """The outcome of the same read that is on its way, if there is one."""
        return self._pending.get(key)

    def begin(self, key: str, outcome: asyncio.Future[str]) -> None:
        """A read is on its way."""
        self._pending[key] = outcome

    def end(self, key: str, durable: bool) -> None:
        """That read's outcome is known."""
        self._pending.pop(key, None)
        if not durable:
            return
        if len(self._newer) >= self._half:
            self._older, self._newer = self._newer, {}
        self._newer[key] = self._seconds() + self.window
