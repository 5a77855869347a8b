"""Remembers which batches of a stream were seen, in a bit each. Pure."""

from shared.rabbit.batch import KEYED, place

MAX_SEQUENCE = 1 << 31
"""Sequence numbers that no ingest reaches in three days; of forged ones nothing is remembered."""


class SeenBatches:
    """The batches seen so far: an ingest that is busy for three days sends 50 million."""

    def __init__(self) -> None:
        self._of_epochs: dict[str, bytearray] = {}
        self._keyed = set[str]()

    def add(self, name: str) -> bool:
        """Note a batch's id. False if it was seen before."""
        epoch, sequence = place(name)
        if epoch == KEYED or sequence >= MAX_SEQUENCE:
            if name in self._keyed:
                return False
            self._keyed.add(name)
            return True
        bits = self._of_epochs.setdefault(epoch, bytearray())
        at, bit = sequence >> 3, 1 << (sequence & 7)
        if at >= len(bits):
            bits.extend(bytes(max(1024, at + 1 - len(bits))))
        if bits[at] & bit:
            return False
        bits[at] |= bit
        return True
