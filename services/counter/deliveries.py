"""Deliveries in hand: what was received on one channel and is not settled yet. Pure.

A channel numbers its deliveries 1, 2, 3, … and an ack may settle all up to a number; so what is acked together must
be everything up to that number, and none that is still in hand may be among it.
"""

from collections.abc import Iterable


class Tags:
    """The delivery tags of one channel that are settled, or about to be."""

    def __init__(self) -> None:
        self._through = 0
        self._beyond: set[int] = set()

    def settle(self, tags: Iterable[int]) -> tuple[int | None, list[int]]:
        """Plan the acks for `tags`: the tag to ack with everything up to it (None: nothing), and those to ack alone."""
        new = set(tags)
        before, start = self._through, self._through
        self._beyond |= new
        while self._through + 1 in self._beyond:
            self._through += 1
            self._beyond.discard(self._through)
        alone = sorted(tag for tag in new if tag > self._through)
        last = max((tag for tag in new if start < tag <= self._through), default=None)
        return (last if last is not None and self._through > before else None), alone
