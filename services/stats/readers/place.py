"""How far the stream is folded. Pure."""

from dataclasses import dataclass, replace

MARK_MS = 30_000
"""Time between two marks of a place."""
MARKS_MS = 390_000
"""Time for which marks are kept: longer than readers are online."""


@dataclass(frozen=True, slots=True)
class LogPlace:
    """The last message that was folded. Times are in milliseconds since 1970.

    A stream that is lost with RabbitMQ's disk, and made again, counts from 0 once more. `batch`
    tells it from the old one: then a new `generation` begins at its first message.
    """

    generation: int
    offset: int
    batch: str
    """The id of its batch, or its message id."""
    minted: int
    """The latest time of a batch until here."""
    marks: tuple[tuple[int, int], ...] = ()
    """(time, offset) of earlier places, rising: from one of them the last minutes are read again
    after a start."""

    def covers(self, other: "LogPlace") -> bool:
        """Whether all that `other` has folded is folded here too."""
        return self.generation == other.generation and self.offset >= other.offset

    def moved(self, offset: int, batch: str, minted: int) -> "LogPlace":
        """The place after one more message."""
        latest, marks = max(self.minted, minted), self.marks
        if not marks or latest >= marks[-1][0] + MARK_MS:
            marks = tuple(each for each in marks if each[0] >= latest - MARKS_MS)
            marks = (*marks, (latest, offset))
        return replace(self, offset=offset, batch=batch, minted=latest, marks=marks)

    def begin(self, since: int) -> int:
        """The offset from which to read so that the batches since the moment `since`, and all that
        are not folded, are read.
        """
        before = [offset for moment, offset in self.marks if moment <= since]
        kept = [offset for _, offset in self.marks]
        next_one = self.offset + 1
        return next_one if since > self.minted else min([*(before[-1:] or kept[:1]), next_one])
