"""How many may listen to the live figures: all together, and from one address. Pure."""

from collections import Counter

from shared.base.errors import Problem

RETRY_AFTER = 30
"""Seconds after which a refused client may ask again: places become free slowly."""


class ListenerPlaces:
    """Places of listeners. `most_of_address` 0: no limit for an address."""

    def __init__(self, most: int, most_of_address: int) -> None:
        self._most, self._most_of_address = most, most_of_address
        self._by_address: Counter[bytes] = Counter()
        self._taken = 0

    def __len__(self) -> int:
        return self._taken

    def take(self, address: bytes) -> str:
        """Take a place. Empty, or the reason why there is none: `full` or `address`."""
        if self._taken >= self._most:
            return "full"
        if 0 < self._most_of_address <= self._by_address[address]:
            return "address"
        self._taken += 1
        self._by_address[address] += 1
        return ""

    def free(self, address: bytes) -> None:
        """Give a place back."""
        self._taken -= 1
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]


def no_place(detail: str, retry_after: int = RETRY_AFTER) -> Problem:
    """The refusal of a listener: 503."""
    return Problem(503, detail, headers=[("retry-after", str(retry_after))])
