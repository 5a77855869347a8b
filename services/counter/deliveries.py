"""Plans acks for the deliveries of one channel. Pure.

A channel numbers its deliveries 1, 2, 3, … One ack can settle all deliveries up to a number. It
must not be used past a delivery that is still in flight, or that one would be acked too.
"""

from collections.abc import Iterable


class Tags:
    """The delivery tags of one channel that are settled, or will be by the planned acks."""

    def __init__(self) -> None:
        self._through = 0
        self._beyond: set[int] = set()

    def settle(self, tags: Iterable[int]) -> tuple[int | None, list[int]]:
        """Plan the acks for `tags`. Returns the tag up to which one ack settles all (None if there
        is none), and the tags to ack one by one.
        """
        new, before = set(tags), self._through
        self._beyond |= new
        while self._through + 1 in self._beyond:
            self._through += 1
            self._beyond.discard(self._through)
        alone = sorted(tag for tag in new if tag > self._through)
        return max((tag for tag in new if before < tag <= self._through), default=None), alone
