"""Limits the reads of each address by a token bucket, in bounded memory. Pure."""

from collections.abc import Callable

EARLY_SECONDS = 0.001
"""Time by which a read may come early: more than the rounding of a burst adds up to."""


class ReadLimit:
    """Allows each address `per_minute` reads,
    with a burst of as many after a quiet minute. 0: no limit.
    """

    CAPACITY = 100_000
    """Upper bound for remembered addresses; at least half as many are.
    A forgotten one starts with a full bucket."""

    def __init__(
        self, per_minute: int, seconds: Callable[[], float], capacity: int = CAPACITY
    ) -> None:
        self.per_minute, self._seconds = per_minute, seconds
        self._interval = 60 / per_minute if per_minute else 0.0
        # Rounding must not refuse the last read of a burst, or one after exactly the wait told.
        self._early = min(self._interval / 2, EARLY_SECONDS)
        self._half = max(1, capacity // 2)
        # By address, the moment at which its bucket is full again.
        # Two generations, as in `ReloadWindow`.
        self._newer: dict[bytes, float] = {}
        self._older: dict[bytes, float] = {}

    def __len__(self) -> int:
        return len(self._newer) + len(self._older)

    def wait(self, address: bytes) -> float:
        """Take one read from the bucket.
        0 if it is allowed, else the seconds until the next one is.
        """
        now, newer = self._seconds(), self._newer
        full = newer.get(address)
        if full is None:
            full = self._older.get(address, 0.0)
            if len(newer) >= self._half:
                self._older, self._newer = newer, {}
                newer = self._newer
        if full < now:
            full = now
        wait = full + self._interval - now - 60
        if wait < self._early:
            newer[address] = full + self._interval
            return 0.0
        newer[address] = full
        return wait
